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

// load appends to every task, and keeps what it is told.
type load struct {
	options
	*fleet.Samples
	till   *till[sale] // a client of the first version: nobody updates clients and workers at once
	client *client.Client

	mu    sync.Mutex
	acked []sale // processed, as the append said
}

func newLoad(o options, c *client.Client) *load {
	return &load{options: o, Samples: fleet.NewSamples(o.Tasks), till: &till[sale]{version: first}, client: c}
}

// run appends until ctx ends. What is under way then is waited for.
func (l *load) run(ctx context.Context) {
	var group sync.WaitGroup
	for _, id := range l.Samples.Tasks() {
		for loop := range l.loops {
			group.Go(func() { l.loop(ctx, id, loop) })
		}
	}
	group.Wait()
}

func (l *load) loop(ctx context.Context, id task.ID, loop int) {
	for n, number := 0, 0; ctx.Err() == nil; n++ {
		s := sale{ID: fmt.Sprintf("%d-%d-%06d", id, loop, n)}
		if task.OfString(s.ID, l.options.Tasks) != id {
			continue // a name that belongs to another task
		}
		if number++; number%2 == 1 {
			s.Peer = "peer of " + s.ID
		}
		l.append(ctx, id, s)
		fleet.Pause(ctx, l.pace)
	}
}

// answerTimeout is how long an append may wait for its answer.
const answerTimeout = 2 * time.Minute

// append appends, and keeps what it is told. A record that a former owner finished has no
// answer but that it is done.
func (l *load) append(ctx context.Context, id task.ID, s sale) {
	waiting, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
	defer cancel()
	asked := time.Now().UnixNano()
	acks, err := fleet.UntilDone(waiting, l.client, func() (module.Acks, error) {
		return l.till.Sales.Append(waiting, l.client, s)
	})
	if err != nil {
		l.Fail(fmt.Errorf("appending sale %s: %w", s.ID, err))
		return
	}
	l.mu.Lock()
	l.acked = append(l.acked, s)
	l.mu.Unlock()
	if p, told := l.till.Pulse.From(acks); told {
		l.Add(id, fleet.Sample{Pulse: p, Asked: asked, Answered: time.Now().UnixNano()})
	}
}
