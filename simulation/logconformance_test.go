package simulation

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/depot/depottest"
	"github.com/coppice-run/coppice/depot/memdepot"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// The simulated log, as engines read it by their feeds, keeps the contract that real
// ones keep, by the same suite, its faults included.
func TestLogConformance(t *testing.T) {
	t.Parallel()
	depottest.Run(t, func(t *testing.T) depottest.Harness {
		l := &calmLog{w: newWorld(Config{Calm: true, Tasks: 1, Servers: 1, Workload: Count()})}
		l.w.now = int64(20 * 365 * 24 * time.Hour)
		l.Log = l.w.log
		return depottest.Harness{
			Log: l, Now: l.now, Tick: l.tick,
			Cut: func(_ context.Context, topic string, p int32, below int64) error {
				return l.damage(topic, l.Log.Cut(topic, p, below))
			},
			Truncate: func(_ context.Context, topic string, p int32, to int64) error {
				return l.damage(topic, l.Log.Truncate(topic, p, to))
			},
			Recreate: func(_ context.Context, topic string) error { return l.damage(topic, l.Log.Recreate(topic)) },
		}
	})
}

// calmLog is the log of a world without faults: whoever polls runs the world until a
// feed brings something.
type calmLog struct {
	*memdepot.Log
	mu      sync.Mutex // the world has one goroutine at a time
	w       *world
	changed chan struct{} // closed when something may have come; nil while nobody waits
}

func (l *calmLog) now() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.clock()
}

func (l *calmLog) tick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.w.now += 3 * millisecond
}

func (l *calmLog) Append(ctx context.Context, topic string, partition int32, record depot.Record, level depot.Level, done func(offset int64, err error)) {
	var at int64
	var failure error
	l.mu.Lock()
	l.Log.Append(ctx, topic, partition, record, level, func(offset int64, err error) { at, failure = offset, err })
	l.mu.Unlock()
	_ = l.damage(topic, nil)
	done(at, failure)
}

// damage has every feed of a topic look, after something was done to it.
func (l *calmLog) damage(topic string, err error) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, o := range l.w.everyone {
		l.w.logChanged(topic, o.id)
	}
	l.wake()
	return err
}

func (l *calmLog) wake() {
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
}

func (l *calmLog) Reader(ctx context.Context) (depot.Reader, error) {
	plain, err := l.Log.Reader(ctx) // tells of a log that is closed
	if err != nil {
		return nil, err
	}
	return &calmReader{log: l, owners: map[feedKey]*owner{}, current: map[feedKey]uint64{}}, plain.Close()
}

func (l *calmLog) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wake()
	return l.Log.Close()
}

// calmReader is owners of the world, one for each partition that is read: the strand
// of a feed's key is the partition, here.
type calmReader struct {
	log        *calmLog
	owners     map[feedKey]*owner
	current    map[feedKey]uint64 // generations of the assignments that stand
	generation uint64
	ready      []logArrival
	closed     bool
}

// logArrival is what a feed brought for an assignment.
type logArrival struct {
	depot.Delivery
	generation uint64
}

func (r *calmReader) Assign(positions ...depot.Position) error {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	for _, p := range positions {
		key := feedKey{p.Topic, 0}
		at := feedKey{p.Topic, int(p.Partition)}
		o := r.owners[at]
		if o == nil {
			o = &owner{w: r.log.w, id: task.ID(p.Partition), alive: true, feeds: map[feedKey]*feed{}}
			o.capture = func(in runtime.Input) { r.take(at, in) }
			r.owners[at] = o
			r.log.w.everyone = append(r.log.w.everyone, o)
		}
		r.generation++
		r.current[at] = r.generation
		if err := o.feedFrom(key, r.generation, p); err != nil {
			return err
		}
	}
	return nil
}

// take keeps what a feed brings for the next poll.
func (r *calmReader) take(at feedKey, in runtime.Input) {
	a := logArrival{Delivery: depot.Delivery{Topic: at.depot, Partition: int32(at.strand)}}
	switch in := in.(type) {
	case *runtime.Records:
		a.Records, a.generation = in.Records, in.Generation
	case *runtime.DepotFault:
		a.Fault, a.generation = in.Err, in.Generation
	}
	r.ready = append(r.ready, a)
}

func (r *calmReader) order(topic string, partition int32, what runtime.FeedOrder) {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	o := r.owners[feedKey{topic, int(partition)}]
	if o != nil && o.feeds[feedKey{topic, 0}] != nil {
		o.order(runtime.Feed{Depot: topic, Order: what})
	}
	if what == runtime.FeedStop {
		delete(r.current, feedKey{topic, int(partition)})
	}
	r.log.wake()
}

func (r *calmReader) Unassign(topic string, partition int32) {
	r.order(topic, partition, runtime.FeedStop)
}
func (r *calmReader) Pause(topic string, partition int32) {
	r.order(topic, partition, runtime.FeedPause)
}
func (r *calmReader) Resume(topic string, partition int32) {
	r.order(topic, partition, runtime.FeedResume)
}

// Poll delivers one thing at a time.
func (r *calmReader) Poll(ctx context.Context, _ int, deliver func(depot.Delivery)) error {
	for {
		d, changed, err := r.next()
		if err != nil {
			return err
		}
		if d != nil {
			deliver(*d)
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

// next runs the world until something has come or nothing is under way.
func (r *calmReader) next() (*depot.Delivery, <-chan struct{}, error) {
	l := r.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.Log.Check(context.Background()); err != nil || r.closed {
		return nil, nil, fmt.Errorf("the reader is closed: %w", errors.Join(err))
	}
	for len(r.ready) > 0 || l.w.next() {
		if len(r.ready) == 0 {
			continue
		}
		a := r.ready[0]
		r.ready = r.ready[1:]
		if at := (feedKey{a.Topic, int(a.Partition)}); r.current[at] == a.generation {
			if a.Fault != nil {
				delete(r.current, at)
			}
			l.wake() // others' feeds may have brought something, too
			return &a.Delivery, nil, nil
		}
	}
	if l.changed == nil {
		l.changed = make(chan struct{})
	}
	return nil, l.changed, nil
}

func (r *calmReader) Close() error {
	r.log.mu.Lock()
	defer r.log.mu.Unlock()
	r.closed = true
	for _, o := range r.owners {
		o.alive = false
	}
	r.log.wake()
	return nil
}
