package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/coppice-run/coppice/internal/stack"
	"github.com/coppice-run/coppice/task"
)

// fleet is the worker processes.
type fleet struct {
	options
	servers stack.State
	folder  string // of logs

	mu      sync.Mutex
	running map[string]*process
	tooks   []took
	owner   map[task.ID]string // who took a task last
	changed chan struct{}      // closed with the next change
}

// process is one worker.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	log   string
	ended chan struct{} // its output is read, and it is gone
}

func newFleet(o options, servers stack.State, folder string) *fleet {
	return &fleet{options: o, servers: servers, folder: folder, running: map[string]*process{}, owner: map[task.ID]string{}, changed: make(chan struct{})}
}

// start starts a worker of a version. Its name is new: samples tell it from those before.
func (f *fleet) start(name string, version int) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	file := filepath.Join(f.folder, name+".log")
	log, err := os.OpenFile(file, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	cmd := exec.Command(self, "-worker", name, "-version", fmt.Sprint(version), "-tasks", fmt.Sprint(f.tasks), "-kafka", f.servers.Kafka(), "-redis", f.servers.Redis())
	cmd.Stderr = log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting worker %s: %w", name, err)
	}
	p := &process{cmd: cmd, stdin: stdin, log: file, ended: make(chan struct{})}
	f.change(func() { f.running[name] = p })
	go f.listen(name, p, stdout)
	return p, nil
}

// listen follows what a worker tells until it ends.
func (f *fleet) listen(name string, p *process, stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		var t took
		if json.Unmarshal(lines.Bytes(), &t) != nil {
			continue
		}
		f.change(func() {
			f.tooks = append(f.tooks, t)
			f.owner[t.Took] = t.Worker
		})
	}
	_ = p.cmd.Wait() // how it ended is asked of the process
	f.change(func() { delete(f.running, name) })
	close(p.ended)
}

func (f *fleet) change(what func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	what()
	close(f.changed)
	f.changed = make(chan struct{})
}

// shared waits until the workers that run have equal numbers of tasks, plus or minus one.
func (f *fleet) shared(ctx context.Context) error {
	return f.await(ctx, "the tasks are shared", f.even)
}

// await waits until something holds.
func (f *fleet) await(ctx context.Context, what string, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for {
		f.mu.Lock()
		ok, changed := holds(), f.changed
		f.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting until %s: %w", what, ctx.Err())
		}
	}
}

func (f *fleet) even() bool {
	count := map[string]int{}
	for _, name := range f.owner {
		if f.running[name] == nil {
			return false
		}
		count[name]++
	}
	least, most := f.tasks, 0
	for _, n := range count {
		least, most = min(least, n), max(most, n)
	}
	return len(f.owner) == f.tasks && len(count) == len(f.running) && most-least <= 1
}

// tookSince lists the tasks that were taken since a time.
func (f *fleet) tookSince(at int64) map[task.ID]bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	taken := map[task.ID]bool{}
	for _, t := range f.tooks {
		if t.At >= at {
			taken[t.Took] = true
		}
	}
	return taken
}

// stop ends a worker in good order.
func (f *fleet) stop(name string) error {
	f.mu.Lock()
	p := f.running[name]
	f.mu.Unlock()
	if p == nil {
		return fmt.Errorf("worker %s does not run", name)
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	return p.awaitEnd(name, 30*time.Second)
}

func (p *process) awaitEnd(name string, patience time.Duration) error {
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("worker %s has not ended after %v", name, patience)
	}
}

// close kills all workers.
func (f *fleet) close() error {
	f.mu.Lock()
	var all []*process
	for _, p := range f.running {
		all = append(all, p)
	}
	f.mu.Unlock()
	var problems []error
	for _, p := range all {
		if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			problems = append(problems, err)
		}
		<-p.ended
	}
	return errors.Join(problems...)
}
