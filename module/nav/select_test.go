package nav_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// order is a value with values in it.
type order struct {
	Item   string
	Amount int
	Tags   []string
	Prices map[string]int
}

// person is a structure of fixed keys.
type person struct {
	pstate.Fixed[person]
	Name    pstate.Value[string]
	Home    home
	Friends pstate.SortedSet[string]
}

type home struct {
	pstate.Fixed[home]
	City pstate.Value[string]
}

// town has a PState of every kind.
type town struct {
	*bench
	total  pstate.Value[int]
	counts pstate.Map[string, int]
	sorted pstate.MapOf[string, pstate.SortedMap[int, order]]
	set    pstate.Set[string]
	ages   pstate.SortedSet[int]
	list   pstate.List[int]
	rows   pstate.ListOf[pstate.List[string]]
	people pstate.MapOf[string, person]
}

func newTown(t testing.TB) *town {
	w := &town{bench: newBench(t)}
	for i, h := range []pstate.Schema{&w.total, &w.counts, &w.sorted, &w.set, &w.ages, &w.list, &w.rows, &w.people} {
		w.declare(h, fmt.Sprint("p", i))
	}
	return w
}

// fill writes the example that the tests below read.
func (m *town) fill() {
	m.do(func(w pstate.Writer) {
		m.total.Set(w, 7)
		m.counts.Key("a").Set(w, 1)
		for i := range 5 {
			m.sorted.Key("ann").Key(10*i).Set(w, order{fmt.Sprint("i", i), i, []string{"x", fmt.Sprint("t", i)}, map[string]int{"net": i, "all": i + 1}})
			m.ages.Add(w, i)
			m.list.Push(w, 3*i)
		}
		m.sorted.Key("bob").Key(20).Set(w, order{Item: "b"})
		m.set.Add(w, "s")
		m.rows.Push(w).Push(w, "r0")
		m.rows.Push(w).Push(w, "r1")
		ann := m.people.Key("ann")
		ann.Name.Set(w, "Ann")
		ann.Home.City.Set(w, "Rome")
		ann.Friends.Add(w, "bob")
		ann.Friends.Add(w, "cat")
		m.people.Key("bob").Name.Set(w, "Bob")
	})
}

// selected prints what a path leads to.
func selected[E, M any](r pstate.Reader, p nav.Path[nav.Root, E, M]) string {
	var out []string
	for e, err := range nav.Select(r, p) {
		if err != nil {
			return "error: " + err.Error()
		}
		out = append(out, fmt.Sprint(e))
	}
	return strings.Join(out, " ")
}

