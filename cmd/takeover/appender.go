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

// sample is one acknowledged append.
type sample struct {
	pulse
	asked, answered int64 // when its append began and ended
}

// appenders append to every task, and keep what they are told.
type appenders struct {
	options
	heart  *heart
	client *client.Client

	mu      sync.Mutex
	samples [][]sample // by task
	failed  error      // what no append may return
	arrived chan struct{}
}

func newAppenders(o options, m *heart, c *client.Client) *appenders {
	return &appenders{options: o, heart: m, client: c, samples: make([][]sample, o.tasks), arrived: make(chan struct{})}
}

// run appends until ctx ends.
func (a *appenders) run(ctx context.Context) {
	var group sync.WaitGroup
	for id := range a.tasks {
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
			v.To = (id + 1 + n/2%(a.tasks-1)) % a.tasks
		}
		s := sample{asked: time.Now().UnixNano()}
		acks, err := untilDone(ctx, a.client, func() (module.Acks, error) { return a.heart.Beats.Append(ctx, a.client, v) })
		s.answered = time.Now().UnixNano()
		var told bool
		s.pulse, told = a.heart.Pulse.From(acks)
		a.note(ctx, id, s, told, err)
		pause(ctx, a.pace)
	}
}

// note keeps what an append was told. A record that a former owner finished has no
// answer but that it is done.
func (a *appenders) note(ctx context.Context, id int, s sample, told bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case err != nil && ctx.Err() == nil && a.failed == nil:
		a.failed = fmt.Errorf("an append to task %d: %w", id, err)
	case err == nil && told:
		a.samples[id] = append(a.samples[id], s)
	}
	close(a.arrived)
	a.arrived = make(chan struct{})
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

// forget forgets the samples so far.
func (a *appenders) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for i := range a.samples {
		a.samples[i] = nil
	}
}

// of returns the samples of a task in the order of processing.
func (a *appenders) of(id task.ID) []sample {
	a.mu.Lock()
	defer a.mu.Unlock()
	out := slices.Clone(a.samples[id])
	slices.SortFunc(out, func(x, y sample) int { return cmp.Compare(x.At, y.At) })
	return out
}

// await waits until each of some tasks has a sample that is as wanted.
func (a *appenders) await(ctx context.Context, ids []task.ID, wanted func(sample) bool) error {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	for _, id := range ids {
		for at := 0; ; {
			a.mu.Lock()
			samples, arrived, failed := a.samples[id], a.arrived, a.failed
			a.mu.Unlock()
			if failed != nil {
				return failed
			}
			for at < len(samples) && !wanted(samples[at]) {
				at++
			}
			if at < len(samples) {
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
