// Command compare runs the benchmarks of this module and shows what each path
// costs, beside the peers and the targets.
//
//	go run ./benchmarks/cmd/compare [flags]
//
// It gets data of real size through npm, once, into a directory of the user's
// cache; without npm it generates some of the same shape, and says so. What needs
// a server that is missing is left out, and named. The raw output is kept for
// benchstat, and the table is written into docs/performance.md with -write.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"

	"github.com/mooring-go/mooring/benchmarks/internal/document"
	"github.com/mooring-go/mooring/benchmarks/internal/geofiles"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

type settings struct {
	count       int
	time        string
	dir, raw    string
	data, write bool
}

func parse(args []string, out io.Writer) (settings, error) {
	var s settings
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.IntVar(&s.count, "count", 6, "how often each benchmark is run; the median counts")
	flags.StringVar(&s.time, "benchtime", "1s", "how long each benchmark is run")
	flags.StringVar(&s.dir, "dir", filepath.Join(cache, "mooring-benchmarks"), "where data and raw output are kept")
	flags.StringVar(&s.raw, "from", "", "show the raw output of an earlier run, and run nothing")
	flags.BoolVar(&s.data, "fetch", false, "only fetch the data, and say where it is")
	flags.BoolVar(&s.write, "write", false, "write the table into docs/performance.md")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if s.count < 1 || flags.NArg() > 0 {
		return s, fmt.Errorf("want -count of 1 or more and no arguments")
	}
	return s, nil
}

func run(ctx context.Context, args []string, out io.Writer) error {
	s, err := parse(args, out)
	if err != nil {
		return err
	}
	if s.raw != "" {
		raw, err := os.ReadFile(s.raw)
		if err != nil {
			return err
		}
		return show(raw, s.write, out)
	}
	files, why, err := geofiles.Get(ctx, s.dir)
	if err != nil {
		return err
	}
	if why != nil {
		fmt.Fprintf(out, "real databases cannot be had, generated ones are used:\n%s\n\n", why)
	}
	fmt.Fprintf(out, "databases: %s, %s\n", files.ASN, files.City)
	if s.data {
		return nil
	}
	raw, err := benchmark(ctx, s, files, out)
	if err != nil {
		return err
	}
	path := filepath.Join(s.dir, "raw.txt")
	if err := os.WriteFile(path, raw, 0o644); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nraw output, for benchstat: %s\n\n", path)
	return show(raw, s.write, out)
}

// A part is one or more runs of some of the benchmarks, with flags of its own.
// What is compared with each other is run in turns, since a machine is slower at
// times.
type part struct {
	pattern string
	flags   []string
	runs    int
}

// benchmark builds the benchmarks, runs all, and returns what they print.
func benchmark(ctx context.Context, s settings, files geofiles.Files, out io.Writer) ([]byte, error) {
	program := filepath.Join(s.dir, "benchmarks.test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-o", program, "github.com/mooring-go/mooring/benchmarks")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("building the benchmarks: %w", err)
	}
	each := []string{"-test.benchtime", s.time}
	var raw bytes.Buffer
	fmt.Fprintf(&raw, "data: %s\n", map[bool]string{true: "real", false: "generated"}[files.Real])
	for _, p := range []part{
		{"^(BenchmarkGuard|BenchmarkMoved|BenchmarkMovedRequest|BenchmarkBroken|BenchmarkDeviceKey|BenchmarkDuration)$", each, s.count},
		{"^BenchmarkEndOthers$/mooring", []string{"-test.benchtime", "20000x", "-test.count", fmt.Sprint(s.count)}, 1},
		{"^BenchmarkEndOthers$/scs", []string{"-test.benchtime", "1x"}, 1},
		{"^BenchmarkMixed$", append(each[:2:2], "-test.cpu", "1,2"), s.count},
		{"^BenchmarkMemory$", []string{"-test.benchtime", "1x"}, 1},
		{"^BenchmarkSweep$", []string{"-test.benchtime", "10x"}, 1},
		{"^BenchmarkSwap$", []string{"-test.benchtime", "20x"}, 1},
		{"^(BenchmarkRedis|BenchmarkPostgres)$", each, s.count},
		{"^BenchmarkHang$", []string{"-test.benchtime", "3x"}, 1},
	} {
		for range p.runs {
			if err := p.run(ctx, program, files, io.MultiWriter(out, &raw)); err != nil {
				return nil, err
			}
		}
	}
	return raw.Bytes(), nil
}

func (p part) run(ctx context.Context, program string, files geofiles.Files, out io.Writer) error {
	arguments := append([]string{"-test.run", "^$", "-test.benchmem", "-test.bench", p.pattern}, p.flags...)
	test := exec.CommandContext(ctx, program, arguments...)
	test.Env = append(os.Environ(), "MOORING_BENCH_ASN="+files.ASN, "MOORING_BENCH_CITY="+files.City)
	test.Stdout, test.Stderr = out, os.Stderr
	if err := test.Run(); err != nil {
		return fmt.Errorf("%s: %w", p.pattern, err)
	}
	return nil
}

// show prints the table, and writes it into the document if it is to be.
func show(raw []byte, write bool, out io.Writer) error {
	measured, err := read(raw)
	if err != nil {
		return err
	}
	table := tableOf(measured)
	fmt.Fprintln(out, table)
	if !write {
		return nil
	}
	return document.Replace("compare", measured.about()+"\n\n"+table)
}
