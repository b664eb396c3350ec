package runtime_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
)

// tree is what all tasks together say of a record of task 0.
func (w *town) tree(offset int64) eventtree.Tree {
	w.t.Helper()
	q := eventtree.Query{Depot: "roots", Partition: 0, Offset: offset, Zero: time.Unix(0, 0)}
	var parts []eventtree.Part
	for _, c := range w.tasks {
		parts = append(parts, c.engine.Trees(q))
	}
	trees := eventtree.Merge(parts)
	if len(trees) != 1 {
		w.t.Fatalf("%d trees, want one: %+v", len(trees), trees)
	}
	return trees[0]
}

// says compares where a tree is, and what it waits for, with what is wanted.
func (w *town) says(what string, offset int64, state eventtree.State, waits string) eventtree.Tree {
	w.t.Helper()
	tree := w.tree(offset)
	if tree.State != state || !strings.Contains(tree.Waits, waits) || waits == "" && tree.Waits != "" {
		w.t.Errorf("%s: the tree is %s, waiting for %q; want %s, %q", what, tree.State, tree.Waits, state, waits)
	}
	return tree
}

// A record is found wherever it is: before it is read, while its events wait for a commit,
// are on their way, or fail, and when it is done.
func TestWhereARecordIs(t *testing.T) {
	t.Parallel()
	m := newBranches()
	m.do["leaf"] = failing(1)
	w := newTown(t, m, 2, runtime.Options{})
	first, second := w.tasks[0], w.tasks[1]
	w.says("before it came", 0, eventtree.Unread, "being read")
	first.give(0, node{At: 0, Name: "root", Below: []node{leaf(1, "leaf")}})
	tree := w.says("while its root commits", 0, eventtree.Open, "event next on task 1, which is leaving: commit ")
	if len(tree.Events) != 1 || tree.Events[0].Root || tree.Events[0].Source != "roots" {
		t.Errorf("events %+v, want the one that leaves", tree.Events)
	}
	first.commit()
	w.says("on its way", 0, eventtree.Open, "event next on task 1, which is hopping: task 1, which has not confirmed parcel 1")
	w.carry(0, 1)
	tree = w.says("after it failed", 0, eventtree.Open, "event next on task 1, which is retrying: the pause before attempt 2")
	if e := tree.Events[0]; e.Attempt != 2 || e.Next.IsZero() || e.Task != 1 || e.Worker != "here" {
		t.Errorf("the event is %+v, want one that is tried again", e)
	}
	if second.pending != nil {
		second.commit()
	}
	w.wait(1e9)
	w.settle()
	w.says("at the end", 0, eventtree.Done, "")
	w.rested()
}

// A record that may not begin says why.
func TestARecordThatMayNotBegin(t *testing.T) {
	t.Parallel()
	w := newTown(t, newBranches(), 2, runtime.Options{MaxExecutingPerTask: 1})
	w.tasks[0].give(0, node{At: 0, Name: "a", Below: []node{leaf(1, "b")}}, leaf(0, "c"), leaf(0, "d"))
	w.says("the second", 1, eventtree.Waiting, "the limit of topology.stream.max.executing.per.task")
	w.says("the third", 2, eventtree.Waiting, "1 records are before it")
	part := w.tasks[0].engine.Trees(eventtree.Query{List: 10})
	if len(part.Trees) != 1 || part.Trees[0].Offset != 0 {
		t.Errorf("listed %+v, want what is under way", part.Trees)
	}
}

