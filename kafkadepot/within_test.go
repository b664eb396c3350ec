package kafkadepot

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A question that does not heed its context costs no more than the context's time.
func TestWithin(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		deaf := func(context.Context) (int, error) {
			time.Sleep(time.Hour)
			return 7, nil
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		began := time.Now()
		if n, err := within(ctx, deaf); n != 0 || !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("after %v: %d, %v", time.Since(began), n, err)
		}
		if n, err := within(t.Context(), deaf); n != 7 || err != nil {
			t.Errorf("%d, %v", n, err)
		}
	})
}
