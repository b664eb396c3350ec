package worker

import (
	"context"
	"testing"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/runtime"
)

// pausing is a reader that notes whether its partition is paused.
type pausing struct {
	depot.Reader
	paused bool
}

func (r *pausing) Pause(string, int32)  { r.paused = true }
func (r *pausing) Resume(string, int32) { r.paused = false }

// A task that is at a long batch of events is given records until so many bytes wait for it, and
// more once it has taken them, unless it does not want any.
func TestFeedsWaitForABusyTask(t *testing.T) {
	t.Parallel()
	t.Run("depots", func(t *testing.T) {
		t.Parallel()
		feedsWait(t, func(l *loaded, f *feeds) { l.feeds = []*feeds{f} })
	})
	t.Run("topics of others", func(t *testing.T) {
		t.Parallel()
		feedsWait(t, func(l *loaded, f *feeds) { l.committed = []*feeds{f} })
	})
}

func feedsWait(t *testing.T, list func(*loaded, *feeds)) {
	const records, bytes = 10, 10_000
	r := &pausing{}
	l := &loaded{topics: map[string]depot.Topic{"jobs": {Name: "Busy.jobs"}}}
	d := &driver{mail: newMailbox(), loaded: l}
	f := &feeds{l: l, reader: r, assigned: map[feedKey]*assignment{}, oldest: map[sourceKey]uint64{}}
	list(l, f)
	f.assigned[feedKey{"Busy.jobs", 0}] = &assignment{d: d, depot: "jobs"}
	poll := func() {
		all := make([]depot.Record, records)
		for i := range all {
			all[i].Value = make([]byte, bytes)
		}
		f.deliver(depot.Delivery{Topic: "Busy.jobs", Records: all})
		f.holdCrowded()
	}
	orders := func() {
		some := f.next(context.Background(), func() {})
		f.carryOut(some)
	}
	take := func() {
		for _, m := range d.mail.take(nil) {
			d.took(&m)
		}
	}
	fill := func() {
		for n := 0; !r.paused; n++ {
			if n*records*bytes > mailRecordBytesMax {
				t.Fatalf("%d records of %d bytes wait, and more come", n*records, bytes)
			}
			poll()
		}
	}
	fill()
	orders()
	if !r.paused {
		t.Fatal("more comes, though nothing was taken")
	}
	take()
	orders()
	if r.paused {
		t.Fatal("nothing comes, though all was taken")
	}

	fill()
	f.put(feedOrder{d: d, feed: runtime.Feed{Depot: "jobs", Order: runtime.FeedResume}})
	orders()
	if !r.paused {
		t.Error("more comes since the task wants some, though it has not taken what waits")
	}
	f.put(feedOrder{d: d, feed: runtime.Feed{Depot: "jobs", Order: runtime.FeedPause}})
	take()
	orders()
	if !r.paused {
		t.Error("more comes since the task has taken what waited, though it wants none")
	}
	f.put(feedOrder{d: d, feed: runtime.Feed{Depot: "jobs", Order: runtime.FeedResume}})
	orders()
	if r.paused {
		t.Error("nothing comes, though the task wants some")
	}
	if n := d.mail.recordBytes.Load(); n != 0 {
		t.Errorf("%d bytes wait, and all are taken", n)
	}
}
