package kafkadepot

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/depot"
)

// brimming is a reader of two partitions, whose first is paused and has more held than its share.
func brimming(t *testing.T) (*reader, place) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers("127.0.0.1:1"), kgo.ConsumeTopics())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	at := place{"words", 0}
	return &reader{client: client, assigned: map[place]*assignment{at: {paused: true}, {"words", 1}: {}}, paused: 1}, at
}

// comes has more come for a partition than may be held of it.
func (r *reader) comes(t *testing.T, at place) {
	t.Helper()
	value := make([]byte, heldBytesMax)
	if !r.received(at, &depot.Delivery{Topic: at.topic, Partition: at.partition, Records: []depot.Record{{Value: value}}}) {
		t.Fatal("records of a paused partition were not held")
	}
}

// leftOut reports whether the client was told to leave a partition out of what it fetches.
func (r *reader) leftOut(at place) bool {
	for topic, partitions := range r.client.PauseFetchPartitions(nil) {
		for _, p := range partitions {
			if topic == at.topic && p == at.partition {
				return true
			}
		}
	}
	return false
}

// A task that takes what is held before long keeps its partition in all fetches.
func TestABusyTaskKeepsItsPartitionInFetches(t *testing.T) {
	r, at := brimming(t)
	synctest.Test(t, func(t *testing.T) {
		r.comes(t, at)
		ctx, cancel, next := r.listen(t.Context())
		if next != drain {
			t.Fatalf("step %d is next, want to wait for the task", next)
		}
		drained := make(chan struct{})
		go func() {
			defer close(drained)
			r.drain(ctx)
		}()
		time.Sleep(brimPause / 2)
		r.Resume(at.topic, at.partition)
		<-drained
		cancel()
		if !r.release(0, func(depot.Delivery) {}) {
			t.Error("what was held did not come")
		}
		if r.leftOut(at) {
			t.Error("the client was told to leave the partition out")
		}
		_, cancel, next = r.listen(t.Context())
		cancel()
		if next != ask {
			t.Errorf("step %d is next, want to ask the client", next)
		}
	})
}

// A task that takes nothing holds up the other partitions for brimPause and no longer.
func TestASlowTaskIsLeftOutOfFetches(t *testing.T) {
	r, at := brimming(t)
	synctest.Test(t, func(t *testing.T) {
		r.comes(t, at)
		begun := time.Now()
		for range 3 { // polls that orders end
			short, end := context.WithTimeout(t.Context(), brimPause/4)
			r.drain(short)
			end()
		}
		r.drain(t.Context())
		if waited := time.Since(begun); waited != brimPause {
			t.Errorf("the other partitions waited for %v, want %v", waited, brimPause)
		}
		if !r.leftOut(at) {
			t.Error("the client was not told to leave the partition out")
		}
		_, cancel, next := r.listen(t.Context())
		cancel()
		if next != ask {
			t.Errorf("step %d is next, want to ask the client for the others", next)
		}
		r.Resume(at.topic, at.partition)
		if !r.release(0, func(depot.Delivery) {}) || r.leftOut(at) {
			t.Error("a partition that goes on and has been taken is left out of fetches")
		}
	})
}
