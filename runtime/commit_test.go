package runtime_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

// twin writes each text to two PStates, and reads what it wrote; a text that begins
// with "bad" fails after that, one that begins with "none" writes nothing.
type twin struct {
	Texts, Others module.Depot[string]
	A, B          pstate.Map[string, string]
}

var errBad = errors.New("bad")

func (m *twin) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	module.HashDepot(b, &m.Others, "others", func(v string) string { return v }, module.Text())
	s := b.Stream("twin")
	s.PState(&m.A, "a")
	s.PState(&m.B, "b")
	handle := func(ev *module.Event, v string) error {
		if strings.HasPrefix(v, "none") {
			return nil
		}
		m.A.Key(v).Set(ev, v)
		own, err := m.A.Key(v).Get(ev)
		if err != nil {
			return err
		}
		m.B.Key(v).Set(ev, own)
		if strings.HasPrefix(v, "bad") {
			return errBad
		}
		return nil
	}
	module.DeclareSource(s, m.Texts, handle, module.StartFromBeginning())
	module.DeclareSource(s, m.Others, handle, module.StartFromBeginning())
}

// hand drives a task by hand: every effect waits to be answered.
type hand struct {
	t      *testing.T
	engine *runtime.Task
	now    int64
}

func byHand(t *testing.T, m module.Module, options runtime.Options, more ...func(*runtime.Config)) *hand {
	t.Helper()
	return startByHand(t, taker(t, 1, m, options, more...))
}

// startByHand brings a task to run.
func startByHand(t *testing.T, engine *runtime.Task) *hand {
	t.Helper()
	h := &hand{t: t, engine: engine}
	h.run()
	return h
}

// run brings the task to run, and returns what it asks for then.
func (h *hand) run() *runtime.Effects {
	h.step(&runtime.Start{})
	e := h.step(&runtime.Taken{})
	e = h.step(&runtime.ReadDone{Reads: e.Reads})
	if len(e.Starts) > 0 {
		h.step(&runtime.StartsDone{Starts: make([]runtime.Started, len(e.Starts))})
	}
	return h.step(&runtime.CommitDone{})
}

func (h *hand) step(in runtime.Input) *runtime.Effects {
	h.now++
	return h.engine.Step(h.now, in)
}

// give hands over the records of a depot from an offset on.
func (h *hand) give(from string, offset int64, values ...string) *runtime.Effects {
	var all []depot.Record
	for i, v := range values {
		all = append(all, depot.Record{Offset: offset + int64(i), Value: []byte(v)})
	}
	return h.step(&runtime.Records{Depot: from, Generation: 1, Records: all})
}

// written lists the fields that a commit writes to a PState.
func written(b *store.Batch, name string) []string {
	var fields []string
	for _, c := range b.Changes {
		if !strings.HasSuffix(c.Table.Key, ":"+name) {
			continue
		}
		for _, w := range c.Writes {
			fields = append(fields, strings.Trim(w.Field, `"`))
		}
	}
	slices.Sort(fields)
	return fields
}

// promise 3.38, promise 3.39, promise 3.42, promise 3.43, promise 3.44, promise 3.45,
// promise 3.46, promise 3.63, promise 3.65, promise 3x.04, R7: a lone event is committed at once;
// those that come while a commit is under way wait in one queue, whichever depot they
// are from, and share the next one, which holds the writes to all PStates and the
// progress, and nothing of an event that failed.
func TestOneCommitHoldsABatch(t *testing.T) {
	t.Parallel()
	h := byHand(t, &twin{}, runtime.Options{})
	e := h.give("texts", 0, "x")
	if e.Commit == nil || !slices.Equal(written(e.Commit, "a"), []string{"x"}) || !slices.Equal(written(e.Commit, "b"), []string{"x"}) {
		t.Fatalf("the commit of a lone event: %+v", e.Commit)
	}
	if len(written(e.Commit, "$$__streaming-state-twin")) == 0 {
		t.Error("the commit holds no progress")
	}
	if e = h.give("texts", 1, "y", "bad", "z"); e.Commit != nil {
		t.Fatal("a second commit while the first is under way")
	}
	if e = h.give("others", 0, "o"); e.Commit != nil {
		t.Fatal("a second commit while the first is under way")
	}
	e = h.step(&runtime.CommitDone{})
	if e.Commit == nil {
		t.Fatal("no commit of what had gathered")
	}
	for _, name := range []string{"a", "b"} {
		if got := written(e.Commit, name); !slices.Equal(got, []string{"o", "y", "z"}) {
			t.Errorf("PState %s: the commit writes %v, want o, y and z", name, got)
		}
	}
}

