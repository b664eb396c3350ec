package simulation

import (
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
)

// tickFeed gives an owner the ticks of a depot by its own clock, as a worker's driver does.
type tickFeed struct {
	o          *owner
	key        feedKey
	generation uint64
	period     int64 // milliseconds
	next       int64 // nothing is given that was due before
	paused     bool
	stopped    bool
	planned    int // plans so far: the last one stands
	given      int
}

// logged lists the depots that have a topic.
func (w *world) logged() (all []*module.DepotPlan) {
	for _, d := range w.plan.Depots {
		if d.PeriodMillis == 0 {
			all = append(all, d)
		}
	}
	return all
}

// millis is the owner's clock.
func (o *owner) millis() int64 { return (o.w.now + o.skew) / millisecond }

// tickOrder carries out what the engine wants to read of a tick depot.
func (o *owner) tickOrder(f runtime.Feed, period int64) {
	key := feedKey{f.Depot, f.Strand}
	have := o.ticks[key]
	switch f.Order {
	case runtime.FeedFrom, runtime.FeedStop:
		if have != nil {
			have.stopped = true
		}
		delete(o.ticks, key)
		if f.Order == runtime.FeedFrom {
			o.ticks[key] = &tickFeed{o: o, key: key, generation: f.Generation, period: period, next: f.Offset}
			o.ticks[key].plan()
		}
	case runtime.FeedPause:
		have.paused = true
	case runtime.FeedResume:
		have.paused = false
		have.plan()
	}
}

// plan plans to look at the clock when the next tick is due.
func (f *tickFeed) plan() {
	due := (f.next + f.period - 1) / f.period * f.period
	f.planned++
	mine := f.planned
	f.o.w.at(max(due*millisecond-f.o.skew, f.o.w.now)+f.o.w.between(0, tickLate), func() {
		if mine == f.planned {
			f.give()
		}
	})
}

// give gives the latest tick that is due. Some time after the last fault there are no more,
// but for one to each new reading, which counts what an owner before left unfinished.
func (f *tickFeed) give() {
	w := f.o.w
	if f.stopped || f.paused || !f.o.alive || f.given > 0 && w.quiet && w.now > w.quietAt+ticksAfterFaults {
		return
	}
	if at := f.o.millis() / f.period * f.period; at >= f.next {
		f.next = at + 1
		f.given++
		f.o.step(&runtime.Records{Depot: f.key.depot, Generation: f.generation, Records: []depot.Record{{Offset: at, Time: time.UnixMilli(at)}}})
	}
	if !f.stopped {
		f.plan()
	}
}

// ticksAfterFaults is how long ticks go on when there are no faults any more.
const ticksAfterFaults = 5 * second
