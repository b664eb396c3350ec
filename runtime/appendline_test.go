package runtime_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// exact is relay as an exactly-once topology.
func exact() *relay { return &relay{stream: []module.StreamOption{module.ExactlyOnce()}} }

// table is what a commit writes to one of the task's own tables: field=value, -field.
func table(b *store.Batch, name string) []string {
	var writes []string
	for _, c := range b.Changes {
		if !strings.HasSuffix(c.Table.Key, "}:"+name) {
			continue
		}
		for _, w := range c.Writes {
			if w.Delete {
				writes = append(writes, "-"+w.Field)
			} else {
				writes = append(writes, w.Field+"="+w.Value)
			}
		}
	}
	return writes
}

// ids are the numbers of appends that leave, and what they say is known.
func ids(e *runtime.Effects) string {
	var all []string
	for _, a := range e.Appends {
		header := string(a.Record.Headers[len(a.Record.Headers)-1].Value)
		parts := strings.Split(header, " ")
		all = append(all, parts[4]+" known "+parts[5])
	}
	return strings.Join(all, ", ")
}

// R30: the appends of an exactly-once topology stand in the commit of their event,
// with the progress that its record is done. They leave after it, the first of a
// partition alone, and the appender is answered when the log has them. What failed
// is sent again, with all behind it, and the record does not run again.
func TestNumberedAppends(t *testing.T) {
	t.Parallel()
	h := byHand(t, exact(), runtime.Options{})
	e := h.give("texts", 0, "a", "b", "c")
	stored := table(e.Commit, "appends")
	if len(stored) != 2 || !strings.HasPrefix(stored[0], "relayed/0/1=") || !strings.HasPrefix(stored[1], "relayed/0=1 line=") || !strings.HasSuffix(stored[1], " last=3") {
		t.Fatalf("the commit stores the appends %q", stored)
	}
	if len(written(e.Commit, "$$__streaming-state-relay")) == 0 {
		t.Error("the commit holds no progress")
	}
	if len(e.Appends) != 0 {
		t.Error("appends leave before the commit")
	}
	e = h.step(&runtime.CommitDone{})
	if got := ids(e); got != "1 known 0" {
		t.Fatalf("after the commit leaves %q, want the first append alone", got)
	}
	first := e.Appends[0].ID
	h.wait(0)
	h.wait(2)
	e = h.step(&runtime.AppendDone{ID: first})
	if got := ids(e); got != "2 known 1, 3 known 1" {
		t.Fatalf("then leaves %q", got)
	}
	if len(e.Answers) != 1 || e.Answers[0].Waiter != 1 || e.Answers[0].Kind != runtime.AnswerDone {
		t.Errorf("answered %+v", e.Answers)
	}
	second, third := e.Appends[0].ID, e.Appends[1].ID
	h.step(&runtime.AppendDone{ID: second, Err: depot.ErrUnknown})
	if e = h.step(&runtime.AppendDone{ID: third}); len(e.Answers) != 0 || len(e.Appends) != 0 || e.WakeAt <= h.now {
		t.Fatalf("one is in doubt: answers %+v, appends %q, wakes at %d", e.Answers, ids(e), e.WakeAt)
	}
	h.now = e.WakeAt
	e = h.step(&runtime.Tick{})
	if got := ids(e); got != "2 known 1, 3 known 1" {
		t.Fatalf("sent again: %q", got)
	}
	if e.Commit != nil {
		t.Error("a record ran again")
	}
	e = h.finishAppends(e, nil)
	if len(e.Answers) != 1 || e.Answers[0].Waiter != 3 {
		t.Errorf("answered %+v", e.Answers)
	}
	if n := h.engine.QueuedBytes(); n != 0 {
		t.Errorf("%d bytes are queued", n)
	}
	e = h.give("texts", 3, "d")
	if got := table(e.Commit, "appends"); len(got) != 3 || got[0] != "-relayed/0/1" || !strings.HasPrefix(got[1], "relayed/0/4=") {
		t.Errorf("the next commit trims %q", got)
	}
}