// promise 3.98: a commit covers as many events as the option says at most.
func TestEventsPerBatch(t *testing.T) {
	t.Parallel()
	h := byHand(t, &twin{}, runtime.Options{MaxEventsPerBatch: 3})
	e := h.give("texts", 0, "a", "b", "c", "d", "e", "f", "g", "h")
	var sizes []int
	for e.Commit != nil {
		sizes = append(sizes, len(written(e.Commit, "a")))
		e = h.step(&runtime.CommitDone{})
	}
	if !slices.Equal(sizes, []int{3, 3, 2}) {
		t.Errorf("commits of %v events, want 3, 3 and 2", sizes)
	}
}

// promise 3.50, promise 3.95, promise 3.97, promise 3.62: where no data is committed
// the progress is, after so many records or so much time; what is done since then is
// not in the slot, and would run again.
func TestCheckpoints(t *testing.T) {
	t.Parallel()
	h := byHand(t, &twin{}, runtime.Options{CheckpointThreshold: 3, CheckpointPeriod: time.Second})
	if e := h.give("texts", 0, "none", "none"); e.Commit != nil {
		t.Fatal("a commit for two records that wrote nothing")
	}
	e := h.give("texts", 2, "none")
	if e.Commit == nil || len(e.Commit.Changes) != 1 || len(written(e.Commit, "$$__streaming-state-twin")) == 0 {
		t.Fatalf("after three records: %+v, want a commit of the progress alone", e.Commit)
	}
	h.step(&runtime.CommitDone{})
	e = h.give("texts", 3, "none")
	if e.Commit != nil || e.WakeAt == 0 {
		t.Fatalf("after one more record: commit %v, wake at %d", e.Commit, e.WakeAt)
	}
	for range 3 { // other timers may be earlier
		h.now = e.WakeAt
		if e = h.step(&runtime.Tick{}); e.Commit != nil {
			break
		}
	}
	if e.Commit == nil || h.now > int64(2*time.Second) {
		t.Errorf("after the period: %+v at %v", e.Commit, time.Duration(h.now))
	}
}

// promise 3.103: a task tracks so many acked appends; who comes then is told.
func TestAppendsThatWait(t *testing.T) {
	t.Parallel()
	h := byHand(t, &twin{}, runtime.Options{AwaitsMax: 2})
	for offset := range int64(3) {
		e := h.step(&runtime.Await{Depot: "texts", Offset: offset, Waiter: uint64(offset + 1)})
		if told := len(e.Answers) == 1 && e.Answers[0].Kind == runtime.AnswerThrottled && strings.Contains(e.Answers[0].Text, "depot.max.pending"); told != (offset == 2) {
			t.Errorf("append %d: answers %+v", offset, e.Answers)
		}
	}
}

// promise 3.89: who waits for a record is told at once that it has not begun when more
// records are before it than may be under way, though nothing is under way now.
func TestAppendsFarBehindAreTold(t *testing.T) {
	t.Parallel()
	h := byHand(t, &twin{}, runtime.Options{MaxExecutingPerTask: 3})
	told := func(e *runtime.Effects) bool {
		return len(e.Answers) == 1 && e.Answers[0].Kind == runtime.AnswerThrottled && strings.Contains(e.Answers[0].Text, "or offsets without one, are before it") && strings.Contains(e.Answers[0].Text, "topology.stream.max.executing.per.task = 3")
	}
	for offset := range int64(5) {
		if e := h.step(&runtime.Await{Depot: "texts", Offset: offset, Waiter: uint64(offset + 1)}); told(e) != (offset >= 3) {
			t.Errorf("append %d: answers %+v", offset, e.Answers)
		}
	}
	h.give("texts", 0, "none", "none")
	if e := h.step(&runtime.Await{Depot: "texts", Offset: 4, Waiter: 10}); len(e.Answers) > 0 {
		t.Errorf("with two done the fifth is told %+v", e.Answers)
	}
	if e := h.step(&runtime.Await{Depot: "texts", Offset: 5, Waiter: 11}); !told(e) {
		t.Errorf("with two done the sixth is not told: %+v", e.Answers)
	}
}

// promise 3.89: who has asked before the task runs is told the same, when it knows how far it is.
func TestAppendsFarBehindANewOwnerAreTold(t *testing.T) {
	t.Parallel()
	h := &hand{t: t, engine: taker(t, 1, &twin{}, runtime.Options{MaxExecutingPerTask: 3})}
	for offset := range int64(5) {
		if e := h.step(&runtime.Await{Depot: "texts", Offset: offset, Waiter: uint64(offset)}); len(e.Answers) > 0 {
			t.Errorf("before the task runs append %d is told %+v", offset, e.Answers)
		}
	}
	var told []uint64
	for _, a := range h.run().Answers {
		if a.Kind == runtime.AnswerThrottled {
			told = append(told, a.Waiter)
		}
	}
	if !slices.Equal(told, []uint64{3, 4}) {
		t.Errorf("told are %v, want those of records 3 and 4", told)
	}
}
