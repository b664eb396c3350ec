package pstate_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// promise 3.40 promise 3.44: another topology reads what is committed: all writes of a
// batch at once, and none of the open one; its own topology reads its writes
// (promise 3.39).
func TestAnotherTopologyReadsWhatIsCommitted(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var value pstate.Value[int]
	var sorted pstate.SortedMap[int, int]
	var set pstate.Set[string]
	var list pstate.List[int]
	var deep pstate.MapOf[string, pstate.Map[string, int]]
	b.declare(&value, "value")
	b.declare(&sorted, "sorted")
	b.declare(&set, "set")
	b.declare(&list, "list")
	b.declare(&deep, "deep")
	see := func(r pstate.Reader) string {
		v, ok, err := value.Lookup(r)
		n, err1 := sorted.Len(r)
		has, err2 := set.Has(r, "x")
		length, err3 := list.Len(r)
		first, there, err4 := list.Get(r, 0)
		d, err5 := deep.Key("a").Key("b").Get(r)
		keys, err6 := deep.Len(r)
		out := fmt.Sprint(v, ok, " ", n, " ", has, " ", length, first, there, " ", d, keys, " ")
		for e, err := range sorted.Range(r, pstate.All[int]()) {
			out += fmt.Sprint(e, err)
		}
		for e, err := range list.Range(r, pstate.All[int]()) {
			out += fmt.Sprint(e, err)
		}
		if err := errors.Join(err, err1, err2, err3, err4, err5, err6); err != nil {
			t.Error(err)
		}
		return out
	}
	write := func(w pstate.Writer, n int) {
		value.Set(w, n)
		sorted.Key(n).Set(w, n)
		set.Add(w, "x")
		list.PushFront(w, n)
		deep.Key("a").Key("b").Set(w, n)
	}
	other := func() (seen string) {
		t.Helper()
		if err := b.event("other", func(w pstate.Writer) { seen = see(w) }); err != nil {
			t.Fatal(err)
		}
		return seen
	}
	want := func(how, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: sees %s, want %s", how, got, want)
		}
	}
	const nothing = "0 false 0 false 0 0 false 0 0 "
	want("at first", other(), nothing)
	b.do(func(w pstate.Writer) { write(w, 1) })
	want("while the batch is open", other(), nothing)
	b.do(func(w pstate.Writer) { write(w, 2) })
	want("after a second event of it", other(), nothing)
	b.commit()
	both := see(b.client())
	want("after the commit", other(), both)
	if !strings.Contains(both, "{1 1}") || !strings.Contains(both, "{2 2}") {
		t.Errorf("a client sees %s", both)
	}
	b.do(func(w pstate.Writer) {
		write(w, 3)
		sorted.Clear(w)
		list.Clear(w)
		deep.Delete(w, "a")
		if see(w) == both {
			t.Error("the owner does not see its own writes")
		}
	})
	want("while much is deleted", other(), both)
	b.commit()
	want("when it is deleted", other(), see(b.client()))
	if err := b.event("other", func(w pstate.Writer) { value.Set(w, 9) }); !errors.Is(err, pstate.ErrNotOwner) {
		t.Errorf("another topology wrote: %v", err)
	}
}

func TestPrivate(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var open, private pstate.SortedMap[string, int]
	b.declare(&open, "open")
	b.declare(&private, "private", pstate.Private())
	b.do(func(w pstate.Writer) {
		open.Key("a").Set(w, 1)
		private.Key("a").Set(w, 1)
		n, err := private.Key("a").Get(w)
		got(t, "the owner's read", n, err, 1)
	})
	b.commit()
	reads := map[string]func(m pstate.SortedMap[string, int], r pstate.Reader) error{
		"get": func(m pstate.SortedMap[string, int], r pstate.Reader) error { _, err := m.Key("a").Get(r); return err },
		"len": func(m pstate.SortedMap[string, int], r pstate.Reader) error { _, err := m.Len(r); return err },
		"range": func(m pstate.SortedMap[string, int], r pstate.Reader) (err error) {
			for _, err = range m.Range(r, pstate.All[string]()) {
			}
			return err
		},
	}
	for name, read := range reads {
		if err := read(open, b.client()); err != nil {
			t.Errorf("%s of an open PState: %v", name, err)
		}
		if err := read(private, b.client()); !errors.Is(err, pstate.ErrPrivate) {
			t.Errorf("a client's %s: %v", name, err)
		}
		if err := b.event("other", func(w pstate.Writer) { _ = read(private, w) }); !errors.Is(err, pstate.ErrPrivate) {
			t.Errorf("another topology's %s: %v", name, err)
		}
	}
}

// A global PState is used on task 0, and nowhere else.
func TestGlobal(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var total pstate.Value[int]
	var names pstate.Set[string]
	b.declare(&total, "total", pstate.Global())
	b.declare(&names, "names", pstate.Global())
	use := func(w pstate.Writer) {
		total.Update(w, func(n int) int { return n + 1 })
		names.Add(w, "x")
	}
	for id := range task.ID(3) {
		b.take(task.Tag("M", id, 3))
		err := b.event(owner, use)
		if (id == 0) != (err == nil) || id > 0 && !errors.Is(err, pstate.ErrNotHere) {
			t.Errorf("on task %d: %v", id, err)
		}
		if err := b.event(owner, func(w pstate.Writer) { _, _ = total.Get(w) }); (id == 0) != (err == nil) {
			t.Errorf("reading on task %d: %v", id, err)
		}
	}
}

func TestInitialValue(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var limit pstate.Value[int]
	b.declare(&limit, "limit", pstate.Initial(100))
	check := func(how string, r pstate.Reader, want int) {
		t.Helper()
		n, ok, err := limit.Lookup(r)
		got(t, how, n, err, want)
		got(t, how+": is there", ok, nil, true)
	}
	check("a client's, before anything", b.client(), 100)
	b.do(func(w pstate.Writer) {
		check("an event's", w, 100)
		if n := limit.Update(w, func(n int) int { return n + 1 }); n != 101 {
			t.Errorf("updated to %d", n)
		}
	})
	if err := b.event("other", func(w pstate.Writer) { check("another topology's, of the open batch", w, 100) }); err != nil {
		t.Error(err)
	}
	b.commit()
	check("a client's, after a write", b.client(), 101)
	b.do(func(w pstate.Writer) { limit.Delete(w); check("after Delete", w, 100) })
	b.commit()
	check("a client's, after Delete", b.client(), 100)
}

// promise 3.47: what the engine writes beside the view, its progress, is read anew in
// each batch.
func TestWrittenBesideTheView(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var progress pstate.Map[string, int]
	b.declare(&progress, "progress").Volatile = true
	for n := range 3 {
		b.head.Number++
		table := wire.PStateTable(b.slot.Tag, "progress", store.Map)
		change := store.Change{Table: table, Writes: []store.Write{{Field: "source", Value: strconv.Itoa(n)}}}
		if err := b.session.Commit(t.Context(), &store.Batch{Head: b.head, Changes: []store.Change{change}}); err != nil {
			t.Fatal(err)
		}
		if err := b.event("any", func(w pstate.Writer) {
			for range 2 {
				v, err := progress.Key("source").Get(w)
				got(t, "progress", v, err, n)
			}
		}); err != nil {
			t.Error(err)
		}
		b.commit()
	}
}
