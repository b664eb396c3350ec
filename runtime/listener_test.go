package runtime_test

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

// reader reads, scans and writes as its record says: "2r 1s 3w" reads two elements,
// scans once and writes three.
type reader struct {
	Texts  module.Depot[string]
	Counts pstate.Map[int, int]
	Sorted pstate.SortedMap[int, int]
}

func (m *reader) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	s := b.Stream("reader")
	s.PState(&m.Counts, "counts")
	s.PState(&m.Sorted, "sorted")
	module.DeclareSource(s, m.Texts, func(ev *module.Event, v string) error {
		for word := range strings.FieldsSeq(v) {
			var n int
			var what byte
			if _, err := fmt.Sscanf(word, "%d%c", &n, &what); err != nil {
				return err
			}
			for i := range n {
				switch what {
				case 'r':
					if _, err := m.Counts.Key(i).Get(ev); err != nil {
						return err
					}
				case 'u':
					agg.Inc(ev, m.Counts.Key(i))
				case 'w':
					m.Sorted.Key(i).Set(ev, i)
				case 's':
					for _, err := range m.Sorted.Range(ev, pstate.All[int]()) {
						if err != nil {
							return err
						}
					}
				}
			}
		}
		return nil
	}, module.StartFromBeginning())
}

// answered reads what is asked for and goes on, as if the store held nothing.
func (h *hand) answered(e *runtime.Effects) *runtime.Effects {
	for len(e.Reads) > 0 {
		e = h.step(&runtime.ReadDone{Reads: slices.Clone(e.Reads)})
	}
	return e
}

// listening is byHand with a listener.
func listening(t *testing.T, m module.Module, l *runtime.Listener) *hand {
	t.Helper()
	h := &hand{t: t, engine: takerWith(t, 1, m, runtime.Options{}, l)}
	h.step(&runtime.Start{})
	e := h.step(&runtime.Taken{})
	e = h.step(&runtime.ReadDone{Reads: e.Reads})
	h.step(&runtime.StartsDone{Starts: make([]runtime.Started, len(e.Starts))})
	h.step(&runtime.CommitDone{})
	return h
}

// A listener hears what each event did with PStates, not what ran ahead of its turn; and
// of the round trips and commits that it took.
func TestAListenerHearsTheFigures(t *testing.T) {
	t.Parallel()
	var accesses []runtime.Accesses
	var fetched, execs, elements int
	var last runtime.BatchInfo
	var written []store.Change
	h := listening(t, &reader{}, &runtime.Listener{
		EventEnd: func(i runtime.EventInfo) {
			accesses = append(accesses, i.Accesses)
			if i.Source != "texts" || !i.Root {
				t.Errorf("an event of %+v", i)
			}
		},
		Fetched: func(i runtime.FetchInfo) { fetched++; elements += i.Elements },
		BatchSent: func(i runtime.BatchInfo) {
			execs++
			written = slices.Clone(i.Commit.Changes)
		},
		BatchCommitted: func(i runtime.BatchInfo) { last = i },
	})
	h.rest(h.answered(h.give("texts", 0, "2r", "2u", "3w 1s", "1s 1r 1u 1w")))
	want := []runtime.Accesses{
		{PointReads: 2},
		{PointReads: 2, Writes: 2},
		{RangeScans: 1, Elements: 3, Writes: 3},
		{PointReads: 2, RangeScans: 1, Elements: 3, Writes: 2},
	}
	if !slices.Equal(accesses, want) {
		t.Errorf("the events did %+v, want %+v", accesses, want)
	}
	if fetched == 0 || fetched > 3 || elements != 0 {
		t.Errorf("%d round trips that gave %d elements of an empty store", fetched, elements)
	}
	if execs != 2 || last.Events != 4 || last.Fields != 6 || len(written) != 3 || last.Pending != 0 || last.Queued != 0 {
		t.Errorf("%d commits with that of the opening, the last %+v of %d tables", execs, last, len(written))
	}
}

