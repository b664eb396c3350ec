package runtime_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// resumed brings a task with two sources of one depot to the point where it runs, from
// the progress that its slot holds; where a source has none it begins at the beginning.
func resumed(t *testing.T, live, late string) (h *hand, order runtime.Feed) {
	t.Helper()
	h = &hand{t: t, engine: taker(t, 1, &twofold{}, runtime.Options{})}
	h.step(&runtime.Start{})
	e := h.step(&runtime.Taken{})
	reads := slices.Clone(e.Reads)
	for name, text := range map[string]string{"live": live, "late": late} {
		if text != "" {
			reads[0].Elements = append(reads[0].Elements, store.Element{Field: name, Value: text})
		}
	}
	if e = h.step(&runtime.ReadDone{Reads: reads}); len(e.Starts) > 0 {
		h.step(&runtime.StartsDone{Starts: make([]runtime.Started, len(e.Starts))})
	}
	e = h.step(&runtime.CommitDone{})
	if e.Halt == nil && len(e.Feeds) != 1 {
		t.Fatalf("ordered %+v, want one reading", e.Feeds)
	}
	if len(e.Feeds) > 0 {
		order = e.Feeds[0]
	}
	return h, order
}

// led makes records of consecutive offsets under one leader.
func led(epoch int32, from, to int64) []depot.Record {
	all := texts(from, to)
	for i := range all {
		all[i].LeaderEpoch = epoch
	}
	return all
}

// halt answers the look at the task's own head that comes before it halts.
func (h *hand) halt(e *runtime.Effects) error {
	h.t.Helper()
	if e.Halt != nil {
		h.t.Fatal("halted without a look whether it is still the owner (R18)")
	}
	if !slices.Contains(e.Heads, 0) {
		return nil
	}
	return h.step(&runtime.HeadsDone{Tasks: slices.Clone(e.Heads), Heads: make([]task.Head, len(e.Heads))}).Halt
}

// T20: the log was cut below what a source had finished, and the offset is another
// record's now. To pass it over would lose it in silence.
func TestAFinishedOffsetOfAnotherRecordHalts(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, live, late string
		records          []depot.Record
		halts            bool
	}{
		{"finished out of order", "1 next=5 epoch=1 done=7", "1 next=5 epoch=1", append(led(1, 5, 6), led(2, 6, 9)...), true},
		{"the same record", "1 next=5 epoch=1 done=7", "1 next=5 epoch=1", append(led(1, 5, 8), led(2, 8, 9)...), false},
		{"finished by the other source", "1 next=9 epoch=1", "1 next=5 epoch=1", append(led(1, 5, 8), led(2, 8, 10)...), true},
		{"the other source is right", "1 next=9 epoch=2", "1 next=5 epoch=1", append(led(1, 5, 8), led(2, 8, 10)...), false},
		{"leaders are not known", "1 next=9", "1 next=5", append(led(-1, 5, 8), led(2, 8, 10)...), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h, order := resumed(t, c.live, c.late)
			why := h.halt(h.step(&runtime.Records{Depot: "texts", Generation: order.Generation, Records: c.records}))
			if errors.Is(why, depot.ErrOutOfRange) != c.halts {
				t.Errorf("halted with %v, want it: %t", why, c.halts)
			}
		})
	}
}

// T20: a position names the leader epoch of the source that has met the oldest, and how
// far any has read: by the one a log is recognised that was cut below it and grew again,
// also where another source has read what grew, by the other one that ends now before
// what was finished out of order.
func TestPositionsNameWhatWasRead(t *testing.T) {
	t.Parallel()
	_, order := resumed(t, "1 next=9 epoch=4 done=11-12", "1 next=5 epoch=3")
	if order.Offset != 5 || order.Epoch != 3 || order.Reached != 13 {
		t.Errorf("ordered %+v, want from offset 5 on, epoch 3, reached 13", order)
	}
	// One source has dealt with the record that took the place of the other's.
	if _, order = resumed(t, "1 next=1 epoch=1", "1 next=1 epoch=0"); order.Epoch != 0 {
		t.Errorf("ordered %+v, want epoch 0", order)
	}
	if _, order = resumed(t, "1 next=1 epoch=1", "1 next=1"); order.Epoch != 1 {
		t.Errorf("ordered %+v, want the epoch that is known", order)
	}
}

