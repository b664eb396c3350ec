package integration

import (
	"fmt"
	"slices"
	"testing"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// mark is a record of the school: marks of a pupil, from a number on.
type mark struct {
	Pupil       string
	From, Count int
}

// school keeps and changes its PStates along paths.
type school struct {
	name string

	Marks  module.Depot[mark]
	Double module.Depot[string] // a pupil whose even marks are doubled, and the last three deleted
	Kept   pstate.MapOf[string, pstate.SortedMap[int, int]]
	Latest pstate.MapOf[string, pstate.List[int]]
}

func (m *school) ModuleName() string { return m.name }

func (m *school) Define(b *module.Builder) {
	module.HashDepot(b, &m.Marks, "marks", func(v mark) string { return v.Pupil })
	module.HashDepot(b, &m.Double, "double", func(v string) string { return v })
	s := b.Stream("school")
	s.PState(&m.Kept, "kept")
	s.PState(&m.Latest, "latest")
	module.DeclareSource(s, m.Marks, func(ev *module.Event, v mark) error {
		for i := v.From; i < v.From+v.Count; i++ {
			nav.Set(ev, nav.Key(nav.Key(nav.From(m.Kept), v.Pupil), i), i)
			m.Latest.Key(v.Pupil).Push(ev, i)
		}
		return nil
	})
	module.DeclareSource(s, m.Double, func(ev *module.Event, pupil string) error {
		even := func(n int) bool { return n%2 == 0 }
		kept, latest := nav.Key(nav.From(m.Kept), pupil), nav.Key(nav.From(m.Latest), pupil)
		for _, all := range []nav.Path[nav.Root, int, nav.Value]{nav.MapVals(kept), nav.All(latest)} {
			nav.Update(ev, nav.Filter(all, even), func(n int) int { return 2 * n })
		}
		nav.Delete(ev, nav.MapVals(nav.MapRangeToEnd(kept, 3)))
		nav.Delete(ev, nav.All(nav.RangeToEnd(latest, 3)))
		return nil
	})
}

// promise 3.18: a client selects one element, a range, and everything, along a path: up
// to 1,000 elements of one moment, beyond that in pages with their commits. Handlers
// change what a path leads to.
func TestPaths(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &school{name: unique("School")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 2}); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if _, err := m.Marks.Append(t.Context(), c.Client(), mark{"ann", 500 * i, 500}); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := m.Double.Append(t.Context(), c.Client(), "ann"); err != nil {
			t.Fatal(err)
		}
		at := c.Client().At(t.Context())
		var want []int
		for i := range 1497 {
			if i%2 == 0 {
				i *= 2
			}
			want = append(want, i)
		}
		kept, latest := nav.Key(nav.From(m.Kept), "ann"), nav.Key(nav.From(m.Latest), "ann")
		for what, all := range map[string]nav.Path[nav.Root, int, nav.Value]{"map": nav.MapVals(kept), "list": nav.All(latest)} {
			var sizes []int
			var got []int
			for page, err := range nav.Pages(at, all) {
				if err != nil {
					t.Fatal(err)
				}
				sizes, got = append(sizes, len(page.Values)), append(got, page.Values...)
				if page.Commit.Number == 0 {
					t.Errorf("%s: a page of no commit", what)
				}
			}
			if !slices.Equal(sizes, []int{1000, 497}) || !slices.Equal(got, want) {
				t.Errorf("%s: pages of %d elements, as wanted: %t", what, sizes, slices.Equal(got, want))
			}
		}
		for what, path := range map[string]nav.Path[nav.Root, int, nav.Value]{
			"key":        nav.Key(kept, 100),
			"first":      nav.First(nav.RangeFrom(latest, 100, 0)),
			"last":       nav.Last(nav.RangeTo(latest, 101, 7)),
			"range to":   nav.MapVals(nav.MapRangeTo(kept, 101, 1)),
			"filter":     nav.FilterEqual(nav.MapVals(nav.MapRange(kept, 90, 110)), 200),
			"nth":        nav.Nth(latest, 100),
			"subselect":  nav.Item(nav.Subselect(kept, nav.MapVals(nav.MapRangeFromStart(nav.Inside[pstate.SortedMap[int, int]](), 101))), -1),
			"the handle": nav.FromValue(m.Kept.Key("ann").Key(100)),
		} {
			if n, err := nav.SelectOne(at, path); err != nil || n != 200 {
				t.Errorf("%s: %d, %v; want 200", what, n, err)
			}
		}
		type marks = pstate.SortedMap[int, int]
		three := nav.Multi(kept, nav.Key(nav.Inside[marks](), 100), nav.Key(nav.Inside[marks](), 2000), nav.MapVals(nav.MapRange(nav.Inside[marks](), 7, 10)))
		if all, err := nav.SelectAll(at, three); err != nil || !slices.Equal(all, []int{200, 0, 7, 16, 9}) {
			t.Errorf("several answers together: %v, %v", all, err)
		}
		if all, err := nav.SelectAll(at, nav.Must(kept, 1498)); err != nil || len(all) != 0 {
			t.Errorf("what was deleted: %s, %v", fmt.Sprint(all), err)
		}
	})
}
