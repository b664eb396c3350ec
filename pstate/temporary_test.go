package pstate_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/pstate"
)

// promise 13.14: a temporary PState has all structures and savepoints, never asks the store,
// and leaves nothing there; the next microbatch finds it empty.
func TestTemporary(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	asked := 0
	ask := b.view.Suspend
	b.view.Suspend = func() { asked++; ask() }
	declare := func(h pstate.Schema, name string) {
		d := &overlay.Decl{Module: "M", ID: len(b.decls), Name: name, Owner: owner, Temporary: true}
		if wrong := pstate.Declare(h, d, pstate.Private()); len(wrong) > 0 {
			t.Fatal(errors.Join(wrong...))
		}
		b.decls = append(b.decls, d)
	}
	var counts pstate.SortedMap[string, int]
	var people pstate.MapOf[string, profile]
	var one pstate.Value[int]
	declare(&counts, "counts")
	declare(&people, "people")
	declare(&one, "one")
	keys := func(w pstate.Writer) (all []string) {
		for e, err := range counts.Range(w, pstate.All[string]()) {
			if err != nil {
				t.Error(err)
			}
			all = append(all, e.Key)
		}
		return all
	}
	for microbatch := range 3 {
		b.do(func(w pstate.Writer) {
			if n, err := counts.Len(w); err != nil || n != 0 || keys(w) != nil {
				t.Errorf("microbatch %d begins with %d counts, error %v", microbatch, n, err)
			}
			n, there, err := one.Lookup(w)
			if err != nil || there {
				t.Errorf("microbatch %d begins with %d, error %v", microbatch, n, err)
			}
			has, err := people.Has(w, "ann")
			got(t, "ann is there", has, err, false)
			posts, err := people.Key("ann").Posts.Len(w)
			got(t, "ann's posts", posts, err, 0)
			counts.Key("b").Set(w, 1)
			one.Update(w, func(n int) int { return n + 1 })
			people.Key("ann").Posts.Push(w, "hello")
			people.Key("ann").Friends.Add(w, "bob")
		})
		failed := errors.New("no")
		if err := b.event(owner, func(w pstate.Writer) {
			counts.Key("c").Set(w, 1)
			counts.Key("b").Delete(w)
			people.Delete(w, "ann")
			one.Set(w, 7)
			b.view.Fail(failed)
		}); !errors.Is(err, failed) {
			t.Fatalf("the event ended with %v", err)
		}
		b.do(func(w pstate.Writer) {
			counts.Key("a").Set(w, 2)
			if all := keys(w); !slices.Equal(all, []string{"a", "b"}) {
				t.Errorf("the counts are %q", all)
			}
			n, err := one.Get(w)
			got(t, "one", n, err, 1)
			posts, err := people.Key("ann").Posts.Len(w)
			got(t, "ann's posts", posts, err, 1)
			counts.Clear(w)
			n, err = counts.Len(w)
			got(t, "counts after Clear", n, err, 0)
			counts.Key("z").Set(w, 3)
		})
		if dirty := b.view.Dirty(); dirty != 0 {
			t.Errorf("%d elements count as written", dirty)
		}
		b.commit()
		if stored := b.keys(); len(stored) > 0 || len(b.last.Changes) > 0 {
			t.Errorf("stored under %q: %+v", stored, b.last.Changes)
		}
		b.view.KeepOnly(owner)
	}
	if asked > 0 {
		t.Errorf("the store was asked %d times", asked)
	}
	if err := b.event("another", func(w pstate.Writer) { _, _ = one.Get(w) }); !errors.Is(err, pstate.ErrPrivate) {
		t.Errorf("another topology reads it: %v", err)
	}
}
