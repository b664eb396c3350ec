package main

import (
	"context"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// openKeys is how many keys appends have that come by a schedule, in turn.
const openKeys = 64

// schedule calls one at a fixed rate, each time in a goroutine of its own, whether or not those before have
// ended. How long each takes is counted from when it was due: what is kept from beginning by
// those before it, or by a busy machine, has that time in its own.
func schedule(ctx context.Context, rate float64, length time.Duration, one func(ctx context.Context, i int) error) (samples []time.Duration, late time.Duration, took time.Duration, err error) {
	samples = make([]time.Duration, int(rate*length.Seconds()))
	lates := make([]time.Duration, len(samples))
	var failure atomic.Pointer[error]
	var group sync.WaitGroup
	runtime.LockOSThread() // precise settles it for a thread
	defer runtime.UnlockOSThread()
	defer precise()()
	begin := time.Now()
	for i := range samples {
		due := begin.Add(time.Duration(float64(i) / rate * float64(time.Second)))
		waitUntil(due)
		if ctx.Err() != nil || failure.Load() != nil {
			break
		}
		lates[i] = time.Since(due)
		group.Go(func() {
			if err := one(ctx, i); err != nil {
				failure.CompareAndSwap(nil, &err)
			}
			samples[i] = time.Since(due)
		})
	}
	took = time.Since(begin)
	group.Wait()
	if err := failure.Load(); err != nil {
		return nil, 0, 0, *err
	}
	return samples, percentile(lates, 0.99), took, ctx.Err()
}

// waitUntil waits for a moment that is at most some milliseconds away.
func waitUntil(due time.Time) {
	for d := time.Until(due); d > 0; d = time.Until(due) {
		pause(d)
	}
}