// Every navigator on every structure that it takes gives what Rama's does, for the
// owner's event, another topology's, and a client.
func TestSelect(t *testing.T) {
	t.Parallel()
	m := newTown(t)
	m.fill()
	ann := nav.Key(nav.From(m.sorted), "ann")
	items := func(o order) string { return o.Item }
	amount := func(o *order) *int { return &o.Amount }
	even := func(n int) bool { return n%2 == 0 }
	amounts := nav.Within(nav.MapVals(ann), amount)
	tags := func(o *order) *[]string { return &o.Tags }
	prices := func(o *order) *map[string]int { return &o.Prices }
	m.everywhere(func(how string, r pstate.Reader) {
		for _, c := range [][3]string{
			{"value", selected(r, nav.FromValue(m.total)), "7"},
			{"key", selected(r, nav.Key(nav.From(m.counts), "a")), "1"},
			{"absent key", selected(r, nav.Key(nav.From(m.counts), "x")), "0"},
			{"must", selected(r, nav.Must(nav.From(m.counts), "a")), "1"},
			{"absent must", selected(r, nav.Must(nav.From(m.counts), "x")), ""},
			{"absent structure", selected(r, nav.MapKeys(nav.Must(nav.From(m.sorted), "x"))), ""},
			{"handle", selected(r, nav.FromValue(m.sorted.Key("ann").Key(10))), "{i1 1 [x t1] map[all:2 net:1]}"},
			{"map keys", selected(r, nav.MapKeys(ann)), "0 10 20 30 40"},
			{"map vals", selected(r, nav.View(nav.MapVals(ann), items)), "i0 i1 i2 i3 i4"},
			{"map entries", selected(r, nav.MapEntries(nav.Key(nav.From(m.sorted), "bob"))), "{20 {b 0 [] map[]}}"},
			{"keys of structures", selected(r, nav.MapKeys(nav.From(m.sorted))), "ann bob"},
			{"vals of vals", selected(r, nav.View(nav.MapVals(nav.MapVals(nav.From(m.sorted))), items)), "i0 i1 i2 i3 i4 b"},
			{"elem", selected(r, nav.Elem(nav.From(m.set), "s")) + selected(r, nav.Elem(nav.From(m.set), "no")), "s"},
			{"elem of sorted", selected(r, nav.Elem(nav.From(m.ages), 3)) + selected(r, nav.Elem(nav.From(m.ages), 9)), "3"},
			{"all of a set", selected(r, nav.All(nav.From(m.ages))), "0 1 2 3 4"},
			{"all of a list", selected(r, nav.All(nav.From(m.list))), "0 3 6 9 12"},
			{"nth", selected(r, nav.Nth(nav.From(m.list), 1)), "3"},
			{"nth beyond", selected(r, nav.Nth(nav.From(m.list), 5)) + selected(r, nav.Nth(nav.From(m.list), -1)), ""},
			{"first", selected(r, nav.First(nav.From(m.list))) + selected(r, nav.First(nav.From(m.ages))), "00"},
			{"last", selected(r, nav.Last(nav.From(m.list))) + " " + selected(r, nav.Last(nav.From(m.ages))), "12 4"},
			{"rows", selected(r, nav.All(nav.All(nav.From(m.rows)))), "r0 r1"},
			{"last row", selected(r, nav.First(nav.Last(nav.From(m.rows)))), "r1"},
			{"nth row", selected(r, nav.Last(nav.Nth(nav.From(m.rows), 0))), "r0"},
			{"field", selected(r, nav.Field(nav.MapVals(nav.From(m.people)), func(p person) pstate.Value[string] { return p.Name })), "Ann Bob"},
			{"in", selected(r, nav.All(nav.In(nav.Key(nav.From(m.people), "ann"), func(p person) pstate.SortedSet[string] { return p.Friends }))), "bob cat"},
			{"in in", selected(r, nav.Field(nav.In(nav.Key(nav.From(m.people), "ann"), func(p person) home { return p.Home }), func(h home) pstate.Value[string] { return h.City })), "Rome"},
			{"within", selected(r, amounts), "0 1 2 3 4"},
			{"items", selected(r, nav.Items(nav.Within(nav.Key(ann, 10), tags))), "x t1"},
			{"item", selected(r, nav.Item(nav.Within(nav.Key(ann, 10), tags), -1)) + selected(r, nav.Item(nav.Within(nav.Key(ann, 10), tags), 2)), "t1"},
			{"items of nothing", selected(r, nav.Items(nav.Within(nav.Key(ann, 11), tags))), ""},
			{"vals", selected(r, nav.Vals(nav.Within(nav.Key(ann, 10), prices))), "2 1"},
			{"val", selected(r, nav.Val(nav.Within(nav.Key(ann, 10), prices), "net")), "1"},
			{"keys", selected(r, nav.Keys(nav.Within(nav.Key(ann, 10), prices))), "all net"},
			{"filter", selected(r, nav.Filter(amounts, even)), "0 2 4"},
			{"equal", selected(r, nav.FilterEqual(amounts, 2)) + selected(r, nav.FilterNotEqual(amounts, 2)), "20 1 3 4"},
			{"less", selected(r, nav.FilterLess(amounts, 2)) + "," + selected(r, nav.FilterLessOrEqual(amounts, 2)), "0 1,0 1 2"},
			{"greater", selected(r, nav.FilterGreater(amounts, 2)) + "," + selected(r, nav.FilterGreaterOrEqual(amounts, 2)), "3 4,2 3 4"},
			{"selected", selected(r, nav.MapKeys(nav.FilterSelected(nav.MapVals(nav.From(m.sorted)), nav.Must(nav.Inside[pstate.SortedMap[int, order]](), 10)))), "0 10 20 30 40"},
			{"not selected", selected(r, nav.MapKeys(nav.FilterNotSelected(nav.MapVals(nav.From(m.sorted)), nav.Must(nav.Inside[pstate.SortedMap[int, order]](), 10)))), "20"},
			{"null to val", selected(r, nav.NullToVal(nav.Key(nav.From(m.counts), "x"), 5)) + selected(r, nav.NullToVal(nav.Key(nav.From(m.counts), "a"), 5)), "51"},
			{"null to list", selected(r, nav.Items(nav.NullToVal(nav.Within(nav.MapVals(nav.Key(nav.From(m.sorted), "bob")), tags), []string{"none"}))), "none"},
			{"multi", selected(r, nav.Multi(nav.From(m.sorted), nav.View(nav.Key(nav.Key(nav.Inside[pstate.MapOf[string, pstate.SortedMap[int, order]]](), "bob"), 20), items), nav.View(nav.MapVals(nav.Key(nav.Inside[pstate.MapOf[string, pstate.SortedMap[int, order]]](), "ann")), items))), "b i0 i1 i2 i3 i4"},
			{"if", selected(r, nav.If(amounts, nav.Filter(nav.Here[int](), even), nav.View(nav.Here[int](), func(n int) string { return "even" }), nav.View(nav.Here[int](), func(n int) string { return fmt.Sprint(n) }))), "even 1 even 3 even"},
			{"if without else", selected(r, nav.If(amounts, nav.Filter(nav.Here[int](), even), nav.Here[int]())), "0 2 4"},
			{"subselect", selected(r, nav.Subselect(ann, nav.Within(nav.MapVals(nav.Inside[pstate.SortedMap[int, order]]()), amount))), "[0 1 2 3 4]"},
			{"collect", selected(r, nav.Collect(nav.Within(nav.MapVals(ann), tags), nav.Item(nav.Here[[]string](), 1))), "{[t0] [x t0]} {[t1] [x t1]} {[t2] [x t2]} {[t3] [x t3]} {[t4] [x t4]}"},
			{"custom", selected(r, nav.Custom(nav.FromValue(m.total), digits{})), "7"},
			{"stop", selected(r, nav.Stop(amounts)), ""},
			{"then", selected(r, nav.Then(ann, nav.Within(nav.MapVals(nav.Inside[pstate.SortedMap[int, order]]()), amount))), "0 1 2 3 4"},
			{"map range", selected(r, nav.MapKeys(nav.MapRange(ann, 10, 30))), "10 20"},
			{"map range from", selected(r, nav.MapKeys(nav.MapRangeFrom(ann, 15, 2))) + "," + selected(r, nav.MapKeys(nav.MapRangeFrom(ann, 30, 0))), "20 30,30 40"},
			{"map range to", selected(r, nav.MapKeys(nav.MapRangeTo(ann, 40, 2))) + "," + selected(r, nav.MapKeys(nav.MapRangeTo(ann, 20, 0))), "20 30,0 10"},
			{"map range ends", selected(r, nav.MapKeys(nav.MapRangeFromStart(ann, 2))) + "," + selected(r, nav.MapKeys(nav.MapRangeToEnd(ann, 2))), "0 10,30 40"},
			{"no map range", selected(r, nav.MapKeys(nav.MapRangeFromStart(ann, 0))) + selected(r, nav.MapKeys(nav.MapRangeToEnd(ann, 0))), ""},
			{"map span", selected(r, nav.MapKeys(nav.MapSpan(ann, pstate.After(10).Through(40).Reverse()))), "40 30 20"},
			{"range of structures", selected(r, nav.MapKeys(nav.MapVals(nav.MapRangeFrom(nav.From(m.sorted), "b", 0)))), "20"},
			{"range", selected(r, nav.All(nav.Range(nav.From(m.ages), 1, 3))) + "," + selected(r, nav.All(nav.Range(nav.From(m.list), 1, 3))), "1 2,3 6"},
			{"range to", selected(r, nav.All(nav.RangeTo(nav.From(m.ages), 4, 2))) + "," + selected(r, nav.All(nav.RangeTo(nav.From(m.list), 4, 2))), "2 3,6 9"},
			{"range ends", selected(r, nav.All(nav.RangeFromStart(nav.From(m.list), 2))) + "," + selected(r, nav.All(nav.RangeToEnd(nav.From(m.list), 2))), "0 3,9 12"},
			{"parts of several", selected(r, nav.MapKeys(nav.Items(nav.Subselect(nav.From(m.sorted), nav.MapRangeFrom(nav.MapVals(nav.Inside[pstate.MapOf[string, pstate.SortedMap[int, order]]]()), 5, 2))))), "10 20 20"},
			{"structures of several", selected(r, nav.MapKeys(nav.Items(nav.Subselect(nav.From(m.sorted), nav.MapVals(nav.Inside[pstate.MapOf[string, pstate.SortedMap[int, order]]]()))))), "0 10 20 30 40 20"},
			{"rows in range", selected(r, nav.All(nav.All(nav.RangeToEnd(nav.From(m.rows), 1)))) + selected(r, nav.All(nav.All(nav.RangeFromStart(nav.From(m.rows), 1)))), "r1r0"},
			{"ends of ranges", selected(r, nav.First(nav.RangeFrom(nav.From(m.ages), 2, 2))) + selected(r, nav.Last(nav.RangeFrom(nav.From(m.ages), 2, 2))) + selected(r, nav.First(nav.RangeToEnd(nav.From(m.ages), 2))) + selected(r, nav.Last(nav.RangeToEnd(nav.From(m.ages), 2))) + selected(r, nav.Last(nav.Range(nav.From(m.ages), 0, 3))), "23342"},
		} {
			if c[1] != c[2] {
				t.Errorf("%s: %s gives %q, want %q", how, c[0], c[1], c[2])
			}
		}
	})
}

