package pstate_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/pstate"
)

type profile struct {
	pstate.Fixed[profile]
	Name    pstate.Value[string]
	Age     pstate.Value[*int]
	Friends pstate.SortedSet[string]
	Posts   pstate.List[string]
	Home    home
}

type home struct {
	pstate.Fixed[home]
	City  pstate.Value[string]
	Moved pstate.SortedMap[time.Time, string]
}

// promise 3.08: fixed keys are one structure per field, at any depth; values lie
// together, the others in tables of their own.
func TestFixedKeys(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var people pstate.MapOf[string, profile]
	var site profile
	b.declare(&people, "people")
	b.declare(&site, "site")
	at := time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC)
	b.do(func(w pstate.Writer) {
		ann := people.Key("ann")
		ann.Name.Set(w, "Ann")
		ann.Age.Set(w, nil)
		ann.Friends.Add(w, "bob")
		ann.Home.City.Set(w, "Rome")
		ann.Home.Moved.Key(at).Set(w, "Paris")
		people.Key("bob").Posts.Push(w, "hello")
		site.Name.Set(w, "here")
		site.Home.City.Set(w, "there")
	})
	b.commit()
	want := []string{"i:people/ann/Home/Moved", "p:people", "p:people/ann", "p:people/ann/Friends", "p:people/ann/Home", "p:people/ann/Home/Moved", "p:people/bob/Posts", "p:site", "p:site/Home"}
	if got := b.keys(); !slices.Equal(got, want) {
		t.Errorf("stored under %q, want %q", got, want)
	}
	c := b.client()
	name, err := people.Key("ann").Name.Get(c)
	got(t, "name", name, err, "Ann")
	city, err := people.Key("ann").Home.City.Get(c)
	got(t, "city", city, err, "Rome")
	city, err = site.Home.City.Get(c)
	got(t, "city of the site", city, err, "there")
	moved, err := people.Key("ann").Home.Moved.Key(at.In(time.FixedZone("", 3600))).Get(c)
	got(t, "moved", moved, err, "Paris")
	has, err := people.Has(c, "bob")
	got(t, "bob is there", has, err, true)
	b.do(func(w pstate.Writer) {
		people.Delete(w, "ann")
		people.Key("bob").Clear(w)
		site.Clear(w)
	})
	b.commit()
	if got := b.keys(); !slices.Equal(got, []string{"p:people"}) {
		t.Errorf("after deleting there is %q; want the keys of people, where bob is empty", got)
	}
}

// Present but nil is told from absent, in every place that a value has.
func TestNullValues(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var value pstate.Value[*int]
	var m pstate.Map[string, []int]
	var list pstate.List[map[string]int]
	b.declare(&value, "value")
	b.declare(&m, "map")
	b.declare(&list, "list")
	check := func(r pstate.Reader) {
		t.Helper()
		v, ok, err := value.Lookup(r)
		got(t, "value is there", ok && v == nil, err, true)
		e, ok, err := m.Key("nil").Lookup(r)
		got(t, "nil element is there", ok && e == nil, err, true)
		e, ok, err = m.Key("empty").Lookup(r)
		got(t, "empty element is there", ok && e != nil && len(e) == 0, err, true)
		_, ok, err = m.Key("none").Lookup(r)
		got(t, "no element", ok, err, false)
		n, err := m.Len(r)
		got(t, "elements", n, err, 2)
		l, ok, err := list.Get(r, 0)
		got(t, "nil in a list", ok && l == nil, err, true)
	}
	b.do(func(w pstate.Writer) {
		_, ok, err := value.Lookup(w)
		got(t, "nothing yet", ok, err, false)
		value.Set(w, nil)
		m.Key("nil").Set(w, nil)
		m.Key("empty").Set(w, []int{})
		list.Push(w, nil)
		check(w)
	})
	b.commit()
	check(b.client())
	b.take(b.slot.Tag)
	b.do(func(w pstate.Writer) { check(w) })
}

