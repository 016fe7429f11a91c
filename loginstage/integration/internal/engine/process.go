package engine

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"sync"
	"syscall"
	"time"
)

// A process is a program that was started, with all that it starts.
type process struct {
	command *exec.Cmd
	said    tail
	ended   chan struct{} // closed once the program has ended
}

// start starts the program, which ends with ctx at the latest.
func start(ctx context.Context, env []string, program string, args ...string) (*process, error) {
	p := &process{command: exec.Command(program, args...), ended: make(chan struct{})}
	p.command.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	p.command.Env = append(p.command.Environ(), env...)
	p.command.Stdout, p.command.Stderr = &p.said, &p.said
	p.command.WaitDelay = time.Second // what it started may keep its output open
	if err := p.command.Start(); err != nil {
		return nil, fmt.Errorf("engine: starting %s: %w", program, err)
	}
	go func() {
		_ = p.command.Wait() // a browser that is ended reports that
		close(p.ended)
	}()
	context.AfterFunc(ctx, p.kill)
	return p, nil
}

// running returns an error if the program has ended by itself.
func (p *process) running() error {
	select {
	case <-p.ended:
		return fmt.Errorf("engine: %s has ended: %s", p.command.Path, p.said.String())
	default:
		return nil
	}
}

// stop has the program end by the signal, and ends it where it does not.
func (p *process) stop(signal syscall.Signal) error {
	_ = p.command.Process.Signal(signal) // it may have ended
	select {
	case <-p.ended:
		p.kill() // what it has left running
		return nil
	case <-time.After(10 * time.Second):
		p.kill()
		return errors.New("engine: the browser had to be killed")
	}
}

// kill ends the program and all that it has started.
func (p *process) kill() {
	_ = syscall.Kill(-p.command.Process.Pid, syscall.SIGKILL) // they may have ended
	<-p.ended
}

// A tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text.Write(b)
	if over := t.text.Len() - 4096; over > 0 {
		t.text.Next(over)
	}
	return len(b), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.String()
}
