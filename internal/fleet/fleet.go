package fleet

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

	"github.com/coppice-run/coppice/task"
)

// Fleet is worker processes that share the tasks of a module.
type Fleet struct {
	at    Place
	tasks int

	mu      sync.Mutex
	running map[string]*Process
	tooks   []Took             // all of them
	owner   map[task.ID]string // who took a task last
	changed chan struct{}      // closed with the next change
}

// Process is one worker.
type Process struct {
	Name string
	Log  string // file of what it logs

	cmd   *exec.Cmd
	stdin io.Closer
	ended chan struct{} // its output is read, and it is gone
}

// Took is the line that a worker prints when a task begins to run there.
type Took struct {
	Took   task.ID
	Worker string
	At     int64 // nanoseconds since 1970, of this machine
}

// New returns a fleet without workers, for a module of so many tasks. Close it.
func New(at Place, tasks int) *Fleet {
	return &Fleet{at: at, tasks: tasks, running: map[string]*Process{}, owner: map[task.ID]string{}, changed: make(chan struct{})}
}

// Start starts this program as a worker, with the flags that Options reads and others of the
// command's own.
func (f *Fleet) Start(name string, flags ...string) (*Process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := &Process{Name: name, Log: filepath.Join(f.at.Logs, name+".log"), ended: make(chan struct{})}
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	all := append([]string{"-worker", name, "-tasks", fmt.Sprint(f.tasks), "-kafka", f.at.Servers.Kafka(), "-redis", f.at.Servers.Redis()}, flags...)
	p.cmd = exec.Command(self, all...)
	p.cmd.Stderr = log
	if p.stdin, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting worker %s: %w", name, err)
	}
	f.change(func() { f.running[name] = p })
	go f.listen(p, stdout)
	return p, nil
}

// listen follows what a worker tells until it ends.
func (f *Fleet) listen(p *Process, stdout io.Reader) {
	lines := bufio.NewScanner(stdout)
	for lines.Scan() {
		var t Took
		if json.Unmarshal(lines.Bytes(), &t) != nil {
			continue
		}
		f.change(func() {
			f.tooks = append(f.tooks, t)
			f.owner[t.Took] = t.Worker
		})
	}
	_ = p.cmd.Wait() // how it ended is asked of the process
	f.change(func() {
		if f.running[p.Name] == p {
			delete(f.running, p.Name)
		}
	})
	close(p.ended)
}

func (f *Fleet) change(what func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	what()
	close(f.changed)
	f.changed = make(chan struct{})
}

// patience is how long what has to come is waited for.
const patience = 2 * time.Minute

// Shared waits until the workers that run have equal numbers of tasks, plus or minus one.
func (f *Fleet) Shared(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		f.mu.Lock()
		ok, changed := f.even(), f.changed
		f.mu.Unlock()
		if ok {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting until the tasks are shared: %w", ctx.Err())
		}
	}
}

func (f *Fleet) even() bool {
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

// TasksOf lists the tasks that a worker took last.
func (f *Fleet) TasksOf(name string) []task.ID {
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

// TookSince lists what was taken since a time.
func (f *Fleet) TookSince(at int64) []Took {
	f.mu.Lock()
	defer f.mu.Unlock()
	var out []Took
	for _, t := range f.tooks {
		if t.At >= at {
			out = append(out, t)
		}
	}
	return out
}

func (f *Fleet) signal(name string, signal os.Signal) (*Process, error) {
	f.mu.Lock()
	p := f.running[name]
	f.mu.Unlock()
	if p == nil {
		return nil, fmt.Errorf("worker %s does not run", name)
	}
	return p, p.cmd.Process.Signal(signal)
}

// Kill kills a worker and returns when that was.
func (f *Fleet) Kill(name string) (at int64, err error) {
	at = time.Now().UnixNano()
	p, err := f.signal(name, syscall.SIGKILL)
	if err != nil {
		return at, err
	}
	<-p.ended
	return at, nil
}

// Stop ends a worker in good order.
func (f *Fleet) Stop(name string) error {
	p, err := f.signal(name, syscall.SIGTERM)
	if err != nil {
		return err
	}
	return p.AwaitEnd(30 * time.Second)
}

// AwaitEnd waits until a worker has ended.
func (p *Process) AwaitEnd(patience time.Duration) error {
	select {
	case <-p.ended:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("worker %s has not ended after %v", p.Name, patience)
	}
}

// Ended is how a worker has ended, once it has.
func (p *Process) Ended() *os.ProcessState { return p.cmd.ProcessState }

// Close kills all workers.
func (f *Fleet) Close() error {
	f.mu.Lock()
	all := make([]*Process, 0, len(f.running))
	for _, p := range f.running {
		all = append(all, p)
	}
	f.mu.Unlock()
	var problems []error
	for _, p := range all {
		if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
			problems = append(problems, err)
			continue
		}
		<-p.ended
	}
	return errors.Join(problems...)
}
