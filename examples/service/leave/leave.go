// Package leave ends a program step by step.
package leave

import (
	"context"
	"errors"
	"time"
)

// Step is a part of the end, and how long it may take.
type Step struct {
	Timeout time.Duration
	Do      func(context.Context) error
}

// InOrder takes one step after the other, also behind one that fails. Each has a time of its own: a
// request that does not end takes none from the hand-over. It returns all errors.
func InOrder(ctx context.Context, steps ...Step) (err error) {
	for _, s := range steps {
		within, cancel := context.WithTimeout(ctx, s.Timeout)
		err = errors.Join(err, s.Do(within))
		cancel()
	}
	return err
}
