// Command load loads examples/webapp over HTTP on the loopback interface, at rising
// rates, on each store, without Mooring's guard and with it.
//
//	go run ./benchmarks/cmd/load [flags]
//
// The load is open: requests are sent when they are due, whether those before
// have been answered or not, and each is timed from when it was due. Most are for
// the page of a visitor's sessions; one in 1000 is a sign-in, and one in 100 comes
// from another address than the session's request before. The application is a
// process of its own, and the generator takes its share of the same processors. A
// store whose server is missing is left out, and named.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/mooring-go/mooring/benchmarks/internal/document"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// The bounds of a run.
const (
	mostRate     = 100_000
	mostDuration = time.Minute
)

type settings struct {
	stores   []string
	rates    []int
	duration time.Duration
	sessions int
	write    bool
}

func parse(args []string, out io.Writer) (settings, error) {
	var s settings
	var stores, rates string
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.SetOutput(out)
	flags.StringVar(&stores, "stores", strings.Join(storeNames, ","), "what to load")
	flags.StringVar(&rates, "rates", "500,1000,2000,4000,6000,8000,12000", "requests a second, rising; a store is not loaded any more once it does not keep up")
	flags.DurationVar(&s.duration, "duration", 5*time.Second, "how long each rate is kept up")
	flags.IntVar(&s.sessions, "sessions", 1000, "how many sessions are used in turn")
	flags.BoolVar(&s.write, "write", false, "write the table into docs/performance.md")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	s.stores = strings.Split(stores, ",")
	for _, name := range s.stores {
		if !slices.Contains(storeNames, name) {
			return s, fmt.Errorf("store %q: want some of %s", name, strings.Join(storeNames, ", "))
		}
	}
	for text := range strings.SplitSeq(rates, ",") {
		rate, err := strconv.Atoi(text)
		if err != nil || rate < 1 || rate > mostRate {
			return s, fmt.Errorf("rate %q: want 1 to %d", text, mostRate)
		}
		s.rates = append(s.rates, rate)
	}
	if s.duration <= 0 || s.duration > mostDuration || s.sessions < 1 || s.sessions > accounts || flags.NArg() > 0 {
		return s, fmt.Errorf("want a -duration of up to %s, 1 to %d -sessions and no arguments", mostDuration, accounts)
	}
	return s, nil
}

func run(ctx context.Context, args []string, out io.Writer) error {
	s, err := parse(args, out)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "mooring-load")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	program, err := build(ctx, dir)
	if err != nil {
		return err
	}
	var outcomes []outcome
	var leftOut []string
	for _, store := range s.stores {
		some, err := bothWays(ctx, program, store, s, out)
		if errors.Is(err, errMissing) {
			leftOut = append(leftOut, err.Error())
			continue
		}
		if err != nil {
			return err
		}
		outcomes = append(outcomes, some...)
	}
	table := tableOf(outcomes)
	fmt.Fprintf(out, "\n%s", table)
	about := "Measured on " + document.Machine() + "."
	for _, missing := range leftOut {
		fmt.Fprintln(out, "left out,", missing)
		about += "\nLeft out, " + missing + "."
	}
	if !s.write {
		return nil
	}
	return document.Replace("load", about+"\n\n"+table)
}

// bothWays loads the application on a store without its guard, and with it.
func bothWays(ctx context.Context, program, store string, s settings, out io.Writer) ([]outcome, error) {
	without, err := load(ctx, program, store, false, s, out)
	if err != nil {
		return nil, err
	}
	with, err := load(ctx, program, store, true, s, out)
	return append(without, with...), err
}
