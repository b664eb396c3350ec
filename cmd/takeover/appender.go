package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/internal/fleet"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// appenders append to every task, and keep what they are told.
type appenders struct {
	options
	*fleet.Samples
	heart  *heart
	client *client.Client
	owed   []atomic.Int64 // by task: events of records that are answered, which it has to have counted
}

func newAppenders(o options, m *heart, c *client.Client) *appenders {
	return &appenders{options: o, Samples: fleet.NewSamples(o.Tasks), heart: m, client: c, owed: make([]atomic.Int64, o.Tasks)}
}

// run appends until ctx ends.
func (a *appenders) run(ctx context.Context) {
	var group sync.WaitGroup
	for id := range a.options.Tasks {
		for loop := range a.loops {
			group.Go(func() { a.loop(ctx, id, loop) })
		}
	}
	group.Wait()
}

func (a *appenders) loop(ctx context.Context, id, n int) {
	for ; ctx.Err() == nil; n++ {
		v := beat{Task: id, To: id}
		if n%2 == 1 {
			v.To = (id + 1 + n/2%(a.options.Tasks-1)) % a.options.Tasks
		}
		a.append(ctx, v)
		fleet.Pause(ctx, a.pace)
	}
}

// append appends, and keeps what it is told. A record that a former owner finished has no
// answer but that it is done.
func (a *appenders) append(ctx context.Context, v beat) {
	asked := time.Now().UnixNano()
	acks, err := fleet.UntilDone(ctx, a.client, func() (module.Acks, error) { return a.heart.Beats.Append(ctx, a.client, v) })
	answered := time.Now().UnixNano()
	if err == nil {
		a.owe(v)
	}
	p, told := a.heart.Pulse.From(acks)
	switch {
	case err != nil && ctx.Err() == nil:
		a.Fail(fmt.Errorf("an append to task %d: %w", v.Task, err))
	case err == nil && told:
		a.Add(task.ID(v.Task), fleet.Sample{Pulse: p, Asked: asked, Answered: answered})
	}
}

// owe notes what a record that is done has had counted.
func (a *appenders) owe(v beat) {
	a.owed[v.Task].Add(1)
	if v.To != v.Task {
		a.owed[v.To].Add(1)
	}
}

// check holds what a reader of the PStates finds against what is owed: with workers that die a
// record may be counted again, but none that was answered may be missing.
func (a *appenders) check(counted func(task int) (int, error)) error {
	for id := range a.owed {
		n, err := counted(id)
		if err != nil {
			return fmt.Errorf("reading the count of task %d: %w", id, err)
		}
		if owed := a.owed[id].Load(); int64(n) < owed {
			return fmt.Errorf("task %d has counted %d events, and %d are of appends that were answered: some are lost", id, n, owed)
		}
	}
	return nil
}
