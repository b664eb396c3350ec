package simulation

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/runtime"
)

// partition is one partition of a depot's log.
type partition struct {
	records []depot.Record
}

// feedKey names one of the readings of a partition.
type feedKey struct {
	depot  string
	strand int
}

// feed is an owner's reading of its partition of one depot.
type feed struct {
	o          *owner
	depot      string
	generation uint64
	next       int
	from       int // where it began
	paused     bool
	stopped    bool
	planned    bool // a delivery is under way
}

// order carries out what the engine wants to read.
func (o *owner) order(f runtime.Feed) {
	key := feedKey{f.Depot, f.Strand}
	have := o.feeds[key]
	switch f.Order {
	case runtime.FeedFrom:
		if have != nil {
			have.stopped = true
		}
		n := &feed{o: o, depot: f.Depot, generation: f.Generation}
		p := o.w.partition(f.Depot, int(o.id))
		for n.next < len(p.records) && p.records[n.next].Offset < f.Offset {
			n.next++
		}
		n.from = n.next
		o.feeds[key] = n
		n.plan()
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

// plan plans the delivery of what has come since the last one.
func (f *feed) plan() {
	w := f.o.w
	if f.planned || f.stopped || f.next >= len(w.partition(f.depot, int(f.o.id)).records) {
		return
	}
	f.planned = true
	w.after(w.between(100*microsecond, 3*millisecond), f.deliver)
}

// fetchAgain has the log deliver some records again: a broker may, after a retry.
func (o *owner) fetchAgain() {
	for _, key := range slices.SortedFunc(maps.Keys(o.feeds), func(a, b feedKey) int { return cmp.Or(cmp.Compare(a.depot, b.depot), a.strand-b.strand) }) {
		f := o.feeds[key]
		back := min(f.next-f.from, o.w.random.IntN(10))
		o.w.tracef("FAULT %v is delivered the last %d records of depot %s again", o, back, key.depot)
		f.next -= back
		f.plan()
	}
}

func (f *feed) deliver() {
	f.planned = false
	w := f.o.w
	if f.stopped || f.paused || !f.o.alive {
		return
	}
	records := w.partition(f.depot, int(f.o.id)).records[f.next:]
	if most := 1 + w.random.IntN(40); len(records) > most {
		records = records[:most]
	}
	f.next += len(records)
	f.o.step(&runtime.Records{Depot: f.depot, Generation: f.generation, Records: append([]depot.Record(nil), records...)})
	f.plan()
}

// put appends a record to a partition. Some offsets are left out, as transaction
// markers leave them out (T25).
func (w *world) put(depotName string, task int, r depot.Record) int64 {
	p := w.partition(depotName, task)
	offset := int64(0)
	if n := len(p.records); n > 0 {
		offset = p.records[n-1].Offset + 1
	}
	if w.chance(30) {
		offset++
	}
	r.Partition, r.Offset, r.Time = int32(task), offset, time.UnixMilli(w.now/millisecond)
	p.records = append(p.records, r)
	for _, o := range w.everyone {
		for strand := range 2 {
			if f := o.feeds[feedKey{depotName, strand}]; f != nil && int(o.id) == task && o.alive {
				f.plan()
			}
		}
	}
	return offset
}

func (w *world) partition(depotName string, task int) *partition {
	ps := w.logs[depotName]
	if ps == nil {
		ps = make([]partition, w.tasks)
		w.logs[depotName] = ps
	}
	return &ps[task]
}