// digits leads to the decimal digits of a number, from the last one.
type digits struct{}

func (digits) Select(n int, next func(int) bool) bool {
	for more := true; n > 0; n /= 10 {
		if more = next(n % 10); !more {
			return false
		}
	}
	return true
}

func (digits) Transform(n int, next func(int) (int, bool)) (out int) {
	for place := 1; n > 0; n /= 10 {
		if d, keep := next(n % 10); keep {
			out += d * place
			place *= 10
		}
	}
	return out
}

func TestSelectOne(t *testing.T) {
	t.Parallel()
	m := newTown(t)
	m.fill()
	m.everywhere(func(how string, r pstate.Reader) {
		if n, err := nav.SelectOne(r, nav.Nth(nav.From(m.list), 1)); err != nil || n != 3 {
			t.Errorf("%s: %d, %v", how, n, err)
		}
		if _, err := nav.SelectOne(r, nav.Nth(nav.From(m.list), 5)); !errors.Is(err, nav.ErrNone) {
			t.Errorf("%s: of nothing: %v", how, err)
		}
		if _, err := nav.SelectOne(r, nav.All(nav.From(m.list))); !errors.Is(err, nav.ErrMany) {
			t.Errorf("%s: of many: %v", how, err)
		}
		all, err := nav.SelectAll(r, nav.All(nav.From(m.list)))
		if err != nil || !slices.Equal(all, []int{0, 3, 6, 9, 12}) {
			t.Errorf("%s: all: %v, %v", how, all, err)
		}
	})
}

