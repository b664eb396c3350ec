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
	acked                  // processed, as the append said
)

// fate is a record and its outcome.
type fate struct {
	entry
	outcome outcome
}

// appenders append until they are told to end, each by several loops.
type appenders struct {
	ledger *ledger
	client *client.Client
	acked  atomic.Int64

	mu      sync.Mutex
	singles []fate
	pairs   []fate
	strange []error // what no append may return
}

// How appends are made.
const (
	loopsEach  = 4
	groupCount = 50
	// pace keeps one loop from filling the machine: faults want time, too.
	pace = 2 * time.Millisecond
	// answerTimeout is how long an append may wait for its answer, through any faults.
	answerTimeout = 3 * time.Minute
)

// run appends until ctx ends, and returns when all that was appended is answered.
func (a *appenders) run(ctx context.Context, count int) {
	var group sync.WaitGroup
	for appender := range count {
		for loop := range loopsEach {
			group.Go(func() {
				for n := 0; ctx.Err() == nil; n++ {
					a.one(fmt.Sprintf("%d-%d-%06d", appender, loop, n), n)
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

// one appends a record: of singles and pairs in turns.
func (a *appenders) one(id string, n int) {
	e := entry{ID: id, Group: n % groupCount}
	depot, fates := a.ledger.Singles, &a.singles
	if n%2 == 1 {
		depot, fates = a.ledger.Pairs, &a.pairs
	}
	ctx, cancel := context.WithTimeout(context.Background(), answerTimeout)
	defer cancel()
	f := fate{entry: e}
	var err error
	f.outcome, err = a.append(ctx, depot, e)
	a.mu.Lock()
	defer a.mu.Unlock()
	*fates = append(*fates, f)
	if f.outcome == acked {
		a.acked.Add(1)
	}
	if err != nil {
		a.strange = append(a.strange, fmt.Errorf("record %s: %w", id, err))
	}
}

// append waits for the answer, by asking again as the errors say.
func (a *appenders) append(ctx context.Context, depot module.Depot[entry], e entry) (outcome, error) {
	_, err := depot.Append(ctx, a.client, e)
	for {
		place, again := askAgain(err)
		switch {
		case err == nil:
			return acked, nil
		case errors.Is(err, client.ErrNotAppended):
			return absent, nil
		case errors.Is(err, client.ErrUnknown) && !again:
			return unknown, nil
		case !again:
			return unknown, err
		case ctx.Err() != nil:
			return unknown, fmt.Errorf("not answered within %v: %w", answerTimeout, err)
		}
		_, err = a.client.Await(ctx, place)
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
