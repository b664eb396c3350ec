package worker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/runtime"
)

// feeds reads the depot partitions of all tasks of a module on the worker, one strand of each: a
// reader has one position in a partition. Orders are
// carried out by the goroutine that polls, between two polls: so every record
// that a poll delivers belongs to the assignment that stands.
type feeds struct {
	w      *Worker
	l      *loaded
	reader depot.Reader

	mu     sync.Mutex
	orders []feedOrder
	wake   context.CancelFunc // ends the poll under way

	// Only the polling goroutine uses these.
	assigned map[feedKey]*assignment
	crowded  []feedKey            // whose tasks have been given more than they take, since the last poll began
	oldest   map[sourceKey]uint64 // generation below which an order is out of date
}

type feedKey struct {
	topic     string
	partition int32
}

// sourceKey is a depot as one driver of a task knows it.
type sourceKey struct {
	d     *driver
	depot string
}

type feedOrder struct {
	d    *driver
	feed runtime.Feed
	gone bool // the driver has ended; there is no feed
	room bool // the driver has taken what it was given; there is no feed
}

// assigns reports whether a partition is to be read from now on.
func (o feedOrder) assigns() bool {
	return !o.gone && !o.room && o.feed.Order == runtime.FeedFrom
}

func (o *feedOrder) partition() int32 { return o.d.loaded.partition(o.feed.Depot, o.d.id) }

type assignment struct {
	d          *driver
	depot      string
	generation uint64
	paused     bool // by the task
	crowded    bool // paused here, until the task has taken what waits
}

// order has the polling goroutine carry out an order.
func (f *feeds) order(d *driver, feed runtime.Feed) {
	f.put(feedOrder{d: d, feed: feed})
}

// leave forgets a driver that has ended.
func (f *feeds) leave(d *driver) { f.put(feedOrder{d: d, gone: true}) }

func (f *feeds) put(o feedOrder) {
	f.mu.Lock()
	f.orders = append(f.orders, o)
	wake := f.wake
	f.mu.Unlock()
	if wake != nil {
		wake()
	}
}

func (f *feeds) run(ctx context.Context) {
	f.assigned, f.oldest = map[feedKey]*assignment{}, map[sourceKey]uint64{}
	pollCtx, cancel := context.WithCancel(ctx)
	defer func() { cancel() }()
	for ctx.Err() == nil {
		if pollCtx.Err() != nil { // orders have come
			cancel()
			pollCtx, cancel = context.WithCancel(ctx)
		}
		orders := f.next(ctx, cancel)
		f.carryOut(orders)
		err := f.reader.Poll(pollCtx, int(f.l.options.chunk.Load()), f.deliver)
		f.holdCrowded()
		woken := pollCtx.Err() != nil
		if err != nil && !woken && !errors.Is(err, context.Canceled) && ctx.Err() == nil {
			f.w.config.Logger.Warn("reading depots failed; trying again", "cause", err)
			pause(ctx, 100*time.Millisecond)
		}
	}
}

// gatherPause is how long the orders of several tasks gather: tasks that start
// together are assigned together, which costs one look at the brokers. Other orders do not wait: a task that takes
// what comes as fast as it can pauses and goes on hundreds of times a second.
const gatherPause = 2 * time.Millisecond

