package runtime_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/runtime"
)

// batches is branches as a microbatch topology.
type batches struct{ branches }

func newBatches() *batches { return &batches{*newBranches()} }

func (m *batches) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Roots, "roots")
	s := b.Microbatch("grow")
	s.PState(&m.Seen, "seen")
	module.DeclareStep(s, &m.next, m.name, module.Custom(func(n node, _ int) int { return n.At }), m.onNode)
	module.DeclareSource(s, m.Roots, m.onNode, module.StartFromBeginning(), module.MaxAttempts(3))
}

func (m *batches) onNode(ev *module.Event, n node) error {
	agg.Inc(ev, m.Seen.Key(n.Name))
	for _, below := range n.Below {
		m.next.Send(ev, below)
	}
	if do := m.do[n.Name]; do != nil {
		return do(ev)
	}
	return nil
}

// parked are what is put aside on a task, by the value.
func (c *citizen) parked() map[string]wire.ParkedRecord {
	c.town.t.Helper()
	all := map[string]wire.ParkedRecord{}
	for field, raw := range c.table("p:" + wire.ParkedName) {
		var p wire.ParkedRecord
		var n node
		if err := json.Unmarshal([]byte(raw), &p); err != nil {
			c.town.t.Fatalf("%s: %v", field, err)
		}
		if err := json.Unmarshal([]byte(*p.Text), &n); err != nil {
			c.town.t.Fatalf("%s: %v", field, err)
		}
		all[n.Name] = p
	}
	return all
}

// retry asks the task to run again what is put aside, without waiting for it.
func (c *citizen) retry(names ...string) {
	c.town.t.Helper()
	c.order(runtime.ParkedRetry, names...)
}

func (c *citizen) order(what runtime.ParkedOrder, names ...string) {
	c.town.t.Helper()
	all := c.parked()
	for i, name := range names {
		p, ok := all[name]
		if !ok {
			c.town.t.Fatalf("%s is not put aside on task %d: there are %d", name, c.id, len(all))
		}
		c.step(&runtime.Parked{Order: what, Topology: p.Topology, Source: p.Source, Offset: p.Offset, Step: p.Step, Event: p.Event, Waiter: uint64(i + 1)})
	}
}

// later lets pauses between attempts pass.
func (w *town) later() {
	w.t.Helper()
	for range 10 {
		w.wait(5e9)
		w.settle()
	}
}

func parks(*module.Event) error { return module.Park(errBad) }
func fails(*module.Event) error { return errBad }

// An event that was put aside of another task's record may have the offset of a record of its
// own task's: it runs again in one microbatch with that, and each is blamed for itself.
func TestWhatRunsAgainIsNoRecord(t *testing.T) {
	t.Parallel()
	m := newBatches()
	m.do["event"] = parks
	w := newTown(t, m, 2, runtime.Options{})
	w.tasks[1].give(0, node{At: 1, Name: "there", Below: []node{leaf(0, "event")}})
	w.settle()
	if p := w.tasks[0].parked()["event"]; p.Partition != 1 || p.Offset != 0 || p.Task != 0 {
		t.Fatalf("put aside is %+v", p)
	}
	m.do["event"] = fails
	w.tasks[0].retry("event")
	w.tasks[0].give(0, leaf(0, "here"))
	w.settle()
	if got := w.tasks[0].seen("here"); got != "1" {
		t.Errorf("the record beside it took effect %q times", got)
	}
	all := w.tasks[0].parked()
	if p := all["event"]; len(all) != 1 || p.Partition != 1 || !strings.Contains(p.Reason, errBad.Error()) {
		t.Errorf("put aside are %+v", all)
	}
	if got := w.tasks[0].answers; len(got) != 1 || got[0].Kind != runtime.AnswerParked {
		t.Errorf("who had it run again hears %+v", got)
	}
	if !slices.ContainsFunc(w.tasks[0].failed, func(i runtime.RecordInfo) bool { return i.Partition == 1 && i.Offset == 0 }) {
		t.Errorf("told to have failed are %+v", w.tasks[0].failed)
	}

	// The other way round: the record fails, and the event is mended.
	m.do["event"], m.do["bad"] = nil, fails
	w.tasks[0].retry("event")
	w.tasks[0].give(1, leaf(0, "bad"))
	w.later()
	if all := w.tasks[0].parked(); len(all) != 1 || all["bad"].Offset != 1 || w.tasks[0].seen("event") != "1" {
		t.Errorf("put aside are %+v, and the event took effect %q times", all, w.tasks[0].seen("event"))
	}
}

// Of two events of one record that run again, one fails: the other takes effect.
func TestOneOfTwoThatRunAgainFails(t *testing.T) {
	t.Parallel()
	m := newBatches()
	m.do["a"], m.do["b"] = parks, parks
	w := newTown(t, m, 1, runtime.Options{})
	w.tasks[0].give(0, node{Name: "root", Below: []node{leaf(0, "a"), leaf(0, "b")}})
	w.settle()
	m.do["a"], m.do["b"] = fails, nil
	w.tasks[0].retry("a", "b")
	w.settle()
	if all := w.tasks[0].parked(); len(all) != 1 || all["a"].Event == "" || w.tasks[0].seen("b") != "1" || w.tasks[0].seen("a") != "" {
		t.Errorf("put aside are %+v, b took effect %q times", all, w.tasks[0].seen("b"))
	}
}

// What an event that runs again sends, and is put aside elsewhere, is still of its record.
func TestWhatRunsAgainKeepsItsRecord(t *testing.T) {
	t.Parallel()
	m := newBatches()
	m.do["event"], m.do["below"] = parks, parks
	w := newTown(t, m, 3, runtime.Options{})
	w.tasks[2].give(0, node{At: 2, Name: "root", Below: []node{{At: 1, Name: "event", Below: []node{leaf(0, "below")}}}})
	w.settle()
	delete(m.do, "event")
	w.tasks[1].retry("event")
	w.settle()
	if p := w.tasks[0].parked()["below"]; p.Partition != 2 || p.Offset != 0 || p.Task != 0 {
		t.Errorf("put aside is %+v, want it to be of partition 2", p)
	}
	delete(m.do, "below")
	w.tasks[0].retry("below")
	w.settle()
	if n := w.tasks[0].seen("below"); n != "1" || len(w.tasks[0].parked()) != 0 {
		t.Errorf("it took effect %q times, put aside are %+v", n, w.tasks[0].parked())
	}
}

// Two people may have the same thing run again at the same time: it takes effect once.
func TestTwoOrdersForOneThatRunsAgain(t *testing.T) {
	t.Parallel()
	m := newBatches()
	m.do["x"] = parks
	w := newTown(t, m, 2, runtime.Options{})
	a, b := w.tasks[0], w.tasks[1]
	a.give(0, node{0, "root", []node{leaf(1, "x")}})
	w.later()
	m.do = nil
	b.retry("x", "x")
	w.later()
	if got := b.seen("x"); got != "1" {
		t.Errorf("x took effect %s times", got)
	}
	if len(b.parked()) > 0 {
		t.Errorf("still put aside: %v", b.parked())
	}
}
