package main

import (
	"context"
	"fmt"
	"runtime"
)

// spinner is the process that keeps all processors busy and does nothing else.
const spinner = "keep the processors busy"

// spinning has a thread for each processor that never gives it up by itself. What others take
// longer beside it than alone is due to processors that are busy, whoever keeps them so: at least that, since
// schedulers put aside who only spins more readily than who works and waits by turns.
type spinning struct{ stop context.CancelFunc }

func startSpinning(ctx context.Context, _ role) (orders, error) {
	ctx, stop := context.WithCancel(ctx)
	for range runtime.GOMAXPROCS(0) {
		go func() {
			for ctx.Err() == nil {
			}
		}()
	}
	return spinning{stop: stop}, nil
}

func (s spinning) order(_ context.Context, o order) (*answer, error) {
	return nil, fmt.Errorf("who spins takes no orders, and was asked %q", o.Ask)
}

func (s spinning) close() error {
	s.stop()
	return nil
}
