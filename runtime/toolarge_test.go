package runtime_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
)

// R42: what an event of an exactly-once stream sends is in its commit, and counts toward what
// that may hold.
func TestAnEventThatSendsTooMuch(t *testing.T) {
	t.Parallel()
	const most = 64 << 10
	m := newBranches()
	w := newTown(t, m, 2, runtime.Options{MaxBytesPerBatch: most})
	a, b := w.tasks[0], w.tasks[1]
	long := strings.Repeat("x", 1000)
	m.do["large"] = func(ev *module.Event) error {
		for range 100 {
			m.next.Send(ev, leaf(1, long))
		}
		return nil
	}
	a.give(0, node{0, "fits", slices.Repeat([]node{leaf(1, long)}, 20)}, leaf(0, "large"))
	for a.pending != nil {
		if n := a.pendingBytes(); n > most {
			t.Errorf("a commit of %d bytes, at most %d are allowed", n, most)
		}
		a.commit()
	}
	w.settle()
	if got := b.seen(long); got != "20" {
		t.Errorf("%s events have come, want the 20 of the record that fits", got)
	}
	p, ok := a.parked()["large"]
	if !ok || !strings.Contains(p.Reason, runtime.ErrEventTooLarge.Error()) {
		t.Errorf("parked are %v, want the large one", a.parked())
	}
	w.rested()
}

// Records that fit alone are not put together into a commit that is too large.
func TestWhatABatchSendsIsBounded(t *testing.T) {
	t.Parallel()
	const most = 64 << 10
	w := newTown(t, newBranches(), 2, runtime.Options{MaxBytesPerBatch: most})
	a, b := w.tasks[0], w.tasks[1]
	long := strings.Repeat("x", 1000)
	a.give(0, slices.Repeat([]node{{0, "root", slices.Repeat([]node{leaf(1, long)}, 20)}}, 10)...)
	for a.pending != nil {
		if n := a.pendingBytes(); n > most {
			t.Errorf("a commit of %d bytes, at most %d are allowed", n, most)
		}
		a.commit()
	}
	w.settle()
	if got := b.seen(long); got != "200" {
		t.Errorf("%s events have come, want 200", got)
	}
	w.rested()
}

// pendingBytes is what the commit under way writes.
func (c *citizen) pendingBytes() (n int) {
	for _, change := range c.pending.Changes {
		for _, w := range change.Writes {
			n += len(w.Field) + len(w.Value)
		}
	}
	return n
}

// talkers sends as many texts of 1,000 bytes as a number says, in one event. Texts are passed
// on as they are within a process.
type talkers struct {
	branches
	say module.Step[string]
}

func (m *talkers) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Roots, "roots")
	s := b.Stream("grow", module.ExactlyOnce())
	module.DeclareStep(s, &m.say, "say", module.Stay[string](), func(*module.Event, string) error { return nil })
	module.DeclareSource(s, m.Roots, func(ev *module.Event, n node) error {
		for range n.At {
			m.say.Send(ev, strings.Repeat("x", 1000))
		}
		return nil
	}, module.StartFromBeginning())
}

// R42: texts count, too, though they are not encoded before their commit.
func TestAnEventThatTalksTooMuch(t *testing.T) {
	t.Parallel()
	const most = 64 << 10
	w := newTown(t, &talkers{}, 1, runtime.Options{MaxBytesPerBatch: most})
	a := w.tasks[0]
	a.give(0, leaf(100, "large"), leaf(20, "1"), leaf(20, "2"), leaf(20, "3"), leaf(20, "4"))
	for a.pending != nil {
		if n := a.pendingBytes(); n > most {
			t.Errorf("a commit of %d bytes, at most %d are allowed", n, most)
		}
		a.commit()
	}
	if p, ok := a.parked()["large"]; !ok || !strings.Contains(p.Reason, runtime.ErrEventTooLarge.Error()) {
		t.Errorf("parked are %v, want the large one", a.parked())
	}
	w.settle()
	w.rested()
}

// callers starts as many calls as a number says, in one event.
type callers struct {
	branches
	ring module.Call[int]
}

func (m *callers) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Roots, "roots")
	s := b.Stream("grow", module.ExactlyOnce())
	module.DeclareCall(s, &m.ring, "ring", func(context.Context, int) (int, error) { return 0, nil }, nil)
	module.DeclareSource(s, m.Roots, func(ev *module.Event, n node) error {
		for i := range n.At {
			m.ring.Start(ev, i)
		}
		return nil
	}, module.StartFromBeginning())
}

// R42: each call of an exactly-once stream is a field of the commit.
func TestAnEventThatCallsTooMuch(t *testing.T) {
	t.Parallel()
	w := newTown(t, &callers{}, 1, runtime.Options{MaxFieldsPerBatch: 100})
	a := w.tasks[0]
	a.give(0, leaf(51, "many"), leaf(30, "1"), leaf(30, "2"), leaf(30, "3"))
	for a.pending != nil {
		for _, c := range a.pending.Changes {
			if len(c.Writes) > 100 {
				t.Errorf("a commit writes %d fields of %s", len(c.Writes), c.Table.Key)
			}
		}
		a.commit()
	}
	if n := len(a.table("calls")); n != 90 {
		t.Errorf("%d calls are in the slot, want 90", n)
	}
	if p, ok := a.parked()["many"]; !ok || !strings.Contains(p.Reason, runtime.ErrEventTooLarge.Error()) {
		t.Errorf("parked are %v, want the one with many", a.parked())
	}
}
