package runtime_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

// relay writes each text down and appends it to another depot; a text that begins
// with "loose" without waiting, one that begins with "big" as a record that is too
// large, one that begins with "nowhere" to a partition that there is not.
type relay struct {
	Texts, Relayed module.Depot[string]
	Seen           pstate.Map[string, string]
	options        []module.SourceOption
	stream         []module.StreamOption
}

func (m *relay) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	module.HashDepot(b, &m.Relayed, "relayed", func(v string) string { return v }, module.Text(), module.DisallowAppends())
	s := b.Stream("relay", m.stream...)
	s.PState(&m.Seen, "seen")
	module.DeclareSource(s, m.Texts, m.onText, append(m.options, module.StartFromBeginning())...)
}

func (m *relay) onText(ev *module.Event, v string) error {
	m.Seen.Key(v).Set(ev, v)
	switch {
	case strings.HasPrefix(v, "loose"):
		m.Relayed.Emit(ev, v, module.Unawaited())
	case strings.HasPrefix(v, "big"):
		m.Relayed.Emit(ev, strings.Repeat("x", module.EmitBytesMax))
	case strings.HasPrefix(v, "many"):
		for range 13 {
			m.Relayed.Emit(ev, strings.Repeat("x", module.EmitBytesMax/3))
		}
	case strings.HasPrefix(v, "nowhere"):
		m.Relayed.EmitTo(ev, 7, v)
	case strings.HasPrefix(v, "bad"):
		m.Relayed.Emit(ev, v)
		return errBad
	default:
		m.Relayed.EmitTo(ev, ev.Task(), v)
	}
	return nil
}

// wait asks for the outcome of a record of the depot texts.
func (h *hand) wait(offset int64) *runtime.Effects {
	return h.step(&runtime.Await{Depot: "texts", Offset: offset, Waiter: uint64(offset) + 1})
}

// promise 3x.08, promise 4.04, promise 4.23, R30, R40: an append leaves after the
// commit of its event, to a depot that takes none of clients; the record is done
// when the log has it.
func TestAnAppendLeavesAfterTheCommit(t *testing.T) {
	t.Parallel()
	h := byHand(t, &relay{}, runtime.Options{})
	e := h.give("texts", 0, "a")
	if e.Commit == nil || len(e.Appends) != 0 {
		t.Fatalf("before the commit: commit %v, appends %v", e.Commit, e.Appends)
	}
	e = h.step(&runtime.CommitDone{})
	if len(e.Appends) != 1 || e.Appends[0].Depot != "relayed" || e.Appends[0].Partition != 0 || string(e.Appends[0].Record.Value) != "a" {
		t.Fatalf("after the commit the appends are %+v", e.Appends)
	}
	a := e.Appends[0]
	if h.engine.QueuedBytes() == 0 {
		t.Error("the append under way takes no memory")
	}
	if e = h.wait(0); len(e.Answers) != 0 {
		t.Fatalf("before the log has the append the appender is told %+v", e.Answers)
	}
	e = h.step(&runtime.AppendDone{ID: a.ID})
	if len(e.Answers) != 1 || e.Answers[0].Kind != runtime.AnswerDone {
		t.Fatalf("when the log has the append the appender is told %+v", e.Answers)
	}
	if n := h.engine.QueuedBytes(); n != 0 {
		t.Errorf("after the append %d bytes are queued", n)
	}
}

// promise 3x.06, R30, R20: an append that failed, or of which nobody knows, has the record run
// again; that is no fault of the handler and parks nothing.
func TestAFailedAppendRunsTheRecordAgain(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{depot.ErrNotAppended, depot.ErrUnknown} {
		t.Run(cause.Error(), func(t *testing.T) {
			t.Parallel()
			h := byHand(t, &relay{options: []module.SourceOption{module.MaxAttempts(1)}}, runtime.Options{})
			h.give("texts", 0, "a")
			e := h.step(&runtime.CommitDone{})
			for attempt := 2; attempt < 5; attempt++ {
				first := e.Appends[0].ID
				h.wait(0)
				e = h.step(&runtime.AppendDone{ID: first, Err: fmt.Errorf("%w: by the test", cause)})
				if len(e.Answers) != 1 || !e.Answers[0].WillRetry || !strings.Contains(e.Answers[0].Text, "append to depot relayed, partition 0") {
					t.Fatalf("the appender is told %+v", e.Answers)
				}
				h.now = e.WakeAt
				if e = h.step(&runtime.Tick{}); e.Commit == nil {
					t.Fatalf("attempt %d did not run: %+v", attempt, e)
				}
				if e = h.step(&runtime.CommitDone{}); len(e.Appends) != 1 || e.Appends[0].ID == first {
					t.Fatalf("attempt %d appends %+v", attempt, e.Appends)
				}
			}
		})
	}
}