// Without data what the log has is trimmed after the checkpoint period.
func TestAppendsAreTrimmed(t *testing.T) {
	t.Parallel()
	h := byHand(t, exact(), runtime.Options{})
	h.give("texts", 0, "a")
	e := h.finishAppends(h.step(&runtime.CommitDone{}), nil)
	if e.Commit != nil || e.WakeAt == 0 {
		t.Fatalf("a commit %v at once, or none planned (wakes at %d)", e.Commit, e.WakeAt)
	}
	h.now = e.WakeAt
	if e = h.step(&runtime.Tick{}); e.Commit == nil || fmt.Sprint(table(e.Commit, "appends")) != "[-relayed/0/1]" {
		t.Errorf("after the period the commit is %+v", e.Commit)
	}
}

// R30, R40: a new owner sends again what its slot holds, after its first commit, under
// the numbers that it had.
func TestANewOwnerSendsAppendsAgain(t *testing.T) {
	t.Parallel()
	m := exact()
	h := byHand(t, m, runtime.Options{})
	e := h.give("texts", 0, "a", "b")
	head := e.Commit.Head
	kept := elements(table(e.Commit, "appends"))
	next := &hand{t: t, engine: taker(t, 1, m, runtime.Options{})}
	next.step(&runtime.Start{})
	e = next.step(&runtime.Taken{Previous: head})
	for i := range e.Reads {
		if strings.HasSuffix(e.Reads[i].Table.Key, "}:appends") {
			e.Reads[i].Elements = kept
		}
	}
	e = next.step(&runtime.ReadDone{Reads: e.Reads})
	e = next.step(&runtime.StartsDone{Starts: make([]runtime.Started, len(e.Starts))})
	if len(e.Appends) != 0 || e.Commit == nil {
		t.Fatalf("before its first commit it sends %q", ids(e))
	}
	e = next.step(&runtime.CommitDone{})
	if got := ids(e); got != "1 known 0" || string(e.Appends[0].Record.Value) != "a" || !strings.HasSuffix(string(e.Appends[0].Record.Headers[0].Value), head.Mark.String()) {
		t.Fatalf("it sends %q: %+v", got, e.Appends)
	}
	if e = next.step(&runtime.AppendDone{ID: e.Appends[0].ID}); ids(e) != "2 known 1" {
		t.Errorf("then it sends %q", ids(e))
	}
}

func elements(writes []string) []store.Element {
	var all []store.Element
	for _, w := range writes {
		field, value, _ := strings.Cut(w, "=")
		all = append(all, store.Element{Field: field, Value: value})
	}
	return all
}

// What a slot holds and does not go together halts the task, and so do appends to a
// depot that the module does not have any more.
func TestStoredAppendsThatCannotBe(t *testing.T) {
	t.Parallel()
	h := byHand(t, exact(), runtime.Options{})
	good := elements(table(h.give("texts", 0, "a", "b").Commit, "appends"))
	for name, c := range map[string]struct {
		elements []store.Element
		want     string
	}{
		"a depot that is gone": {[]store.Element{{Field: "gone/0", Value: good[1].Value}, {Field: "gone/0/1", Value: good[0].Value}}, `depot "gone", which the module does not have any more`},
		"a hole":               {[]store.Element{{Field: "relayed/0", Value: "1 line=0000000a last=3"}, good[0]}, "they end with number 2, and 3 was given"},
		"garbage":              {[]store.Element{{Field: "relayed/0/1", Value: "x"}}, "stored append relayed/0/1"},
		"a line":               {[]store.Element{{Field: "relayed/0", Value: "x"}}, "stored append relayed/0"},
		"a field":              {[]store.Element{{Field: "relayed", Value: "x"}}, "want depot/partition"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			next := &hand{t: t, engine: taker(t, 1, exact(), runtime.Options{})}
			next.step(&runtime.Start{})
			e := next.step(&runtime.Taken{})
			for i := range e.Reads {
				if strings.HasSuffix(e.Reads[i].Table.Key, "}:appends") {
					e.Reads[i].Elements = c.elements
				}
			}
			if e = next.step(&runtime.ReadDone{Reads: e.Reads}); e.Halt == nil || !strings.Contains(e.Halt.Error(), c.want) {
				t.Errorf("halted with %v, want %q", e.Halt, c.want)
			}
		})
	}
}

