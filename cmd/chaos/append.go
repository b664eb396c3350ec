package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/module"
)

// outcome is what an appender knows of a record.
type outcome uint8

const (
	absent  outcome = iota // certainly not in the depot
	unknown                // it may be in the depot
	refused                // a handler rejected it
	acked                  // processed, as the append said
)

// How appends are made.
const (
	// pace keeps one loop from filling the machine: faults want time, too.
	pace = 2 * time.Millisecond
	// answerTimeout is how long an append may wait for its answer, through any faults.
	answerTimeout = 3 * time.Minute
)

// appenders append until they are told to end, each by several loops.
type appenders struct {
	subject subject
	client  *client.Client
	acked   atomic.Int64
}

// run appends until ctx ends, and returns when all that was appended is answered.
func (a *appenders) run(ctx context.Context, count, loops int) {
	var group sync.WaitGroup
	for appender := range count {
		for loop := range loops {
			group.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					if a.subject.append(a.client, fmt.Sprintf("%d-%d", appender, loop), n) {
						a.acked.Add(1)
					}
					pause(ctx, pace)
				}
			})
		}
	}
	group.Wait()
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// send appends a record and waits for the answer, by asking again as the errors say. An
// error is what no append may return.
func send[T any](ctx context.Context, c *client.Client, depot module.Depot[T], v T) (module.Acks, outcome, error) {
	acks, err := depot.Append(ctx, c, v)
	for {
		place, again := askAgain(err)
		switch {
		case err == nil:
			return acks, acked, nil
		case errors.Is(err, client.ErrRejected):
			return acks, refused, nil
		case errors.Is(err, client.ErrNotAppended):
			return acks, absent, nil
		case errors.Is(err, client.ErrUnknown) && !again:
			return acks, unknown, nil
		case !again:
			return acks, unknown, err
		case ctx.Err() != nil:
			return acks, unknown, fmt.Errorf("not answered within %v: %w", answerTimeout, err)
		}
		acks, err = c.Await(ctx, place)
	}
}

// askAgain tells where a record lies whose end is not known yet.
func askAgain(err error) (place client.Place, again bool) {
	var unknown *client.UnknownError
	var failed *client.FailedError
	var throttled *client.ThrottledError
	switch {
	case errors.As(err, &unknown):
		return unknown.Place, unknown.Place.Offset >= 0
	case errors.As(err, &failed):
		return failed.Place, failed.WillRetry
	case errors.As(err, &throttled):
		return throttled.Place, true
	}
	return place, false
}

// readers is how many reads are under way at once.
const readers = 16

// readAll reads something of each of a list, several at once.
func readAll[T, V any](ctx context.Context, list []T, read func(context.Context, T) (V, error)) ([]V, error) {
	out := make([]V, len(list))
	errs := make([]error, readers)
	var group sync.WaitGroup
	for r := range readers {
		group.Go(func() {
			for i := r; i < len(list) && errs[r] == nil; i += readers {
				out[i], errs[r] = read(ctx, list[i])
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, fmt.Errorf("reading what is left: %w", err)
		}
	}
	return out, nil
}
