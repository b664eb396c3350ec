package leave

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A request that does not end in its time leaves the tasks theirs, to pass to others.
func TestASlowRequestTakesNoTimeFromTheHandOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		stuck := func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		}
		handedOver := false
		err := InOrder(t.Context(), Step{time.Second, stuck}, Step{time.Second, func(ctx context.Context) error {
			handedOver = ctx.Err() == nil
			return nil
		}})
		if !handedOver || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the tasks had time: %t; the end says %v, want that a request was cut off", handedOver, err)
		}
	})
}
