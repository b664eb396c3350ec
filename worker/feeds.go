package worker

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/runtime"
)

// feeds reads the depot partitions of all tasks of the worker. Orders are
// carried out by the goroutine that polls, between two polls: so every record
// that a poll delivers belongs to the assignment that stands.
type feeds struct {
	w      *Worker
	reader depot.Reader

	mu     sync.Mutex
	orders []feedOrder
	wake   context.CancelFunc // ends the poll under way

	assigned map[feedKey]assignment // only the polling goroutine
}

type feedKey struct {
	topic     string
	partition int32
}

type feedOrder struct {
	d    *driver
	feed runtime.Feed
}

type assignment struct {
	d          *driver
	depot      string
	generation uint64
}

// order has the polling goroutine carry out an order.
func (f *feeds) order(d *driver, feed runtime.Feed) {
	f.mu.Lock()
	f.orders = append(f.orders, feedOrder{d, feed})
	wake := f.wake
	f.mu.Unlock()
	if wake != nil {
		wake()
	}
}

func (f *feeds) run(ctx context.Context) {
	f.assigned = map[feedKey]assignment{}
	for ctx.Err() == nil {
		pollCtx, cancel := context.WithCancel(ctx)
		f.mu.Lock()
		orders := f.orders
		f.orders = nil
		f.wake = cancel
		f.mu.Unlock()
		for _, o := range orders {
			f.carryOut(o)
		}
		err := f.reader.Poll(pollCtx, f.deliver)
		woken := pollCtx.Err() != nil
		cancel()
		if err != nil && !woken && !errors.Is(err, context.Canceled) && ctx.Err() == nil {
			f.w.config.Logger.Warn("reading depots failed; trying again", "cause", err)
			pause(ctx, 100*time.Millisecond)
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

func (f *feeds) carryOut(o feedOrder) {
	topic := o.d.loaded.topics[o.feed.Depot]
	key := feedKey{topic.Name, int32(o.d.id)}
	switch o.feed.Order {
	case runtime.FeedFrom:
		if _, had := f.assigned[key]; had {
			f.reader.Unassign(key.topic, key.partition)
		}
		f.assigned[key] = assignment{o.d, o.feed.Depot, o.feed.Generation}
		id := o.feed.Topic
		if id == ([16]byte{}) {
			id = topic.ID
		}
		err := f.reader.Assign(depot.Position{Topic: topic.Name, TopicID: id, Partition: key.partition, Offset: o.feed.Offset, LeaderEpoch: o.feed.Epoch})
		if err != nil {
			o.d.send(&runtime.DepotFault{Depot: o.feed.Depot, Err: err})
		}
	case runtime.FeedPause:
		f.reader.Pause(key.topic, key.partition)
	case runtime.FeedResume:
		f.reader.Resume(key.topic, key.partition)
	case runtime.FeedStop:
		if _, had := f.assigned[key]; had {
			f.reader.Unassign(key.topic, key.partition)
			delete(f.assigned, key)
		}
	}
}

func (f *feeds) deliver(delivery depot.Delivery) {
	a, ok := f.assigned[feedKey{delivery.Topic, delivery.Partition}]
	if !ok {
		return
	}
	if len(delivery.Records) > 0 {
		a.d.send(&runtime.Records{Depot: a.depot, Generation: a.generation, Records: delivery.Records})
	}
	if delivery.Fault != nil {
		a.d.send(&runtime.DepotFault{Depot: a.depot, Err: delivery.Fault})
	}
}
