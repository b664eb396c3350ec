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
	"slices"
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
	tooks   []took             // all of them
	owner   map[task.ID]string // who took a task last
	changed chan struct{}      // closed with the next change
}

// process is one worker.
type process struct {
	cmd   *exec.Cmd
	stdin io.Closer
	ended chan struct{} // its output is read, and it is gone
}

func newFleet(o options, servers stack.State, folder string) *fleet {
	return &fleet{options: o, servers: servers, folder: folder, running: map[string]*process{}, owner: map[task.ID]string{}, changed: make(chan struct{})}
}

// start starts a worker.
func (f *fleet) start(name string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(f.folder, name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(self, "-worker", name, "-tasks", fmt.Sprint(f.tasks), "-session", f.session.String(), "-kafka", f.servers.Kafka(), "-redis", f.servers.Redis())
	cmd.Stderr = log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting worker %s: %w", name, err)
	}
	p := &process{cmd: cmd, stdin: stdin, ended: make(chan struct{})}
	f.mu.Lock()
	f.running[name] = p
	f.mu.Unlock()
	go f.listen(name, p, stdout)
	return nil
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
	_ = p.cmd.Wait() // it is killed on purpose
	f.change(func() {
		if f.running[name] == p {
			delete(f.running, name)
		}
	})
	close(p.ended)
}

func (f *fleet) change(what func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	what()
	close(f.changed)
	f.changed = make(chan struct{})
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

// shared waits until the workers that run have equal numbers of tasks, plus or minus one.
func (f *fleet) shared(ctx context.Context) error {
	return f.await(ctx, "the tasks are shared", func() bool {
		count := map[string]int{}
		for _, name := range f.owner {
			if f.running[name] == nil {
				return false
			}
			count[name]++
		}
		if len(f.owner) < f.tasks || len(count) < len(f.running) {
			return false
		}
		least, most := f.tasks, 0
		for _, n := range count {
			least, most = min(least, n), max(most, n)
		}
		return most-least <= 1
	})
}

// tasksOf lists the tasks that a worker took last.
func (f *fleet) tasksOf(name string) []task.ID {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []task.ID
	for id, owner := range f.owner {
		if owner == name {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// tookSince lists what was taken since a time.
func (f *fleet) tookSince(at int64) []took {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []took
	for _, t := range f.tooks {
		if t.At >= at {
			out = append(out, t)
		}
	}
	return out
}

func (f *fleet) signal(name string, signal os.Signal) (*process, error) {
	f.mu.Lock()
	p := f.running[name]
	f.mu.Unlock()
	if p == nil {
		return nil, fmt.Errorf("worker %s does not run", name)
	}
	return p, p.cmd.Process.Signal(signal)
}

// kill kills a worker and returns when that was.
func (f *fleet) kill(name string) (at int64, err error) {
	at = time.Now().UnixNano()
	p, err := f.signal(name, syscall.SIGKILL)
	if err != nil {
		return at, err
	}
	<-p.ended
	return at, nil
}

// stop ends a worker in good order.
func (f *fleet) stop(name string) error {
	p, err := f.signal(name, syscall.SIGTERM)
	if err != nil {
		return err
	}
	select {
	case <-p.ended:
		return nil
	case <-time.After(30 * time.Second):
		return fmt.Errorf("worker %s does not end", name)
	}
}

// close kills all workers.
func (f *fleet) close() error {
	f.mu.Lock()
	var names []string
	for name := range f.running {
		names = append(names, name)
	}
	f.mu.Unlock()
	var problems []error
	for _, name := range names {
		_, err := f.kill(name)
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}
