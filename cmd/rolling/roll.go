package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/coppice-run/coppice/internal/fleet"
	"github.com/coppice-run/coppice/task"
)

// workerCount is how many workers share the tasks.
const workerCount = 3

// roll runs the command.
func roll(o options) error {
	return fleet.On("rolling", o.Folder, func(ctx context.Context, at fleet.Place) (err error) {
		f := fleet.New(at, o.Tasks)
		defer func() { err = errors.Join(err, f.Close()) }()
		names := make([]string, workerCount)
		for i := range names {
			names[i] = fmt.Sprintf("worker-%d-first", i)
			if _, err := start(f, names[i], first); err != nil {
				return err
			}
		}
		if err := f.Shared(ctx); err != nil {
			return err
		}
		c, release, err := at.Client(ctx)
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
	})
}

// start starts a worker of a version. Its name is new: samples tell it from those before.
func start(f *fleet.Fleet, name string, version int) (*fleet.Process, error) {
	return f.Start(name, "-version", fmt.Sprint(version))
}

// underLoad replaces all workers by the second version and back, while the load goes on.
func underLoad(ctx context.Context, f *fleet.Fleet, l *load, names []string) (pauses []time.Duration, err error) {
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
func settle(ctx context.Context, l *load) error { return l.Beyond(ctx, time.Second) }

// replaced stops a worker, starts another in its place, and measures the pauses of the
// tasks that moved: each time one did.
func replaced(ctx context.Context, f *fleet.Fleet, l *load, old, name string, version int, pauses []time.Duration) ([]time.Duration, error) {
	if err := settle(ctx, l); err != nil {
		return nil, err
	}
	at := time.Now().UnixNano()
	if err := f.Stop(old); err != nil {
		return nil, err
	}
	if _, err := start(f, name, version); err != nil {
		return nil, err
	}
	if err := f.Shared(ctx); err != nil {
		return nil, err
	}
	if err := settle(ctx, l); err != nil {
		return nil, err
	}
	moved := map[task.ID]bool{}
	for _, t := range f.TookSince(at) {
		moved[t.Took] = true
	}
	var here []time.Duration
	for id := range moved {
		here = append(here, fleet.Pauses(l.Of(id), at)...)
	}
	fmt.Printf("%s is replaced by version %d: %d pauses of tasks, longest %v\n", old, version, len(here), longest(here))
	return append(pauses, here...), nil
}

// refused starts a worker that has no step for the events under way, and sees it end with
// an error that names the step, before it has taken a task.
func refused(ctx context.Context, f *fleet.Fleet, l *load) error {
	if err := settle(ctx, l); err != nil {
		return err
	}
	const name = "worker-without"
	at := time.Now().UnixNano()
	p, err := start(f, name, without)
	if err != nil {
		return err
	}
	if err := p.AwaitEnd(time.Minute); err != nil {
		return errors.Join(err, f.Stop(name))
	}
	told, err := os.ReadFile(p.Log)
	if err != nil {
		return err
	}
	if p.Ended().Success() || !strings.Contains(string(told), `step "book": is gone`) {
		return fmt.Errorf("a worker without the step book ended with %v, and said:\n%s", p.Ended(), told)
	}
	if moved := f.TookSince(at); len(moved) > 0 {
		return fmt.Errorf("a worker that was refused has moved tasks: %v", moved)
	}
	lines := strings.Split(strings.TrimSpace(string(told)), "\n")
	fmt.Printf("a version without the step is refused: %s\n", lines[len(lines)-2])
	return settle(ctx, l)
}
