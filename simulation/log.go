package simulation

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// The log of a world is a memdepot.Log on its clock. Between it and the engines
// stand feeds, which fetch as a client of real brokers does: a fetch takes its time to
// the broker, what it brings takes its time back, and the log may change meanwhile.
// conformance_test.go holds the log behind its feeds to the suite of real ones.

// clock is the time of the brokers.
func (w *world) clock() time.Time { return time.UnixMilli((w.now + w.logSkew) / millisecond) }

// makeTopics makes the topics of the module's depots.
func (w *world) makeTopics() error {
	for _, d := range w.logged() {
		topic, err := w.log.Ensure(context.Background(), depot.TopicSpec{Module: w.plan.Module, Depot: d.Name, Partitions: d.Partitions(w.tasks)})
		if err != nil {
			return err
		}
		w.topics[d.Name] = topic
	}
	return w.makeReadTopics()
}

// startOf finds where a source of a task begins, once, and keeps it outside the slot
// (R22): all workloads begin at the beginning.
func (w *world) startOf(o *owner, q runtime.StartQuery) (runtime.Started, error) {
	key := fmt.Sprint(q.Topology, "/", q.Source, "/", o.id)
	if s, ok := w.starts[key]; ok {
		return s, nil
	}
	if d, ok := w.plan.Depot(q.Depot); ok && d.PeriodMillis > 0 {
		w.starts[key] = runtime.Started{Offset: o.millis() + 1}
		if c, ok := w.workload.(interface {
			begins(source string, offset int64)
		}); ok {
			c.begins(q.Topology+"/"+q.Source, o.millis()+1)
		}
		return w.starts[key], nil
	}
	topic := o.topics[q.Depot]
	first, _, err := w.log.Bounds(context.Background(), topic.Name, w.readBy(q.Depot, o.id))
	s := runtime.Started{Offset: first, Topic: topic.ID}
	if err == nil {
		w.starts[key] = s
	}
	return s, err
}

// answerStarts tells an engine where its new sources begin.
func (o *owner) answerStarts(queries []runtime.StartQuery) {
	done := &runtime.StartsDone{Starts: make([]runtime.Started, len(queries))}
	for i, q := range queries {
		if done.Starts[i], done.Err = o.w.startOf(o, q); done.Err != nil {
			break
		}
	}
	o.step(done)
}

// feedKey names one of the readings of a partition.
type feedKey struct {
	depot  string
	strand int
}

// feed is an owner's reading of its partition of one depot.
type feed struct {
	o          *owner
	key        feedKey
	generation uint64
	reader     depot.Reader
	recent     []depot.Record // delivered last
	again      int            // so many of them are delivered again
	paused     bool
	stopped    bool
	planned    bool  // a fetch is under way
	deafUntil  int64 // has not heard who leads the partition now
	since      int64 // when it began
}

// order carries out what the engine wants to read.
func (o *owner) order(f runtime.Feed) {
	if o.w.plan != nil { // there is none where the log alone is tried
		if d, ok := o.w.plan.Depot(f.Depot); ok && d.PeriodMillis > 0 {
			o.tickOrder(f, d.PeriodMillis)
			return
		}
	}
	key := feedKey{f.Depot, f.Strand}
	have := o.feeds[key]
	switch f.Order {
	case runtime.FeedFrom:
		topic, partition := o.topics[f.Depot], o.w.readBy(f.Depot, o.id)
		at := depot.Position{Topic: topic.Name, TopicID: f.Topic, Partition: partition, Offset: f.Offset, LeaderEpoch: f.Epoch, Reached: f.Reached}
		if at.TopicID == ([16]byte{}) {
			at.TopicID = topic.ID
		}
		if f.Back > 0 {
			first, _, err := o.w.log.Bounds(context.Background(), topic.Name, partition)
			if err != nil {
				o.w.violate("%v", err)
			}
			at.Offset = min(at.Offset, max(first, at.Offset-f.Back))
		}
		if err := o.feedFrom(key, f.Generation, at); err != nil {
			o.w.violate("%v reads %+v: %v", o, f, err)
		}
	case runtime.FeedPause:
		have.paused = true
	case runtime.FeedResume:
		have.paused = false
		have.plan()
	case runtime.FeedStop:
		if have != nil {
			have.stopped = true
		}
		delete(o.feeds, key)
	}
}