// next takes the orders that have come; wake ends the poll that follows.
func (f *feeds) next(ctx context.Context, wake context.CancelFunc) []feedOrder {
	f.mu.Lock()
	assigns := slices.ContainsFunc(f.orders, feedOrder.assigns)
	f.mu.Unlock()
	if assigns {
		pause(ctx, gatherPause)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	orders := f.orders
	f.orders = nil
	f.wake = wake
	return orders
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// carryOut carries out orders; those that start feeds, together at the end.
func (f *feeds) carryOut(orders []feedOrder) {
	var starts []feedOrder
	for _, o := range orders {
		if o.gone {
			starts = slices.DeleteFunc(starts, func(s feedOrder) bool { return s.d == o.d })
			f.forget(o.d)
			continue
		}
		if o.room {
			f.giveRoom(o.d)
			continue
		}
		topic := o.d.loaded.topics[o.feed.Depot]
		key, source := feedKey{topic.Name, o.partition()}, sourceKey{o.d, o.feed.Depot}
		switch o.feed.Order {
		case runtime.FeedFrom, runtime.FeedStop:
			if o.d.gone.Load() || o.feed.Order == runtime.FeedFrom && o.feed.Generation < f.oldest[source] {
				continue // tried again, and overtaken
			}
			if _, had := f.assigned[key]; had {
				f.reader.Unassign(key.topic, key.partition)
				delete(f.assigned, key)
			}
			starts = slices.DeleteFunc(starts, func(s feedOrder) bool { return s.d == o.d && s.feed.Depot == o.feed.Depot })
			if o.feed.Order == runtime.FeedStop {
				f.oldest[source] = o.feed.Generation + 1
			} else {
				f.oldest[source] = o.feed.Generation
				starts = append(starts, o)
			}
		case runtime.FeedPause:
			if a := f.assigned[key]; a != nil {
				a.paused = true
			}
			f.reader.Pause(key.topic, key.partition)
		case runtime.FeedResume:
			a := f.assigned[key]
			if a != nil {
				a.paused = false
			}
			if a == nil || !a.crowded {
				f.reader.Resume(key.topic, key.partition)
			}
		}
	}
	f.start(starts)
}

// forget ends what a driver reads.
func (f *feeds) forget(d *driver) {
	for key, a := range f.assigned {
		if a.d == d {
			f.reader.Unassign(key.topic, key.partition)
			delete(f.assigned, key)
		}
	}
	for key := range f.oldest {
		if key.d == d {
			delete(f.oldest, key)
		}
	}
}

// start assigns partitions, all at once; where one is at fault, each alone.
func (f *feeds) start(starts []feedOrder) {
	var positions []depot.Position
	asked := starts
	starts = nil
	for _, o := range asked {
		topic := o.d.loaded.topics[o.feed.Depot]
		offset, err := f.begins(o, topic)
		if err != nil {
			f.notAssigned(o, err)
			continue
		}
		at := depot.Position{Topic: topic.Name, TopicID: o.feed.Topic, Partition: o.partition(), Offset: offset, LeaderEpoch: o.feed.Epoch, Reached: o.feed.Reached}
		if o.feed.Topic == ([16]byte{}) {
			at.TopicID = topic.ID
		}
		positions, starts = append(positions, at), append(starts, o)
	}
	if len(starts) == 0 {
		return
	}
	begun := time.Now()
	err := f.reader.Assign(positions...)
	f.w.config.Logger.Debug("assigned depot partitions", "partitions", len(positions), "took", time.Since(begun), "cause", err)
	switch {
	case err == nil:
		for _, o := range starts {
			f.assigned[feedKey{o.d.loaded.topics[o.feed.Depot].Name, o.partition()}] = &assignment{d: o.d, depot: o.feed.Depot, generation: o.feed.Generation}
		}
	case len(starts) > 1:
		for _, o := range starts {
			f.start([]feedOrder{o})
		}
	default:
		if positions[0].Offset < starts[0].feed.Offset {
			err = fmt.Errorf("%v", err) // what is trimmed there is not needed: asked again
		}
		f.notAssigned(starts[0], err)
	}
}

// begins is where a reading begins: further back than it has to, as far as the order says
// and the log has it.
func (f *feeds) begins(o feedOrder, topic depot.Topic) (int64, error) {
	if o.feed.Back == 0 || o.feed.Offset == 0 {
		return o.feed.Offset, nil
	}
	first, _, err := f.w.config.Log.Bounds(f.l.ctx, topic.Name, o.partition())
	return min(o.feed.Offset, max(first, o.feed.Offset-o.feed.Back)), err
}

// notAssigned tells a position that is wrong, which halts the task, from brokers
// that do not answer, which are asked again.
func (f *feeds) notAssigned(o feedOrder, err error) {
	if errors.Is(err, depot.ErrOutOfRange) || errors.Is(err, depot.ErrRecreated) {
		o.d.send(&runtime.DepotFault{Depot: o.feed.Depot, Generation: o.feed.Generation, Err: err})
		return
	}
	f.w.config.Logger.Warn("assigning a depot partition failed; trying again", "depot", o.feed.Depot, "task", int(o.d.id), "cause", err)
	f.l.background.Go(func() {
		pause(f.l.ctx, assignPause)
		f.order(o.d, o.feed)
	})
}

// assignPause is the wait before brokers that did not answer are asked again.
const assignPause = 200 * time.Millisecond

func (f *feeds) deliver(delivery depot.Delivery) {
	key := feedKey{delivery.Topic, delivery.Partition}
	a := f.assigned[key]
	if a == nil {
		return
	}
	if len(delivery.Records) > 0 {
		a.d.send(&runtime.Records{Depot: a.depot, Generation: a.generation, Records: delivery.Records})
		if a.d.mail.crowded() {
			f.crowded = append(f.crowded, key)
		}
	}
	if delivery.Fault != nil {
		a.d.send(&runtime.DepotFault{Depot: a.depot, Generation: a.generation, Err: delivery.Fault})
	}
}