// A batch that has nothing to store is told of as committed, and not as sent.
func TestABatchWithoutACommit(t *testing.T) {
	t.Parallel()
	var log []string
	note := func(what string) func(runtime.BatchInfo) {
		return func(i runtime.BatchInfo) {
			log = append(log, fmt.Sprint(what, " ", i.Events, " ", i.Commit != nil))
		}
	}
	h := listening(t, &twin{}, &runtime.Listener{BatchSent: note("sent"), BatchCommitted: note("committed")})
	h.rest(h.give("texts", 0, "none"))
	h.rest(h.give("texts", 1, "x"))
	if want := []string{"sent 0 true", "committed 1 false", "sent 1 true", "committed 1 true"}; !slices.Equal(log, want) {
		t.Errorf("told %q, want %q", log, want)
	}
}

// Several listeners hear the same, in their order; each gets the trace of the one
// before; what nobody listens to stays unset.
func TestTee(t *testing.T) {
	t.Parallel()
	var log []string
	one := func(name string) *runtime.Listener {
		return &runtime.Listener{
			EventBegin: func(i runtime.EventInfo) *wire.Trace {
				return &wire.Trace{Parent: i.Trace.Parent + name}
			},
			EventEnd:   func(runtime.EventInfo) { log = append(log, name) },
			Panicked:   func(_ runtime.EventInfo, p *runtime.PanicError) { log = append(log, name+p.Value) },
			RecordDone: func(i runtime.RecordInfo) { log = append(log, name+i.Source) },
		}
	}
	both := runtime.Tee(one("a"), nil, one("b"), &runtime.Listener{})
	both.EventEnd(runtime.EventInfo{})
	both.Panicked(runtime.EventInfo{}, &runtime.PanicError{Value: "!"})
	both.RecordDone(runtime.RecordInfo{Source: "s"})
	if want := []string{"a", "b", "a!", "b!", "as", "bs"}; !slices.Equal(log, want) {
		t.Errorf("told %q, want %q", log, want)
	}
	if trace := both.EventBegin(runtime.EventInfo{Trace: &wire.Trace{Parent: "0"}}); trace.Parent != "0ab" {
		t.Errorf("the trace is %q", trace.Parent)
	}
	if both.BatchSent != nil || both.Fetched != nil || runtime.Tee(nil).EventEnd != nil {
		t.Error("a call that nobody listens to is set")
	}
}

// No field of a listener is forgotten.
func TestTeeHasEveryField(t *testing.T) {
	t.Parallel()
	var l runtime.Listener
	fields := reflect.ValueOf(&l).Elem()
	for i := range fields.NumField() {
		kind := fields.Type().Field(i).Type
		if kind.Kind() != reflect.Func {
			fields.Field(i).SetInt(5)
			continue
		}
		fields.Field(i).Set(reflect.MakeFunc(kind, func([]reflect.Value) []reflect.Value {
			var out []reflect.Value
			for n := range kind.NumOut() {
				out = append(out, reflect.Zero(kind.Out(n)))
			}
			return out
		}))
	}
	teed := reflect.ValueOf(runtime.Tee(&l, &l)).Elem()
	for i := range teed.NumField() {
		if teed.Field(i).IsZero() {
			t.Errorf("Tee forgets %s", teed.Type().Field(i).Name)
		}
	}
}

// What takes longer than counts as slow is told, whether it is one event, a tree, or a tree of
// an exactly-once stream; what is quick is not.
func TestSlowRecordsAreTold(t *testing.T) {
	t.Parallel()
	for name, m := range map[string]module.Module{
		"one event": &reader{}, "tree": &pausing{}, "exactly-once tree": &pausing{exactlyOnce: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, pause := range []time.Duration{0, 3 * time.Second} {
				var told []runtime.RecordInfo
				h := listening(t, m, &runtime.Listener{Slow: time.Second, TreeOver: func(i runtime.RecordInfo) { told = append(told, i) }})
				e := h.give("texts", 0, "1r")
				if len(e.Reads) == 0 {
					t.Fatal("its event does not wait for what it reads")
				}
				h.now += int64(pause)
				for e = h.answered(e); e.Commit != nil; {
					e = h.answered(h.step(&runtime.CommitDone{}))
				}
				if slow := pause > 0; slow != (len(told) == 1 && told[0].Slow && told[0].Took >= pause) || !slow && len(told) > 0 {
					t.Errorf("after %v told to be slow are %+v", pause, told)
				}
				if slow := pause > 0; slow && told[0].Alone != (name == "one event") {
					t.Errorf("that its event was alone is %v", told[0].Alone)
				}
			}
		})
	}
}