// feedFrom begins to read at a position, whatever was read before.
func (o *owner) feedFrom(key feedKey, generation uint64, at depot.Position) error {
	if have := o.feeds[key]; have != nil {
		have.stopped = true
	}
	reader, err := o.w.log.Reader(context.Background())
	if err != nil {
		return err
	}
	if err := reader.Assign(at); err != nil {
		return err
	}
	f := &feed{o: o, key: key, generation: generation, reader: reader, since: o.w.now}
	o.feeds[key] = f
	f.plan()
	return nil
}

// plan plans a fetch.
func (f *feed) plan() {
	if f.planned || f.stopped {
		return
	}
	f.planned = true
	w := f.o.w
	w.at(max(f.deafUntil, w.now+w.between(100*microsecond, 2*millisecond)), f.fetch)
}

// noWait has Poll deliver what is there.
var noWait = func() context.Context {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	return ctx
}()

// fetch takes from the log what has come since the last time; if nothing has, the
// next append or fault plans another fetch.
func (f *feed) fetch() {
	f.planned = false
	if f.stopped || f.paused || !f.o.alive {
		return
	}
	if f.deafUntil > f.o.w.now {
		f.plan()
		return
	}
	var got depot.Delivery
	err := f.reader.Poll(noWait, 1+f.o.w.random.IntN(40), func(d depot.Delivery) { got = d })
	if err != nil && f.again == 0 {
		return
	}
	if f.again > 0 {
		got.Records = append(slices.Clone(f.recent[len(f.recent)-min(f.again, len(f.recent)):]), got.Records...)
		f.again = 0
	}
	f.planned = true
	f.o.noteRead(f.key.depot, got.Records)
	f.o.w.after(f.o.w.between(20*microsecond, millisecond), func() { f.arrive(got) })
}

// arrive hands the engine what a fetch brought; it names the order that it belongs to,
// which may be over.
func (f *feed) arrive(got depot.Delivery) {
	f.planned = false
	if len(got.Records) > 0 {
		f.recent = got.Records[max(0, len(got.Records)-recentMax):]
		f.o.step(&runtime.Records{Depot: f.key.depot, Generation: f.generation, Records: slices.Clone(got.Records)})
	}
	if got.Fault != nil {
		f.o.step(&runtime.DepotFault{Depot: f.key.depot, Generation: f.generation, Err: got.Fault})
		return
	}
	f.plan()
}

// recentMax bounds how many records are delivered again.
const recentMax = 10

// sortedFeeds lists what an owner reads, in a fixed order.
func (o *owner) sortedFeeds() []*feed {
	var all []*feed
	for _, key := range slices.SortedFunc(maps.Keys(o.feeds), func(a, b feedKey) int { return cmp.Or(cmp.Compare(a.depot, b.depot), a.strand-b.strand) }) {
		all = append(all, o.feeds[key])
	}
	return all
}

// fetchAgain has the log deliver some records again: a broker may, after a retry.
func (o *owner) fetchAgain() {
	for _, f := range o.sortedFeeds() {
		f.again = min(len(f.recent), o.w.random.IntN(recentMax))
		o.w.tracef("FAULT %v is delivered the last %d records of depot %s again", o, f.again, f.key.depot)
		f.plan()
	}
}

// put appends a record to a partition. Some offsets are left out, as transaction
// markers leave them out (T25).
func (w *world) put(depotName string, id int, r depot.Record) int64 {
	topic, p, offset := w.topics[depotName].Name, int32(id), int64(-1)
	if w.chance(30) {
		if err := w.log.Skip(topic, p, 1); err != nil {
			w.violate("%v", err)
		}
	}
	w.log.Append(context.Background(), topic, p, r, depot.Replicated, func(at int64, err error) {
		if offset = at; err != nil {
			w.violate("append to %s: %v", topic, err)
		}
	})
	w.logChanged(depotName, task.ID(id))
	return offset
}

// leaderChanged has those who read a partition hear of it sooner or later; until then
// nobody answers them. Whoever begins to read asks anew.
func (w *world) leaderChanged(at partition) {
	for _, o := range w.everyone {
		for _, f := range o.sortedFeeds() {
			if o.id == at.task && f.key.depot == at.depot {
				f.deafUntil = w.now + w.between(0, 400*millisecond)
			}
		}
	}
	w.logChanged(at.depot, at.task)
}

// logChanged has those fetch who wait for something to come.
func (w *world) logChanged(depotName string, id task.ID) {
	for _, o := range w.everyone {
		if o.id != id || !o.alive {
			continue
		}
		for strand := range runtime.Strands {
			if f := o.feeds[feedKey{depotName, strand}]; f != nil {
				f.plan()
			}
		}
	}
}
