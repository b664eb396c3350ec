package overlay

import (
	"testing"

	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/store"
)

// guessing is a view with a table of numbers, and a guess that is trusted.
func guessing(t *testing.T) (*View, *fields[int64], *Guess) {
	t.Helper()
	numbers, err := codec.JSON[int64]()
	if err != nil {
		t.Fatal(err)
	}
	v := New("{t}", 1)
	table := &Table{Table: store.Table{Key: "{t}:p:n", Kind: store.Map}}
	f := &fields[int64]{codec: &numbers, table: table}
	table.columns = []column{f}
	g := &Guess{}
	for range 1 + trustMin {
		v.Expect([]byte("own"))
		v.meets(f, "own")
		g.Ran(v)
	}
	return v, f, g
}

// An element that is foreseen is asked for once, like any other, and the answer is what events
// find; what is known already is not asked for.
func TestForesee(t *testing.T) {
	t.Parallel()
	v, f, g := guessing(t)
	for range 2 {
		if !v.Foresee(g, []byte("a")) {
			t.Fatal("an element that is not in memory is not asked for")
		}
	}
	reads := v.Reads(nil)
	if len(reads) != 1 || reads[0].Kind != store.Get || reads[0].Field != "a" || reads[0].Table.Key != "{t}:p:n" {
		t.Fatalf("it is asked for by %+v", reads)
	}
	reads[0].Found, reads[0].Value = true, "7"
	v.Supply(reads)
	if e := f.entries.get("a"); e == nil || e.n.flags&(loaded|present) != loaded|present || e.value != 7 {
		t.Errorf("what is found of it is %+v", e)
	}
	if v.Foresee(g, []byte("a")) || v.Foresee(g, nil) {
		t.Error("what is known, or has no key, is asked for")
	}
	if v.Pending() != 0 || v.Cached() != 1 {
		t.Errorf("%d reads are pending and %d elements cached, want 0 and 1", v.Pending(), v.Cached())
	}
}

// Nothing is foreseen of tables of which all is known, and of those that the view has forgotten.
func TestForeseeNothing(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*View, *Table){
		"all in memory": func(_ *View, t *Table) { t.whole = true },
		"dropped":       func(v *View, t *Table) { t.cleared = v.open },
		"forgotten":     func(_ *View, t *Table) { t.gone = true },
	} {
		v, f, g := guessing(t)
		change(v, f.table)
		if v.Foresee(g, []byte("a")) || v.Pending() != 0 || v.Cached() != 0 {
			t.Errorf("%s: an element is asked for", name)
		}
	}
}

// Trust ends with the next few events that do something else, and those without a key say nothing.
func TestTrust(t *testing.T) {
	t.Parallel()
	v, f, g := guessing(t)
	run := func(key, field string) {
		v.Expect([]byte(key))
		v.meets(f, field)
		g.Ran(v)
	}
	for range 100 {
		run("own", "own")
	}
	n := 0
	for ; v.Foresee(g, []byte("a")); n++ {
		run("", "other")
		run("own", "other")
	}
	if n != trustMax/trustWrong {
		t.Errorf("it was trusted until %d events did something else, want %d", n, trustMax/trustWrong)
	}
	for n = 0; !v.Foresee(g, []byte("a")); n++ {
		run("own", "own")
	}
	if n != trustMin {
		t.Errorf("it is trusted again after %d events, want %d", n, trustMin)
	}

	before := v.Expected()
	v.Expect([]byte("ahead"))
	v.ExpectAgain(before)
	g.Ran(v)
	if g.trust != trustMin+1 {
		t.Error("an event that ran ahead took the place of the one that waited for it")
	}
}