// A list is a stack, a queue, and has indexes.
func TestList(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var list pstate.List[string]
	b.declare(&list, "list")
	all := func(r pstate.Reader, span pstate.Span[int]) string {
		var out strings.Builder
		for e, err := range list.Range(r, span) {
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&out, "%d%s ", e.Key, e.Val)
		}
		return out.String()
	}
	b.do(func(w pstate.Writer) {
		list.Push(w, "b")
		list.Push(w, "c")
		list.PushFront(w, "a")
		list.Set(w, 1, "B")
	})
	b.commit()
	for _, r := range []pstate.Reader{b.client(), writer{b.view}} {
		b.view.Owner = owner
		for _, c := range []struct {
			span pstate.Span[int]
			want string
		}{
			{pstate.All[int](), "0a 1B 2c "}, {pstate.From(1), "1B 2c "}, {pstate.After(1), "2c "}, {pstate.To(1), "0a "}, {pstate.Through(1), "0a 1B "},
			{pstate.All[int]().Reverse(), "2c 1B 0a "}, {pstate.From(-5).Reverse().Limit(1), "2c "}, {pstate.Between(7, 9), ""},
			{pstate.After(math.MaxInt), ""}, {pstate.Through(math.MaxInt), "0a 1B 2c "}, {pstate.To(math.MinInt), ""}, {pstate.Between(2, 1), ""}, {pstate.Between(-3, -1), ""}, {pstate.All[int]().Limit(2), "0a 1B "},
		} {
			if got := all(r, c.span); got != c.want {
				t.Errorf("range %+v is %q, want %q", c.span, got, c.want)
			}
		}
	}
	b.do(func(w pstate.Writer) {
		v, ok := list.PopFront(w)
		got(t, "first", v, nil, "a")
		got(t, "there was one", ok, nil, true)
		v, _ = list.Pop(w)
		got(t, "last", v, nil, "c")
		_, ok, err := list.Get(w, 1)
		got(t, "index 1", ok, err, false)
		v, ok, err = list.Get(w, 0)
		got(t, "index 0", v, err, "B")
		got(t, "index 0 is there", ok, nil, true)
	})
	b.commit()
	n, err := list.Len(b.client())
	got(t, "length", n, err, 1)
	if err := b.event(owner, func(w pstate.Writer) { list.Set(w, 1, "x") }); !errors.Is(err, pstate.ErrIndex) || !strings.Contains(err.Error(), "index 1 of a list of 1") {
		t.Errorf("setting what is not there: %v", err)
	}
	b.do(func(w pstate.Writer) {
		list.Pop(w)
		_, ok := list.Pop(w)
		got(t, "an empty list gives", ok, nil, false)
	})
	b.commit()
	if keys := b.keys(); len(keys) > 0 {
		t.Errorf("an empty list leaves %q", keys)
	}
}

// R12: a list is written by absolute writes: the same commit twice is one.
func TestListIsWrittenAbsolutely(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var list pstate.List[int]
	b.declare(&list, "list")
	b.do(func(w pstate.Writer) {
		for i := range 3 {
			list.Push(w, i)
		}
	})
	b.commit()
	b.do(func(w pstate.Writer) { list.PopFront(w); list.Push(w, 3) })
	b.commit()
	again := b.last
	again.Head.Number++
	if err := b.session.Commit(t.Context(), &again); err != nil {
		t.Fatal(err)
	}
	n, err := list.Len(b.client())
	got(t, "length", n, err, 3)
	v, _, err := list.Get(b.client(), 2)
	got(t, "last", v, err, 3)
}

