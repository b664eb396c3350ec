package grpctransport_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/coppice-run/coppice/transport/grpctransport"
)

// slowTimer is a context whose deadline passes before its timer fires, as on a machine that has
// much to do.
type slowTimer struct {
	context.Context
	until time.Time
}

func (c slowTimer) Deadline() (time.Time, bool) { return c.until, true }

// patient answers when its caller's time is over.
type patient struct{ *answering }

func (patient) Call(ctx context.Context, _ string, _ []byte) ([]byte, error) {
	<-ctx.Done()
	return nil, ctx.Err()
}

// The other end knows the deadline, and may tell of it before the caller's own timer does: that
// is no other error than the caller's own.
func TestTheOtherEndTellsThatTimeIsOver(t *testing.T) {
	t.Parallel()
	from, to := listen(t, grpctransport.Config{}, newEar()), listen(t, grpctransport.Config{}, patient{newAnswering()})
	for name, request := range map[string][]byte{"in the stream of calls": []byte("x"), "alone": bytes.Repeat([]byte("x"), 64<<10)} {
		ctx := slowTimer{t.Context(), time.Now().Add(30 * time.Millisecond)}
		if _, err := from.Call(ctx, to.Address(), request); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
