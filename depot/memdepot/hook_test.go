package memdepot_test

import (
	"context"
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/depot/memdepot"
)

// ended is a context with which Poll never waits.
func ended() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}

// filled makes a topic with one partition and n records.
func filled(t *testing.T, log *memdepot.Log, n int) depot.Topic {
	t.Helper()
	topic, err := log.Ensure(t.Context(), depot.TopicSpec{Module: "m", Depot: "d", Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		log.Append(t.Context(), topic.Name, 0, depot.Record{Value: []byte("v")}, depot.Replicated, func(_ int64, err error) {
			if err != nil {
				t.Error(err)
			}
		})
	}
	return topic
}

func TestHooksRefuseWhatIsNotThere(t *testing.T) {
	t.Parallel()
	log := memdepot.New(nil)
	topic := filled(t, log, 4)
	if err := log.Cut(topic.Name, 0, 2); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"cut beyond the end":       log.Cut(topic.Name, 0, 5),
		"truncate beyond the end":  log.Truncate(topic.Name, 0, 5),
		"truncate below the start": log.Truncate(topic.Name, 0, 1),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if err := log.Cut(topic.Name, 1, 0); !errors.Is(err, memdepot.ErrNoPartition) {
		t.Errorf("Cut of partition 1: %v, want ErrNoPartition", err)
	}
	if err := log.Recreate("coppice.m.other"); !errors.Is(err, memdepot.ErrNoTopic) {
		t.Errorf("Recreate of a topic that does not exist: %v, want ErrNoTopic", err)
	}
	if err := log.Cut(topic.Name, 0, 1); err != nil {
		t.Errorf("Cut below the start: %v", err)
	}
	if start, end, err := log.Bounds(t.Context(), topic.Name, 0); start != 2 || end != 4 || err != nil {
		t.Errorf("Bounds: %d, %d, %v, want 2, 4", start, end, err)
	}
}

// Truncated twice, an epoch that is gone from the log ends where the next one
// that is left begins (T20).
func TestTruncateTwice(t *testing.T) {
	t.Parallel()
	log := memdepot.New(nil)
	topic := filled(t, log, 10)
	for _, to := range []int64{8, 5} {
		if err := log.Truncate(topic.Name, 0, to); err != nil {
			t.Fatal(err)
		}
		filled(t, log, 4)
	}
	for _, c := range []struct {
		epoch  int32
		offset int64
		fault  bool
	}{{0, 5, false}, {0, 6, true}, {1, 5, false}, {1, 6, true}, {2, 9, false}, {-1, 9, false}, {-1, 10, true}} {
		reader, err := log.Reader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := reader.Assign(depot.Position{Topic: topic.Name, Offset: c.offset, LeaderEpoch: c.epoch}); err != nil {
			t.Fatal(err)
		}
		var fault error
		_ = reader.Poll(ended(), 0, func(d depot.Delivery) { fault = d.Fault })
		if c.fault != errors.Is(fault, depot.ErrOutOfRange) {
			t.Errorf("epoch %d, offset %d: fault %v, want one: %v", c.epoch, c.offset, fault, c.fault)
		}
	}
}

// One goroutine drives everything: done is called inside of Append and may append,
// and Poll with a context that has ended delivers in the order of assignment.
func TestOneGoroutine(t *testing.T) {
	t.Parallel()
	log := memdepot.New(nil)
	topic, err := log.Ensure(t.Context(), depot.TopicSpec{Module: "m", Depot: "d", Partitions: 3})
	if err != nil {
		t.Fatal(err)
	}
	calls := 0
	for p := range int32(3) {
		log.Append(t.Context(), topic.Name, p, depot.Record{}, depot.Replicated, func(int64, error) {
			log.Append(t.Context(), topic.Name, p, depot.Record{}, depot.Replicated, func(int64, error) { calls++ })
		})
	}
	if calls != 3 {
		t.Fatalf("done was called %d times inside of Append, want 3", calls)
	}
	reader, err := log.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []int32{2, 0, 1} {
		if err := reader.Assign(depot.Position{Topic: topic.Name, Partition: p, LeaderEpoch: -1}); err != nil {
			t.Fatal(err)
		}
	}
	var order []int32
	if err := reader.Poll(ended(), 0, func(d depot.Delivery) { order = append(order, d.Partition) }); err != nil {
		t.Fatal(err)
	}
	if want := []int32{2, 0, 1}; !reflect.DeepEqual(order, want) {
		t.Errorf("delivered %v, want %v", order, want)
	}
	if err := reader.Poll(ended(), 0, func(d depot.Delivery) { t.Errorf("delivered %+v again", d) }); !errors.Is(err, context.Canceled) {
		t.Errorf("Poll with nothing to deliver: %v, want %v", err, context.Canceled)
	}
}

// The same calls give the same log.
func TestSameCallsSameLog(t *testing.T) {
	t.Parallel()
	run := func() (depot.Topic, []depot.Record) {
		c := newClock()
		log := memdepot.New(c.Now, memdepot.Gaps(1))
		topic := filled(t, log, 3)
		c.Tick()
		filled(t, log, 2)
		reader, err := log.Reader(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := reader.Assign(depot.Position{Topic: topic.Name}); err != nil {
			t.Fatal(err)
		}
		var records []depot.Record
		if err := reader.Poll(ended(), 0, func(d depot.Delivery) { records = d.Records }); err != nil {
			t.Fatal(err)
		}
		return topic, records
	}
	topic, records := run()
	if again, same := run(); again != topic || !reflect.DeepEqual(same, records) {
		t.Errorf("%+v with %+v, then %+v with %+v", topic, records, again, same)
	}
	if n := len(records); n != 5 || records[4].Offset != 8 || records[4].Time.Sub(records[0].Time) != 3*time.Millisecond {
		t.Errorf("%d records: %+v", n, records)
	}
}

// Assign, Pause, Resume and Unassign while Poll waits in another goroutine.
func TestSteerWhilePollWaits(t *testing.T) {
	t.Parallel()
	log := memdepot.New(nil)
	topic := filled(t, log, 1)
	reader, err := log.Reader(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	polled, ended := make(chan int64), make(chan error, 1)
	go func() {
		for {
			err := reader.Poll(context.Background(), 0, func(d depot.Delivery) {
				for _, r := range d.Records {
					polled <- r.Offset
				}
			})
			if err != nil {
				ended <- err
				return
			}
		}
	}()
	for want := range int64(20) {
		if err := reader.Assign(depot.Position{Topic: topic.Name, Offset: want, LeaderEpoch: -1}); err != nil {
			t.Fatal(err)
		}
		if got := <-polled; got != want {
			t.Fatalf("offset %d, want %d", got, want)
		}
		reader.Pause(topic.Name, 0)
		filled(t, log, 1)
		reader.Unassign(topic.Name, 0)
	}
	if err := reader.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; !errors.Is(err, memdepot.ErrClosed) {
		t.Errorf("Poll of a closed reader: %v, want ErrClosed", err)
	}
}
