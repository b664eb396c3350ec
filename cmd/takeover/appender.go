package main

import (
	"context"
	"fmt"
	"sync"
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
}

func newAppenders(o options, m *heart, c *client.Client) *appenders {
	return &appenders{options: o, Samples: fleet.NewSamples(o.Tasks), heart: m, client: c}
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
	p, told := a.heart.Pulse.From(acks)
	switch {
	case err != nil && ctx.Err() == nil:
		a.Fail(fmt.Errorf("an append to task %d: %w", v.Task, err))
	case err == nil && told:
		a.Add(task.ID(v.Task), fleet.Sample{Pulse: p, Asked: asked, Answered: answered})
	}
}
