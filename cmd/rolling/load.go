package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// load appends to every task, and keeps what it is told.
type load struct {
	options
	till   *till[sale] // a client of the first version: nobody updates clients and workers at once
	client *client.Client

	mu      sync.Mutex
	samples [][]pulse // by task
	acked   []sale    // processed, as the append said
	failed  error     // what no append may return
	arrived chan struct{}
}

func newLoad(o options, c *client.Client) *load {
	return &load{options: o, till: &till[sale]{version: first}, client: c, samples: make([][]pulse, o.tasks), arrived: make(chan struct{})}
}

// run appends until ctx ends. What is under way then is waited for.
func (l *load) run(ctx context.Context) {
	var group sync.WaitGroup
	for id := range l.tasks {
		for loop := range l.loops {
			group.Go(func() { l.loop(ctx, task.ID(id), loop) })
		}
	}
	group.Wait()
}

func (l *load) loop(ctx context.Context, id task.ID, loop int) {
	for n, number := 0, 0; ctx.Err() == nil; n++ {
		s := sale{ID: fmt.Sprintf("%d-%d-%06d", id, loop, n)}
		if task.OfString(s.ID, l.tasks) != id {
			continue // a name that belongs to another task
		}
		if number++; number%2 == 1 {
			s.Peer = "peer of " + s.ID
		}
		waiting, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerTimeout)
		acks, err := untilDone(waiting, l.client, func() (module.Acks, error) {
			return l.till.Sales.Append(waiting, l.client, s)
		})
		cancel()
		p, told := l.till.Pulse.From(acks)
		l.note(id, s, p, told, err)
		pause(ctx, l.pace)
	}
}

// answerTimeout is how long an append may wait for its answer.
const answerTimeout = 2 * time.Minute

// note keeps what an append was told. A record that a former owner finished has no
// answer but that it is done.
func (l *load) note(id task.ID, s sale, p pulse, told bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err != nil:
		l.failed = cmp.Or(l.failed, fmt.Errorf("appending sale %s: %w", s.ID, err))
	default:
		l.acked = append(l.acked, s)
		if told {
			l.samples[id] = append(l.samples[id], p)
		}
	}
	close(l.arrived)
	l.arrived = make(chan struct{})
}

// untilDone asks again, as the errors say, until a record is done.
func untilDone(ctx context.Context, c *client.Client, first func() (module.Acks, error)) (module.Acks, error) {
	acks, err := first()
	for err != nil && ctx.Err() == nil {
		var unknown *client.UnknownError
		var failed *client.FailedError
		var throttled *client.ThrottledError
		switch {
		case errors.As(err, &unknown) && unknown.Place.Offset >= 0:
			acks, err = c.Await(ctx, unknown.Place)
		case errors.As(err, &failed) && failed.WillRetry:
			acks, err = c.Await(ctx, failed.Place)
		case errors.As(err, &throttled):
			acks, err = c.Await(ctx, throttled.Place)
		default:
			return acks, err
		}
	}
	return acks, err
}

// of returns the samples of a task in the order of processing.
func (l *load) of(id task.ID) []pulse {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := slices.Clone(l.samples[id])
	slices.SortFunc(out, func(x, y pulse) int { return cmp.Compare(x.At, y.At) })
	return out
}

// beyond waits until each task has processed a record after a time.
func (l *load) beyond(ctx context.Context, at int64) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for id := range l.tasks {
		for {
			l.mu.Lock()
			samples, arrived, failed := l.samples[id], l.arrived, l.failed
			l.mu.Unlock()
			if failed != nil {
				return failed
			}
			if len(samples) > 0 && samples[len(samples)-1].At > at {
				break
			}
			select {
			case <-arrived:
			case <-ctx.Done():
				return fmt.Errorf("waiting for task %d to go on: %w", id, ctx.Err())
			}
		}
	}
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