// numbered makes a record that task 0 appended with a number.
func fromTask(offset int64, value string, number, known uint64, token byte) depot.Record {
	return depot.Record{Offset: offset, Value: []byte(value), Headers: []depot.Header{
		{Key: "coppice-append", Value: fmt.Appendf(nil, "1 relay 0 0000000a %d %d %032x/7", number, known, token)},
	}}
}

// R30: a source takes each numbered append once, and how far it has got stands in the
// commit with its progress. A header that is no such is a record like others.
func TestASourceDropsWhatItHas(t *testing.T) {
	t.Parallel()
	var dropped []string
	h := listening(t, exact(), &runtime.Listener{AppendDropped: func(i runtime.AppendDroppedInfo) {
		dropped = append(dropped, fmt.Sprintf("%d at %d early %t", i.Number, i.Offset, i.Early))
	}})
	strange := depot.Record{Offset: 6, Value: []byte("strange"), Headers: []depot.Header{{Key: "coppice-append", Value: []byte("what")}}}
	e := h.step(&runtime.Records{Depot: "texts", Generation: 1, Records: []depot.Record{
		fromTask(0, "one", 1, 0, 1), fromTask(1, "one", 1, 0, 1), fromTask(2, "three", 3, 1, 1), {Offset: 3, Value: []byte("plain")},
		fromTask(4, "two", 2, 1, 1), fromTask(5, "three", 3, 1, 1), strange,
	}})
	if got := fmt.Sprint(written(e.Commit, "seen")); got != "[one plain strange three two]" {
		t.Errorf("processed %s", got)
	}
	if got := fmt.Sprint(dropped); got != "[1 at 1 early false 3 at 2 early true]" {
		t.Errorf("dropped %s", got)
	}
	want := fmt.Sprintf("[relay/texts/0=1 line=0000000a last=3 periods=%032x:1]", 1)
	if got := fmt.Sprint(table(e.Commit, "senders")); got != want {
		t.Errorf("stored %s, want %s", got, want)
	}
}

// R31: a number that was given twice halts an exactly-once topology, or is told where
// the option says so.
func TestAnAppendThatWasGivenTwice(t *testing.T) {
	t.Parallel()
	records := []depot.Record{fromTask(0, "one", 1, 0, 1), fromTask(1, "two", 2, 1, 1), fromTask(2, "three", 3, 2, 1), fromTask(3, "other", 2, 1, 2), fromTask(4, "another", 3, 2, 2)}
	for _, choice := range []runtime.LostTail{runtime.LostTailByTopology, runtime.LostTailHalts, runtime.LostTailGoesOn} {
		t.Run(choice.String(), func(t *testing.T) {
			t.Parallel()
			var told []runtime.LostTailInfo
			engine := takerWith(t, 1, exact(), runtime.Options{LostTail: choice}, &runtime.Listener{LostTail: func(i runtime.LostTailInfo) { told = append(told, i) }})
			e := startByHand(t, engine).step(&runtime.Records{Depot: "texts", Generation: 1, Records: records})
			if len(told) == 0 || told[0].Offset != 3 || told[0].Records != 2 || told[0].From != 0 {
				t.Errorf("told %+v", told)
			}
			if halts := choice != runtime.LostTailGoesOn; (e.Halt != nil) != halts || halts && !strings.Contains(e.Halt.Error(), "the store lost commits of task 0") {
				t.Errorf("halted with %v", e.Halt)
			}
			if choice == runtime.LostTailGoesOn {
				if got := fmt.Sprint(written(e.Commit, "seen")); got != "[another one other three two]" {
					t.Errorf("processed %s", got)
				}
			}
		})
	}
}

