package memdepot_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/depot/depottest"
	"github.com/coppice-run/coppice/depot/memdepot"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// clock moves only when a test says so.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *clock { return &clock{now: time.UnixMilli(1_700_000_000_000)} }

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Tick() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(3 * time.Millisecond)
}

// harness opens a log that ends with the test.
func harness(t *testing.T, options ...memdepot.Option) depottest.Harness {
	c := newClock()
	log := memdepot.New(c.Now, options...)
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Error(err)
		}
	})
	return depottest.Harness{
		Log: log, Now: c.Now, Tick: c.Tick,
		Cut:      func(_ context.Context, topic string, p int32, below int64) error { return log.Cut(topic, p, below) },
		Truncate: func(_ context.Context, topic string, p int32, to int64) error { return log.Truncate(topic, p, to) },
		Recreate: func(_ context.Context, topic string) error { return log.Recreate(topic) },
		Make:     log.Make,
		Committed: func(ctx context.Context, topic string, p int32) ([]depot.Record, error) {
			return committed(ctx, log, topic, p)
		},
	}
}

// committed reads all that a partition holds: in memory nothing is uncommitted.
func committed(ctx context.Context, log *memdepot.Log, topic string, p int32) (all []depot.Record, err error) {
	start, _, err := log.Bounds(ctx, topic, p)
	if err != nil {
		return nil, err
	}
	reader, err := log.Reader(ctx)
	if err != nil {
		return nil, err
	}
	if err := reader.Assign(depot.Position{Topic: topic, Partition: p, Offset: start, LeaderEpoch: -1}); err != nil {
		return nil, err
	}
	ended, cancel := context.WithCancel(ctx)
	cancel() // Poll delivers what is there
	for before := -1; before < len(all); {
		before = len(all)
		_ = reader.Poll(ended, 0, func(d depot.Delivery) { all = append(all, d.Records...) })
	}
	return all, reader.Close()
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, options := range map[string][]memdepot.Option{
		"dense": nil,
		"gaps":  {memdepot.Gaps(2)}, // T25
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			depottest.Run(t, func(t *testing.T) depottest.Harness { return harness(t, options...) })
		})
	}
}