// T20, T25: the epoch that stands with the progress is that of the newest record read:
// the progress passes the gap where a new leader began although the record behind it is
// not done, and at the next start the log would look as if it had been cut there.
func TestTheProgressNamesTheNewestLeader(t *testing.T) {
	t.Parallel()
	h, order := resumed(t, "1 next=5 epoch=1", "1 next=5 epoch=1")
	e := h.step(&runtime.Records{Depot: "texts", Generation: order.Generation, Records: append(led(1, 5, 6), led(2, 8, 9)...)})
	if e.Commit == nil {
		h.now += 2e9
		e = h.step(&runtime.Tick{})
	}
	if e.Commit == nil {
		t.Fatal("no commit")
	}
	found := false
	for _, c := range e.Commit.Changes {
		for _, w := range c.Writes {
			if c.Table == wire.ProgressTable(task.Tag("twofold", 0, 1), "twofold") {
				found = true
				if !strings.Contains(w.Value, "epoch=2") {
					t.Errorf("progress of %s: %s, want epoch 2", w.Field, w.Value)
				}
			}
		}
	}
	if !found {
		t.Error("no progress in the commit")
	}
}

// T23: one source began after the topic was made again; offsets of the other are of
// records that are gone.
func TestSourcesOfTwoTopicsHalt(t *testing.T) {
	t.Parallel()
	const one, other = "5f0000000000000000000000000000c1", "5f0000000000000000000000000000c2"
	h := &hand{t: t, engine: taker(t, 1, &twofold{}, runtime.Options{})}
	h.step(&runtime.Start{})
	reads := slices.Clone(h.step(&runtime.Taken{}).Reads)
	reads[0].Elements = []store.Element{{Field: "live", Value: "1 next=9 topic=" + one}, {Field: "late", Value: "1 next=9 topic=" + other}}
	h.step(&runtime.ReadDone{Reads: reads})
	if e := h.step(&runtime.CommitDone{}); !errors.Is(e.Halt, depot.ErrRecreated) {
		t.Errorf("halted with %v, want ErrRecreated", e.Halt)
	}
}

// R18, T22: a task whose place in the log is gone halts, if it is still the owner; one
// that was replaced gives up its memory instead. What a reading that is over reports
// counts for nothing.
func TestAFaultHaltsTheOwner(t *testing.T) {
	t.Parallel()
	fault := func(order runtime.Feed, generation uint64) *runtime.DepotFault {
		return &runtime.DepotFault{Depot: order.Depot, Generation: generation, Err: depot.ErrOutOfRange}
	}
	h, order := resumed(t, "1 next=9", "1 next=9")
	if why := h.halt(h.step(fault(order, order.Generation+1))); why != nil {
		t.Errorf("the fault of another reading halted the task: %v", why)
	}
	if why := h.halt(h.step(fault(order, order.Generation))); !errors.Is(why, depot.ErrOutOfRange) {
		t.Errorf("halted with %v, want ErrOutOfRange", why)
	}
	h, order = resumed(t, "1 next=9", "1 next=9")
	h.step(fault(order, order.Generation))
	if e := h.step(&runtime.HeadsDone{Tasks: []task.ID{0}, Err: store.ErrFenced}); e.Halt != nil || !e.Drop {
		t.Errorf("a task that was replaced: halt %v, drop %t", e.Halt, e.Drop)
	}
}

// stumbling fails at the first attempt at its first record, and then reads again.
type stumbling struct{ Texts module.Depot[string] }

func (m *stumbling) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	module.DeclareSource(b.Stream("stumbling"), m.Texts, func(ev *module.Event, _ string) error {
		if ev.Offset() == 0 && ev.Attempt() == 1 {
			return errBad
		}
		return nil
	}, module.StartFromBeginning(), module.RetryAllAfter())
}

// T20: a source that goes back has read on already. Its position says how far, by which a
// log is recognised that was cut meanwhile; and what it reads again must be the records that
// it has read, whose effects are there.
func TestASourceThatGoesBackKnowsWhatItHadRead(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		epoch int32 // of the records that it reads again
		halts bool
	}{{"the same records", 1, false}, {"others", 2, true}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := byHand(t, &stumbling{}, runtime.Options{})
			e := h.step(&runtime.Records{Depot: "texts", Generation: 1, Records: led(1, 0, 3)})
			var order runtime.Feed
			for _, f := range e.Feeds {
				if f.Order == runtime.FeedFrom {
					order = f
				}
			}
			if order.Offset != 0 || order.Reached != 3 || order.Epoch != 1 {
				t.Fatalf("ordered %+v, want from offset 0 on, reached 3, epoch 1", order)
			}
			again := append(led(1, 0, 1), led(c.epoch, 1, 3)...)
			why := h.halt(h.step(&runtime.Records{Depot: "texts", Generation: order.Generation, Records: again}))
			if errors.Is(why, depot.ErrOutOfRange) != c.halts {
				t.Errorf("halted with %v, want it: %t", why, c.halts)
			}
		})
	}
}
