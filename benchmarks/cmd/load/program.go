package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/mooring-go/mooring/benchmarks/internal/document"
)

// What examples/webapp has for its load: see load_test.go in its package site.
const (
	visitorName = "visitor-%d"
	guestName   = "guest-%d"
	accounts    = 1000 // of each
	password    = "password under load"
)

// build builds examples/webapp as it is to be loaded, into a directory.
func build(ctx context.Context, dir string) (program string, err error) {
	root, err := document.Root()
	if err != nil {
		return "", err
	}
	program = filepath.Join(dir, "webapp")
	command := exec.CommandContext(ctx, "go", "test", "-c", "-o", program, "./webapp/internal/site")
	command.Dir = filepath.Join(root, "examples")
	if said, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("building examples/webapp: %w: %s", err, said)
	}
	return program, nil
}

// start starts the application, with its guard or without, and returns where it
// is and how to stop it.
func start(ctx context.Context, program string, guarded bool, flags []string) (base string, stop func(), err error) {
	// Nobody is asked whether to stay signed in: a sign-in is one request.
	arguments := append([]string{"-addr=localhost:0", "-stay-signed-in-offset=seconds=0"}, flags...)
	child := exec.CommandContext(ctx, program, arguments...)
	child.Env = append(os.Environ(), "LOAD_WEBAPP="+guard(guarded))
	said := new(strings.Builder)
	child.Stderr = said
	printed, err := child.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := child.Start(); err != nil {
		return "", nil, err
	}
	read := make(chan struct{})
	stop = func() {
		_ = child.Process.Signal(os.Interrupt)
		<-read
		_ = child.Wait()
	}
	lines := bufio.NewReader(printed)
	first, _ := lines.ReadString('\n')
	go func() {
		defer close(read)
		_, _ = io.Copy(io.Discard, lines)
	}()
	if base = regexp.MustCompile(`http://localhost:\d+`).FindString(first); base == "" {
		stop()
		return "", nil, fmt.Errorf("the application does not start with %s: %s", strings.Join(flags, " "), said)
	}
	return base, stop, nil
}
