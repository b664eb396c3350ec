package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/internal/stack"
	"github.com/coppice-run/coppice/kafkadepot"
	"github.com/coppice-run/coppice/redisstate"
	"github.com/coppice-run/coppice/transport/grpctransport"
)

// workerCount is how many workers share the tasks.
const workerCount = 3

// roll runs the command.
func roll(o options) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if o.folder == "" {
		if o.folder, err = os.MkdirTemp("", "coppice-rolling-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(o.folder)) }()
	}
	servers, err := stack.Up(ctx, stack.Config{Folder: o.folder, Parts: stack.Parts{Kafka: true, Redis: true}, EndWithCaller: true, Progress: func(line string) { fmt.Println(line) }})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stack.Down(context.Background(), o.folder, false)) }()
	logs := filepath.Join(o.folder, "workers")
	if err := os.MkdirAll(logs, 0o755); err != nil {
		return err
	}
	f := newFleet(o, servers, logs)
	defer func() { err = errors.Join(err, f.close()) }()
	names := make([]string, workerCount)
	for i := range names {
		names[i] = fmt.Sprintf("worker-%d-first", i)
		if _, err := f.start(names[i], first); err != nil {
			return err
		}
	}
	if err := f.shared(ctx); err != nil {
		return err
	}
	c, release, err := open(ctx, servers)
	if err != nil {
		return err
	}
	defer release()
	l := newLoad(o, c)
	if err := c.Use(ctx, l.till); err != nil {
		return err
	}
	pauses, err := underLoad(ctx, f, l, names)
	if err != nil {
		return err
	}
	return report(ctx, l, pauses)
}

func open(ctx context.Context, servers stack.State) (c *client.Client, release func(), err error) {
	log, err := kafkadepot.Open(ctx, kafkadepot.Config{Brokers: []string{servers.Kafka()}})
	if err != nil {
		return nil, nil, err
	}
	state, err := redisstate.Open(ctx, redisstate.Config{Addresses: []string{servers.Redis()}})
	if err != nil {
		return nil, nil, errors.Join(err, log.Close())
	}
	if c, err = client.New(client.Config{Log: log, Store: state, Network: grpctransport.New(grpctransport.Config{})}); err != nil {
		return nil, nil, errors.Join(err, state.Close(), log.Close())
	}
	return c, func() { _ = errors.Join(c.Close(), state.Close(), log.Close()) }, nil
}

// underLoad replaces all workers by the second version and back, while the load goes on.
func underLoad(ctx context.Context, f *fleet, l *load, names []string) (pauses []time.Duration, err error) {
	loading, end := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() { l.run(loading) })
	defer group.Wait()
	defer end()
	for _, version := range []int{second, first} {
		for i, old := range names {
			names[i] = fmt.Sprintf("worker-%d-%d", i, version)
			if pauses, err = replaced(ctx, f, l, old, names[i], version, pauses); err != nil {
				return nil, err
			}
		}
		if version == second {
			if err := refused(ctx, f, l); err != nil {
				return nil, err
			}
		}
	}
	return pauses, nil
}

// settle lets every task go on for a while.
func settle(ctx context.Context, l *load) error {
	return l.beyond(ctx, time.Now().Add(time.Second).UnixNano())
}

// replaced stops a worker, starts another in its place, and measures the pauses of the
// tasks that moved: each time one did.
func replaced(ctx context.Context, f *fleet, l *load, old, name string, version int, pauses []time.Duration) ([]time.Duration, error) {
	if err := settle(ctx, l); err != nil {
		return nil, err
	}
	at := time.Now().UnixNano()
	if err := f.stop(old); err != nil {
		return nil, err
	}
	if _, err := f.start(name, version); err != nil {
		return nil, err
	}
	if err := f.shared(ctx); err != nil {
		return nil, err
	}
	if err := settle(ctx, l); err != nil {
		return nil, err
	}
	var here []time.Duration
	for id := range f.tookSince(at) {
		samples := l.of(id)
		for i := 1; i < len(samples); i++ {
			if samples[i].At > at && samples[i].Worker != samples[i-1].Worker {
				here = append(here, time.Duration(samples[i].At-samples[i-1].At))
			}
		}
	}
	fmt.Printf("%s is replaced by version %d: %d pauses of tasks, longest %v\n", old, version, len(here), longest(here))
	return append(pauses, here...), nil
}

// refused starts a worker that has no step for the events under way, and sees it end with
// an error that names the step, before it has taken a task.
func refused(ctx context.Context, f *fleet, l *load) error {
	if err := settle(ctx, l); err != nil {
		return err
	}
	const name = "worker-without"
	at := time.Now().UnixNano()
	p, err := f.start(name, without)
	if err != nil {
		return err
	}
	if err := p.awaitEnd(name, time.Minute); err != nil {
		return errors.Join(err, f.stop(name))
	}
	told, err := os.ReadFile(p.log)
	if err != nil {
		return err
	}
	if p.cmd.ProcessState.Success() || !strings.Contains(string(told), `step "book": is gone`) {
		return fmt.Errorf("a worker without the step book ended with %v, and said:\n%s", p.cmd.ProcessState, told)
	}
	if moved := f.tookSince(at); len(moved) > 0 {
		return fmt.Errorf("a worker that was refused has moved tasks: %v", moved)
	}
	lines := strings.Split(strings.TrimSpace(string(told)), "\n")
	fmt.Printf("a version without the step is refused: %s\n", lines[len(lines)-2])
	return settle(ctx, l)
}