// A record that is parked, or waits for its next attempt, has the reason.
func TestARecordThatFailed(t *testing.T) {
	t.Parallel()
	m := newBranches()
	m.do["bad"] = func(*module.Event) error { return errors.New("no luck") }
	m.do["worse"] = func(*module.Event) error { return module.Park(errors.New("no use")) }
	w := newTown(t, m, 1, runtime.Options{})
	w.tasks[0].give(0, leaf(0, "bad"), leaf(0, "worse"))
	tree := w.says("the one that failed", 0, eventtree.Retrying, "the pause before attempt 2")
	if tree.Error != "no luck" || tree.Attempt != 2 || tree.Next.IsZero() {
		t.Errorf("the tree is %+v, want the error and when it is tried again", tree)
	}
	w.says("the one that is being parked", 1, eventtree.Committing, "under way on task 0")
	w.settle()
	if tree = w.says("the one that is parked", 1, eventtree.Parked, ""); tree.Error != "no use" {
		t.Errorf("it is parked for %q", tree.Error)
	}
}

// watched looks at its own task from within its handler.
type watched struct {
	Texts module.Depot[string]
	look  func()
}

func (m *watched) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	module.DeclareSource(b.Stream("watched"), m.Texts, func(*module.Event, string) error {
		m.look()
		return nil
	}, module.StartFromBeginning())
}

// Which handler runs can be seen from outside, while it runs and not behind it.
func TestAHandlerIsSeenWhileItRuns(t *testing.T) {
	t.Parallel()
	m := &watched{}
	plan, err := module.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	var watch runtime.Watch
	handlers := runtime.NewHandlers(plan)
	var seen []eventtree.Handler
	m.look = func() {
		h, since, ok := watch.Handler(handlers)
		if !ok || since == 0 {
			t.Error("the handler that runs is not seen")
		}
		seen = append(seen, h)
	}
	h := &hand{t: t, engine: takerWith(t, 1, m, runtime.Options{}, nil, func(c *runtime.Config) { c.Watch = &watch })}
	h.step(&runtime.Start{})
	e := h.step(&runtime.Taken{})
	e = h.step(&runtime.ReadDone{Reads: e.Reads})
	h.step(&runtime.StartsDone{Starts: make([]runtime.Started, len(e.Starts))})
	h.step(&runtime.CommitDone{})
	h.rest(h.give("texts", 3, "one"))
	want := eventtree.Handler{Topology: "watched", Step: "texts", Root: true, Source: "texts", Attempt: 1, Record: eventtree.Record{Module: plan.Module, Depot: "texts", Offset: 3}}
	if len(seen) != 1 || seen[0] != want {
		t.Errorf("seen %+v, want %+v", seen, want)
	}
	if h, _, ok := watch.Handler(handlers); ok {
		t.Errorf("%v is seen, and none runs", h)
	}
}

// One in N records is followed, the same on every task; beside those, those that fail.
func TestWhichRecordsAreFollowed(t *testing.T) {
	t.Parallel()
	const many = 100_000
	n := 0
	for offset := range int64(many) {
		if runtime.Sampled(3, offset, 100) {
			n++
			if !runtime.Sampled(3, offset, 10) {
				t.Fatal("one in 100 is not one in 10")
			}
		}
		if !runtime.Sampled(3, offset, 1) || runtime.Sampled(3, offset, 0) {
			t.Fatal("of every one all are followed, of every 0 none")
		}
	}
	if n < many/100*8/10 || n > many/100*12/10 {
		t.Errorf("%d of %d are followed, want one in 100", n, many)
	}
	m := &twin{}
	var want, kept []int64
	var over int
	l := &runtime.Listener{
		Every:     2,
		EventKept: func(i runtime.EventInfo) { kept = append(kept, i.Offset) },
		TreeOver:  func(runtime.RecordInfo) { over++ },
	}
	h := listening(t, m, l)
	for offset := range int64(20) {
		if runtime.Sampled(0, offset, 2) {
			want = append(want, offset)
		}
	}
	for offset := range int64(20) {
		h.rest(h.give("texts", offset, "x"))
	}
	if len(want) == 0 || len(want) == 20 || !slices.Equal(kept, want) || over != len(want) {
		t.Errorf("followed %v, of which %d ended; want those of %v alone", kept, over, want)
	}
}
