package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	switch err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr); {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "whatif:", err)
		os.Exit(1)
	}
}

// run does what the arguments say.
func run(ctx context.Context, args []string, in io.Reader, out, errOut io.Writer) error {
	s, err := parseSettings(args, errOut)
	if err != nil {
		return err
	}
	if s.demo && len(s.arguments) == 0 {
		return model(s, out)
	}
	db, err := openWorld(s)
	if err != nil {
		return err
	}
	if from, to, ok := s.pair(); ok {
		return explain(ctx, s, db, from, to, out)
	}
	return replayLogs(ctx, s, db, in, out, errOut)
}