// R30: an exactly-once topology writes to topics in transactions: whoever begins asks
// for the position of the last one first, and what is there is not written again.
func TestTopicsAreWrittenInTransactions(t *testing.T) {
	t.Parallel()
	h := byHand(t, sinking(), runtime.Options{})
	h.give("texts", 0, "a", "b")
	e := h.step(&runtime.CommitDone{})
	if e.OpenTopics != 1 || e.Transaction != nil || len(e.Appends) != 0 {
		t.Fatalf("after the commit: open %d, transaction %+v, appends %v", e.OpenTopics, e.Transaction, e.Appends)
	}
	h.wait(1)
	e = h.step(&runtime.TopicsOpened{Round: 1})
	first := e.Transaction
	if first == nil || len(first.Records) != 2 || first.Records[0].Topic != "out" || string(first.Records[1].Record.Value) != `"b"` || !strings.Contains(string(first.Position), " number=2 ") {
		t.Fatalf("the transaction is %+v", first)
	}
	h.give("texts", 2, "c")
	if e = h.step(&runtime.CommitDone{}); e.Transaction != nil {
		t.Fatal("a second transaction while one is under way")
	}
	e = h.step(&runtime.TransactionDone{Round: 1, Err: depot.ErrUnknown})
	if e.OpenTopics != 0 || len(e.Answers) != 0 || e.WakeAt <= h.now {
		t.Fatalf("of the first nobody knows: open %d, answers %v, wakes at %d", e.OpenTopics, e.Answers, e.WakeAt)
	}
	h.now = e.WakeAt
	if e = h.step(&runtime.Tick{}); e.OpenTopics != 2 {
		t.Fatalf("after the pause: open %d", e.OpenTopics)
	}
	if e = h.step(&runtime.TopicsOpened{Round: 1, Position: first.Position}); e.Transaction != nil {
		t.Fatal("an answer to an earlier opening was taken")
	}
	e = h.step(&runtime.TopicsOpened{Round: 2, Position: first.Position})
	if len(e.Answers) != 1 || e.Answers[0].Kind != runtime.AnswerDone {
		t.Errorf("the first is there: answered %+v", e.Answers)
	}
	if e.Transaction == nil || len(e.Transaction.Records) != 1 || string(e.Transaction.Records[0].Record.Value) != `"c"` {
		t.Fatalf("the next transaction is %+v", e.Transaction)
	}
	e = h.step(&runtime.TransactionDone{Round: 2})
	if n := h.engine.QueuedBytes(); n != 0 || e.Transaction != nil {
		t.Errorf("%d bytes are queued, transaction %+v", n, e.Transaction)
	}
}