// Reads that cannot be end the sequence with the error of the handle, and fail an event.
func TestSelectErrors(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var private pstate.SortedMap[float64, int]
	var undeclared pstate.Map[string, int]
	b.declare(&private, "private", pstate.Private())
	nan := 0.0
	nan /= nan
	for _, c := range []struct {
		what string
		read func(r pstate.Reader) error
		want error
	}{
		{"private", func(r pstate.Reader) error { _, err := nav.SelectAll(r, nav.MapVals(nav.From(private))); return err }, pstate.ErrPrivate},
		{"undeclared", func(r pstate.Reader) error {
			_, err := nav.SelectOne(r, nav.Key(nav.From(undeclared), "x"))
			return err
		}, pstate.ErrUndeclared},
	} {
		if err := c.read(b.client()); !errors.Is(err, c.want) {
			t.Errorf("%s, a client: %v", c.what, err)
		}
		if err := b.event("other", func(w pstate.Writer) { _ = c.read(w) }); !errors.Is(err, c.want) {
			t.Errorf("%s, an event: %v", c.what, err)
		}
	}
	if err := b.event(owner, func(w pstate.Writer) {
		_, err := nav.SelectAll(w, nav.MapVals(nav.MapRangeFrom(nav.From(private), nan, 0)))
		if !errors.Is(err, pstate.ErrBadKey) {
			t.Errorf("a range from NaN: %v", err)
		}
		_, _ = nav.SelectOne(w, nav.Key(nav.From(private), nan))
	}); !errors.Is(err, pstate.ErrBadKey) {
		t.Errorf("a key without a form: %v", err)
	}
	if _, err := nav.SelectAll(b.client(), nav.Path[nav.Root, int, nav.Value]{}); err == nil {
		t.Error("a zero path leads somewhere")
	}
}
