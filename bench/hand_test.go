package main

import (
	"context"
	"testing"
)

// A batch of the loop has as many events as it may, and not one more.
func TestBatchesOfTheLoop(t *testing.T) {
	t.Parallel()
	h := &hand{batch: 5}
	h.queues[0] = make(chan []item, 8)
	sent := int64(0)
	for _, n := range []int{3, 4, 5, 1, 5} {
		items := make([]item, n)
		for i := range items {
			items[i].offset = sent
			sent++
		}
		h.queues[0] <- items
	}
	close(h.queues[0])
	var sizes []int
	at := int64(0)
	for todo, rest := h.next(0, nil); len(todo) > 0; todo, rest = h.next(0, rest) {
		sizes = append(sizes, len(todo))
		for _, it := range todo {
			if it.offset != at {
				t.Fatalf("item %d comes where %d was to", it.offset, at)
			}
			at++
		}
	}
	if at != sent || len(sizes) != 4 || sizes[0] != 5 || sizes[1] != 5 || sizes[2] != 5 || sizes[3] != 3 {
		t.Errorf("%d items of %d came in batches of %v", at, sent, sizes)
	}
}

// Whoever deals ends with the round, though nobody takes what is dealt.
func TestDealingEndsWithTheRound(t *testing.T) {
	t.Parallel()
	h := &hand{batch: 2}
	h.queues[0] = make(chan []item)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h.deal(ctx, 0, make([]item, 10))
}

func TestLargerBatchesHaveRoom(t *testing.T) {
	t.Parallel()
	if e := (options{}).engine(); e.MaxEventsPerBatch != batchDefault || e.MaxFieldsPerBatch != 0 || e.MaxExecutingPerTask != 0 {
		t.Errorf("by default the engine has %+v", e)
	}
	if e := (options{batch: 10_000}).engine(); e.MaxEventsPerBatch != 10_000 || e.MaxFieldsPerBatch/2 <= 10_000 || e.MaxExecutingPerTask <= 10_000 {
		t.Errorf("with batches of 10,000 events the engine has %+v", e)
	}
}