// A record does not wait for an append that is not awaited, and its failure is told.
func TestAnUnawaitedAppend(t *testing.T) {
	t.Parallel()
	var told []runtime.AppendInfo
	h := listening(t, &relay{}, &runtime.Listener{AppendDone: func(i runtime.AppendInfo) { told = append(told, i) }})
	h.give("texts", 0, "loose")
	e := h.step(&runtime.CommitDone{})
	if h.finishAppends(e, depot.ErrNotAppended); len(told) != 1 || told[0].Err == nil || told[0].Awaited || told[0].Depot != "relayed" || told[0].Step != "texts" {
		t.Errorf("told of %+v", told)
	}
	if e = h.wait(0); len(e.Answers) != 1 || e.Answers[0].Kind != runtime.AnswerDone {
		t.Errorf("the appender is told %+v", e.Answers)
	}
}

// finishAppends answers all appends of a step.
func (h *hand) finishAppends(e *runtime.Effects, err error) *runtime.Effects {
	var ids []uint64
	for _, a := range e.Appends {
		ids = append(ids, a.ID)
	}
	for _, id := range ids {
		e = h.step(&runtime.AppendDone{ID: id, Err: err})
	}
	return e
}

// An event that fails appends nothing. What is too large parks its record at once,
// with the reason; a partition that there is not fails it.
func TestAppendsOfEventsThatFail(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]struct {
		kind runtime.AnswerKind
		text string
	}{
		"bad":     {runtime.AnswerFailed, "bad"},
		"nowhere": {runtime.AnswerFailed, "there is no partition 7; the depot has 0 to 0"},
		"big":     {runtime.AnswerParked, `append to depot "relayed": key, value and headers have`},
		"many":    {runtime.AnswerParked, "the appends of one event have"},
	} {
		t.Run(value, func(t *testing.T) {
			t.Parallel()
			h := byHand(t, &relay{}, runtime.Options{})
			e := h.give("texts", 0, value)
			if e.Commit != nil {
				e = h.step(&runtime.CommitDone{})
			}
			if len(e.Appends) != 0 {
				t.Errorf("appended %d records", len(e.Appends))
			}
			e = h.wait(0)
			if len(e.Answers) != 1 || e.Answers[0].Kind != want.kind || !strings.Contains(e.Answers[0].Text, want.text) {
				t.Errorf("the appender is told %+v, want kind %d, %q", e.Answers, want.kind, want.text)
			}
		})
	}
}

// What an append came to is of no interest to a later ownership period: the record
// runs again there. A task that finishes waits for its appends.
func TestAppendsOfAnEarlierPeriod(t *testing.T) {
	t.Parallel()
	h := byHand(t, &relay{}, runtime.Options{})
	h.give("texts", 0, "a", "loose")
	e := h.step(&runtime.CommitDone{})
	if len(e.Appends) != 2 {
		t.Fatalf("appends %+v", e.Appends)
	}
	old := e.Appends[0].ID
	h.give("texts", 2, "b")
	h.step(&runtime.CommitDone{Err: store.ErrFenced})
	if n := h.engine.QueuedBytes(); n != 0 {
		t.Errorf("%d bytes are queued after the connection was dropped", n)
	}
	if e = h.step(&runtime.AppendDone{ID: old}); len(e.Answers)+len(e.Appends) != 0 {
		t.Errorf("a late answer led to %+v", e)
	}
}

func TestFinishingWaitsForAppends(t *testing.T) {
	t.Parallel()
	h := byHand(t, &relay{}, runtime.Options{})
	h.give("texts", 0, "loose")
	e := h.step(&runtime.CommitDone{})
	id := e.Appends[0].ID
	if e = h.step(&runtime.Finish{}); e.Finished {
		t.Fatal("finished while an append is under way")
	}
	if e = h.step(&runtime.AppendDone{ID: id, Err: errors.New("lost")}); !e.Finished {
		t.Error("not finished when no append is under way")
	}
}

// An append carries the trace of its event on.
func TestAnAppendIsTraced(t *testing.T) {
	t.Parallel()
	h := byHand(t, &relay{}, runtime.Options{})
	h.step(&runtime.Records{Depot: "texts", Generation: 1, Records: []depot.Record{{Value: []byte("a"), Headers: []depot.Header{
		{Key: runtime.TraceParentHeader, Value: []byte("00-p")}, {Key: "other", Value: []byte("x")}, {Key: runtime.TraceStateHeader, Value: []byte("s")},
	}}}})
	e := h.step(&runtime.CommitDone{})
	got := fmt.Sprintf("%s", e.Appends[0].Record.Headers)
	if want := "[{traceparent 00-p} {tracestate s}]"; got != want {
		t.Errorf("the append's headers are %s, want %s", got, want)
	}
}
