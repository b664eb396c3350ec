package pstate_test

import (
	"errors"
	"fmt"
	"testing"

	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/store/memstore"
)

// asked counts what something reads from the store.
func asked(s *memstore.Store, do func()) memstore.Asked {
	before := s.Asked()
	do()
	after := s.Asked()
	return memstore.Asked{Reads: after.Reads - before.Reads, Elements: after.Elements - before.Elements}
}

// A structure of very many elements costs what is read of it: ranges read no more than
// they return, a length is one look, and emptying it one command.
func TestLargeStructuresCostWhatIsRead(t *testing.T) {
	t.Parallel()
	const many = 20_000
	b := newBench(t)
	var sorted pstate.SortedMap[int, int]
	var set pstate.SortedSet[int]
	var list pstate.List[int]
	var deep pstate.MapOf[string, pstate.SortedMap[int, int]]
	b.declare(&sorted, "sorted")
	b.declare(&set, "set")
	b.declare(&list, "list")
	b.declare(&deep, "deep")
	for i := 0; i < many; i += 1000 {
		b.do(func(w pstate.Writer) {
			for j := i; j < i+1000; j++ {
				sorted.Key(j).Set(w, j)
				set.Add(w, j)
				list.Push(w, j)
				deep.Key("a").Key(j).Set(w, j)
			}
		})
		b.commit()
	}
	count := func(n *int, limit int) func(pstate.Entry[int, int], error) bool {
		return func(_ pstate.Entry[int, int], err error) bool {
			if err != nil {
				t.Error(err)
			}
			*n++
			return *n < limit
		}
	}
	for name, c := range map[string]struct {
		read           func(r pstate.Reader)
		reads, element int // at most
	}{
		"get":            {func(r pstate.Reader) { _, _ = sorted.Key(many / 2).Get(r) }, 1, 1},
		"length":         {func(r pstate.Reader) { _, _ = sorted.Len(r); _, _ = set.Len(r); _, _ = deep.Key("a").Len(r) }, 3, 0},
		"list length":    {func(r pstate.Reader) { _, _ = list.Len(r) }, 1, 1},
		"list get":       {func(r pstate.Reader) { _, _, _ = list.Get(r, many/2) }, 2, 2},
		"limited range":  {func(r pstate.Reader) { n := 0; sorted.Range(r, pstate.From(many/2).Limit(10))(count(&n, many)) }, 1, 10},
		"reverse":        {func(r pstate.Reader) { n := 0; sorted.Range(r, pstate.All[int]().Reverse().Limit(1))(count(&n, many)) }, 1, 1},
		"left early":     {func(r pstate.Reader) { n := 0; sorted.Range(r, pstate.All[int]())(count(&n, 5)) }, 1, store.ElementsMax},
		"part of a list": {func(r pstate.Reader) { n := 0; list.Range(r, pstate.Between(500, 520))(count(&n, many)) }, 2, 21},
		"end of a list":  {func(r pstate.Reader) { n := 0; list.Range(r, pstate.All[int]().Reverse().Limit(3))(count(&n, many)) }, 2, store.ElementsMax + 1},
		"everything":     {func(r pstate.Reader) { n := 0; deep.Key("a").Range(r, pstate.All[int]())(count(&n, many+1)) }, many/store.ElementsMax + 1, many},
	} {
		b.take(b.slot.Tag) // nothing in memory
		cost := asked(b.store, func() { b.do(func(w pstate.Writer) { c.read(w) }) })
		if cost.Reads > c.reads || cost.Elements > c.element {
			t.Errorf("%s in an event costs %+v, at most %+v", name, cost, c)
		}
		cost = asked(b.store, func() { c.read(b.client()) })
		if cost.Reads > c.reads || cost.Elements > c.element {
			t.Errorf("%s by a client costs %+v, at most %+v", name, cost, c)
		}
	}
	b.take(b.slot.Tag)
	cost := asked(b.store, func() {
		b.do(func(w pstate.Writer) { sorted.Clear(w); set.Clear(w); list.Clear(w); deep.Delete(w, "a") })
	})
	b.commit()
	if writes := len(b.last.Changes); cost.Elements > 1 || writes > 5 {
		t.Errorf("emptying four structures reads %+v and writes %d tables", cost, writes)
	}
	if keys := b.keys(); len(keys) > 0 {
		t.Errorf("left behind: %q", keys)
	}
}

// Deleting many structures in one event has a bound, and goes in pieces.
func TestDeletingManyStructures(t *testing.T) {
	t.Parallel()
	const many = 10_500
	b := newBench(t)
	var trees pstate.MapOf[string, pstate.MapOf[int, profile]]
	b.declare(&trees, "trees")
	for i := 0; i < many; i += 1500 {
		b.do(func(w pstate.Writer) {
			for j := i; j < i+1500; j++ {
				trees.Key("big").Key(j).Name.Set(w, fmt.Sprint(j))
			}
		})
		b.commit()
	}
	b.do(func(w pstate.Writer) { trees.Key("small").Key(1).Friends.Add(w, "x") })
	b.commit()
	for what, drop := range map[string]func(w pstate.Writer){"Delete": func(w pstate.Writer) { trees.Delete(w, "big") }, "Clear": trees.Clear} {
		if err := b.event(owner, drop); !errors.Is(err, pstate.ErrTooMany) {
			t.Errorf("%s of %d structures: %v", what, many, err)
		}
	}
	n, err := trees.Key("big").Len(b.client())
	got(t, "keys after the failures", n, err, many)
	rounds := 0
	for done := false; !done; rounds++ {
		b.do(func(w pstate.Writer) { done = trees.DeletePart(w, "big", 4000) })
		b.commit()
		if tables := len(b.last.Changes); tables > 4001 {
			t.Errorf("one part wrote %d tables", tables)
		}
		if rounds > 100 {
			t.Fatal("the deletion does not come to an end")
		}
	}
	has, err := trees.Has(b.client(), "big")
	got(t, "the key is there", has, err, false)
	if keys := b.keys(); len(keys) != 3 { // trees, trees/small, trees/small/a1/Friends
		t.Errorf("left: %q", keys)
	}
	if rounds < 2 {
		t.Errorf("it took %d rounds", rounds)
	}
}