// R31: a position ahead of the slot halts the task, but not before the slot has proved
// to be its own: a former owner finds what its successor has written.
func TestAPositionAheadOfTheSlot(t *testing.T) {
	t.Parallel()
	ahead := fmt.Appendf(nil, "1 line=%%08x number=7 commit=%032x/9", 3)
	for name, c := range map[string]struct {
		option runtime.LostTail
		heads  error
		halts  bool
		goesOn bool
	}{
		"halts":             {runtime.LostTailByTopology, nil, true, false},
		"goes on":           {runtime.LostTailGoesOn, nil, false, true},
		"a former owner":    {runtime.LostTailByTopology, store.ErrFenced, false, false},
		"another, that may": {runtime.LostTailGoesOn, store.ErrFenced, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var told []runtime.LostTailInfo
			h := startByHand(t, takerWith(t, 1, sinking(), runtime.Options{LostTail: c.option}, &runtime.Listener{LostTail: func(i runtime.LostTailInfo) { told = append(told, i) }}))
			e := h.give("texts", 0, "a")
			line := ""
			for _, w := range table(e.Commit, "appends") {
				if _, after, ok := strings.Cut(w, "*/0=1 line="); ok {
					line = after[:8]
				}
			}
			e = h.step(&runtime.CommitDone{})
			e = h.step(&runtime.TopicsOpened{Round: e.OpenTopics, Position: []byte(strings.Replace(string(ahead), "%08x", line, 1))})
			if e.Halt != nil || e.Transaction != nil || len(e.Heads) != 1 {
				t.Fatalf("before it has looked at its head: halt %v, transaction %v, heads %v", e.Halt, e.Transaction, e.Heads)
			}
			e = h.step(&runtime.HeadsDone{Tasks: e.Heads, Heads: make([]task.Head, 1), Err: c.heads})
			if (e.Halt != nil) != c.halts || (e.Transaction != nil) != c.goesOn || (len(told) == 1) != (c.heads == nil) {
				t.Errorf("halt %v, transaction %+v, told %+v", e.Halt, e.Transaction, told)
			}
			if len(told) == 1 && told[0].Records != 7 {
				t.Errorf("told of %d records, want 7", told[0].Records)
			}
		})
	}
}

// What a slot keeps for topics is written by the next owner.
func TestANewOwnerWritesTopics(t *testing.T) {
	t.Parallel()
	h := byHand(t, sinking(), runtime.Options{})
	e := h.give("texts", 0, "a")
	head, kept := e.Commit.Head, elements(table(e.Commit, "appends"))
	next := &hand{t: t, engine: taker(t, 1, sinking(), runtime.Options{})}
	next.step(&runtime.Start{})
	e = next.step(&runtime.Taken{Previous: head})
	for i := range e.Reads {
		if strings.HasSuffix(e.Reads[i].Table.Key, "}:appends") {
			e.Reads[i].Elements = kept
		}
	}
	e = next.step(&runtime.ReadDone{Reads: e.Reads})
	next.step(&runtime.StartsDone{Starts: make([]runtime.Started, len(e.Starts))})
	e = next.step(&runtime.CommitDone{})
	if e.OpenTopics == 0 {
		t.Fatal("it opens no transactions")
	}
	e = next.step(&runtime.TopicsOpened{Round: e.OpenTopics})
	if e.Transaction == nil || len(e.Transaction.Records) != 1 || e.Transaction.Records[0].Topic != "out" || string(e.Transaction.Records[0].Record.Value) != `"a"` {
		t.Errorf("it writes %+v", e.Transaction)
	}
}

// Without exactly once a topic is written like a depot.
func TestTopicsAtLeastOnce(t *testing.T) {
	t.Parallel()
	m := sinking()
	m.stream = nil
	h := byHand(t, m, runtime.Options{})
	e := h.give("texts", 0, "a") // there is nothing to commit
	if e.OpenTopics != 0 || len(e.Appends) != 1 || e.Appends[0].Topic != "out" || string(e.Appends[0].Record.Key) != "a" {
		t.Fatalf("open %d, appends %+v", e.OpenTopics, e.Appends)
	}
	id := e.Appends[0].ID
	h.wait(0)
	if e = h.step(&runtime.AppendDone{ID: id, Err: depot.ErrNotAppended}); len(e.Answers) != 1 || !strings.Contains(e.Answers[0].Text, "append to topic out") {
		t.Errorf("answered %+v", e.Answers)
	}
}

// sink writes each text to a topic.
type sink struct {
	Texts  module.Depot[string]
	Out    module.Topic[string]
	stream []module.StreamOption
}

func sinking() *sink { return &sink{stream: []module.StreamOption{module.ExactlyOnce()}} }

func (m *sink) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	module.DeclareKeyedTopic(b, &m.Out, "out", func(v string) string { return v })
	module.DeclareSource(b.Stream("sink", m.stream...), m.Texts, func(ev *module.Event, v string) error {
		m.Out.Emit(ev, v)
		return nil
	}, module.StartFromBeginning())
}
