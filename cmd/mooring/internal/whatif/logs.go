package whatif

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync/atomic"
	"time"

	"github.com/jedib0t/go-pretty/v6/progress"
	"golang.org/x/term"

	"github.com/mooring-go/mooring/binding/maxmind"
	"github.com/mooring-go/mooring/cmd/mooring/internal/accesslog"
	"github.com/mooring-go/mooring/cmd/mooring/internal/replay"
)

// replayLogs replays the logs and prints the result.
func replayLogs(ctx context.Context, s settings, db *maxmind.DB, in io.Reader, out, errOut io.Writer) error {
	replayed, err := replay.New(replay.Config{
		Candidates: s.policy.candidates(db.Covers), Locator: db, Idle: s.idle.Std(), Keys: max(0, s.keys) / 100,
	})
	if err != nil {
		return err
	}
	var read atomic.Int64
	sources, size, err := openable(s.arguments, in, &read)
	if err != nil {
		return err
	}
	stop := showProgress(errOut, size, &read)
	stats, err := accesslog.Read(ctx, accesslog.Config{Sources: sources, Format: formatOf(s.logFormat), Fields: s.fields, Proxies: s.proxies},
		func(e accesslog.Entry) error {
			return replayed.Add(ctx, replay.Use(e))
		})
	stop()
	if err != nil {
		return err
	}
	for _, problem := range append(stats.Mistakes, stats.Incomplete...) {
		fmt.Fprintln(errOut, "whatif:", problem)
	}
	if stats.Uses == 0 {
		return fmt.Errorf("no use of a session in %d lines, %d of them malformed: want -log-format and -session-field to fit the logs", stats.Lines, stats.Malformed)
	}
	report := newReport(stats, replayed.Result(), max(0, s.keys))
	if err := writeFile(s.html, report.page); err != nil {
		return err
	}
	return report.print(out, s.format)
}

func formatOf(name string) accesslog.Format {
	if name == "auto" {
		return accesslog.Auto
	}
	return accesslog.Format(name)
}

// openable returns the logs by name, "-" being the standard input, and their size; 0
// where it is not known. What is read of them is counted.
func openable(names []string, in io.Reader, read *atomic.Int64) (sources []accesslog.Source, size int64, err error) {
	known, stdin := true, false
	for _, name := range names {
		if name == "-" {
			if stdin {
				return nil, 0, errors.New("the standard input can be read once only")
			}
			known, stdin = false, true
			sources = append(sources, accesslog.Source{Name: "standard input", Open: func() (io.ReadCloser, error) {
				return counted{io.NopCloser(in), read}, nil
			}})
			continue
		}
		info, err := os.Stat(name)
		if err != nil {
			return nil, 0, err
		}
		if info.IsDir() {
			return nil, 0, fmt.Errorf("%s is a directory: want a log", name)
		}
		size += info.Size()
		sources = append(sources, accesslog.Source{Name: name, Open: func() (io.ReadCloser, error) {
			file, err := os.Open(name)
			return counted{file, read}, err
		}})
	}
	if !known {
		size = 0
	}
	return sources, size, nil
}

// counted counts what is read.
type counted struct {
	io.ReadCloser
	read *atomic.Int64
}

func (c counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.read.Add(int64(n))
	return n, err
}

// showProgress shows how much of the logs is read, if out is a terminal, until the
// function that it returns is called.
func showProgress(out io.Writer, size int64, read *atomic.Int64) (stop func()) {
	if file, ok := out.(*os.File); !ok || !term.IsTerminal(int(file.Fd())) {
		return func() {}
	}
	writer := progress.NewWriter()
	writer.SetOutputWriter(out)
	writer.SetUpdateFrequency(100 * time.Millisecond)
	writer.SetAutoStop(false)
	writer.Style().Visibility.ETA = true
	writer.Style().Visibility.Speed = true
	tracker := &progress.Tracker{Message: "reading", Total: size, Units: progress.UnitsBytes}
	writer.AppendTracker(tracker)
	done, rendered := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(rendered)
		writer.Render()
	}()
	go func() {
		ticker := time.NewTicker(50 * time.Millisecond)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				tracker.SetValue(read.Load())
			case <-done:
				return
			}
		}
	}()
	return func() {
		close(done)
		tracker.SetValue(read.Load())
		tracker.MarkAsDone()
		time.Sleep(150 * time.Millisecond) // for the bar to be drawn to its end
		writer.Stop()
		<-rendered
	}
}