// A list of structures grows and shrinks at its end, and frees what it loses.
func TestListOf(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var rows pstate.ListOf[pstate.Map[string, int]]
	b.declare(&rows, "rows")
	b.do(func(w pstate.Writer) {
		rows.Push(w).Key("x").Set(w, 1)
		rows.Push(w) // empty
		rows.Push(w).Key("y").Set(w, 2)
	})
	b.commit()
	n, err := rows.Len(b.client())
	got(t, "length", n, err, 3)
	row, err := rows.At(b.client(), 2)
	if err != nil {
		t.Fatal(err)
	}
	y, err := row.Key("y").Get(b.client())
	got(t, "y of row 2", y, err, 2)
	for _, i := range []int{-1, 3} {
		if _, err := rows.At(b.client(), i); !errors.Is(err, pstate.ErrIndex) {
			t.Errorf("row %d: %v", i, err)
		}
	}
	b.do(func(w pstate.Writer) {
		got(t, "popped", rows.Pop(w), nil, true)
		got(t, "popped", rows.Pop(w), nil, true)
	})
	b.commit()
	if keys := b.keys(); !slices.Equal(keys, []string{"p:rows", "p:rows/a0"}) {
		t.Errorf("stored under %q", keys)
	}
}

// A key without a place in the order fails the event, or the read: nothing is stored
// under it.
func TestKeysWithoutForm(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var floats pstate.SortedMap[float64, int]
	var deep pstate.MapOf[time.Time, pstate.Set[float32]]
	b.declare(&floats, "floats")
	b.declare(&deep, "deep")
	nan, late := math.NaN(), time.Date(12345, 1, 1, 0, 0, 0, 0, time.UTC)
	for what, use := range map[string]func(w pstate.Writer) error{
		"set":           func(w pstate.Writer) error { floats.Key(nan).Set(w, 1); return nil },
		"get":           func(w pstate.Writer) error { _, err := floats.Key(nan).Get(w); return err },
		"nested":        func(w pstate.Writer) error { deep.Key(late).Add(w, 1); return nil },
		"nested inside": func(w pstate.Writer) error { deep.Key(time.Time{}).Add(w, float32(nan)); return nil },
		"delete":        func(w pstate.Writer) error { deep.Delete(w, late); return nil },
	} {
		var err error
		if failure := b.event(owner, func(w pstate.Writer) { err = use(w) }); !errors.Is(failure, pstate.ErrBadKey) || err != nil && !errors.Is(err, pstate.ErrBadKey) {
			t.Errorf("%s: the event fails with %v, the call with %v; want ErrBadKey", what, failure, err)
		}
	}
	for _, err := range floats.Range(b.client(), pstate.From(nan)) {
		if !errors.Is(err, pstate.ErrBadKey) {
			t.Errorf("range from NaN: %v", err)
		}
	}
	if _, err := deep.Key(late).Len(b.client()); !errors.Is(err, pstate.ErrBadKey) {
		t.Errorf("a client's read: %v", err)
	}
	b.commit()
	if keys := b.keys(); len(keys) > 0 {
		t.Errorf("stored under %q", keys)
	}
}

// Handles that were never declared say so, and do nothing.
func TestUndeclared(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var value pstate.Value[int]
	var people pstate.MapOf[string, profile]
	var list pstate.ListOf[pstate.List[int]]
	var times pstate.SortedSet[time.Time]
	for what, use := range map[string]func(w pstate.Writer){
		"value":  func(w pstate.Writer) { value.Set(w, 1) },
		"fixed":  func(w pstate.Writer) { people.Key("a").Name.Set(w, "x") },
		"delete": func(w pstate.Writer) { people.Delete(w, "a") },
		"list":   func(w pstate.Writer) { list.Push(w).Push(w, 1) },
		"set":    func(w pstate.Writer) { times.Add(w, time.Now()) },
		"range": func(w pstate.Writer) {
			for _, err := range times.Range(w, pstate.From(time.Now())) {
				if !errors.Is(err, pstate.ErrUndeclared) {
					t.Errorf("range: %v", err)
				}
			}
		},
	} {
		if err := b.event(owner, use); !errors.Is(err, pstate.ErrUndeclared) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
