package worker

import (
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/runtime"
)

// ticker gives a task the ticks of its tick depots: it is to them what feeds are to topics.
// The driver's goroutine uses it alone.
type ticker struct{ readings []*ticking }

// ticking is one reading of a tick depot.
type ticking struct {
	depot        string
	strand       int
	generation   uint64
	periodMillis int64
	next         int64 // Unix milliseconds: nothing is given that was due before
	paused       bool
}

// order carries out what the engine wants to read.
func (t *ticker) order(f runtime.Feed, periodMillis int64) {
	at := -1
	for i, r := range t.readings {
		if r.depot == f.Depot && r.strand == f.Strand {
			at = i
		}
	}
	switch f.Order {
	case runtime.FeedFrom:
		if at < 0 {
			at, t.readings = len(t.readings), append(t.readings, nil)
		}
		t.readings[at] = &ticking{depot: f.Depot, strand: f.Strand, generation: f.Generation, periodMillis: periodMillis, next: f.Offset}
	case runtime.FeedStop:
		if at >= 0 {
			t.readings = append(t.readings[:at], t.readings[at+1:]...)
		}
	case runtime.FeedPause, runtime.FeedResume:
		if at >= 0 {
			t.readings[at].paused = f.Order == runtime.FeedPause
		}
	}
}

// due returns the latest tick of each reading that has not been given.
func (t *ticker) due(now time.Time) (all []*runtime.Records) {
	for _, r := range t.readings {
		at := now.UnixMilli() / r.periodMillis * r.periodMillis
		if r.paused || at < r.next {
			continue
		}
		r.next = at + 1
		all = append(all, &runtime.Records{Depot: r.depot, Generation: r.generation, Records: []depot.Record{{Offset: at, Time: time.UnixMilli(at)}}})
	}
	return all
}

// wait is how long it takes until the next tick is due; ok is false if none will be.
func (t *ticker) wait(now time.Time) (wait time.Duration, ok bool) {
	for _, r := range t.readings {
		if r.paused {
			continue
		}
		at := (r.next + r.periodMillis - 1) / r.periodMillis * r.periodMillis
		if w := max(time.UnixMilli(at).Sub(now), 0); !ok || w < wait {
			wait, ok = w, true
		}
	}
	return wait, ok
}

// giveTicks gives the engine the ticks that are due at a time.
func (d *driver) giveTicks(at time.Time, timer *time.Timer) {
	for _, in := range d.ticks.due(at) {
		if !d.crashed {
			d.step(in, timer)
		}
	}
}

// feed passes an order on to whom it concerns.
func (d *driver) feed(f runtime.Feed) {
	if plan, ok := d.loaded.plan.Depot(f.Depot); ok && plan.PeriodMillis > 0 {
		d.ticks.order(f, plan.PeriodMillis)
		return
	}
	feeds := d.loaded.feeds
	if elsewhere := d.loaded.elsewhere[f.Depot]; elsewhere != nil && elsewhere.Topic != "" {
		feeds = d.loaded.committed
	}
	feeds[f.Strand].order(d, f)
}
