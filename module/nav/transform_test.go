package nav_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// Transforms change what a path leads to, and nothing else.
func TestTransform(t *testing.T) {
	t.Parallel()
	type own = pstate.SortedMap[int, order]
	double := func(n int) int { return 2 * n }
	even := func(n int) bool { return n%2 == 0 }
	amount := func(o *order) *int { return &o.Amount }
	tags := func(o *order) *[]string { return &o.Tags }
	prices := func(o *order) *map[string]int { return &o.Prices }
	whole := func(m *town) func(r pstate.Reader) string {
		return func(r pstate.Reader) string { return selected(r, nav.MapVals(nav.Key(nav.From(m.sorted), "ann"))) }
	}
	amounts := func(m *town) nav.Path[nav.Root, int, nav.Value] {
		return nav.Within(nav.MapVals(nav.Key(nav.From(m.sorted), "ann")), amount)
	}
	seeAmounts := func(m *town) func(r pstate.Reader) string {
		return func(r pstate.Reader) string { return selected(r, amounts(m)) }
	}
	list := func(m *town) func(r pstate.Reader) string {
		return func(r pstate.Reader) string { return selected(r, nav.All(nav.From(m.list))) }
	}
	ages := func(m *town) func(r pstate.Reader) string {
		return func(r pstate.Reader) string { return selected(r, nav.All(nav.From(m.ages))) }
	}
	counts := func(m *town) func(r pstate.Reader) string {
		return func(r pstate.Reader) string {
			return selected(r, nav.Must(nav.From(m.counts), "a")) + "," + selected(r, nav.Must(nav.From(m.counts), "x"))
		}
	}
	total := func(m *town) func(r pstate.Reader) string {
		return func(r pstate.Reader) string { return selected(r, nav.FromValue(m.total)) }
	}
	for _, c := range []struct {
		what string
		do   func(m *town, w pstate.Writer)
		see  func(m *town) func(r pstate.Reader) string
		want string
	}{
		{"set a key", func(m *town, w pstate.Writer) { nav.Set(w, nav.Key(nav.From(m.counts), "x"), 9) }, counts, "1,9"},
		{"update an absent key", func(m *town, w pstate.Writer) {
			nav.Update(w, nav.Key(nav.From(m.counts), "x"), func(n int) int { return n + 1 })
		}, counts, "1,1"},
		{"update with must", func(m *town, w pstate.Writer) { nav.Update(w, nav.Must(nav.From(m.counts), "x"), double) }, counts, "1,"},
		{"null to val", func(m *town, w pstate.Writer) {
			nav.Update(w, nav.NullToVal(nav.Key(nav.From(m.counts), "x"), 5), double)
		}, counts, "1,10"},
		{"delete a key", func(m *town, w pstate.Writer) { nav.Delete(w, nav.Key(nav.From(m.counts), "a")) }, counts, ","},
		{"a part of a slice", func(m *town, w pstate.Writer) {
			part := nav.Slice(nav.Within(nav.Key(nav.Key(nav.From(m.sorted), "ann"), 1), tags), 0, 1)
			nav.Update(w, part, func(s []string) []string { return []string{"n", "m"} })
		}, func(m *town) func(r pstate.Reader) string {
			return func(r pstate.Reader) string {
				return fmt.Sprint(selected(r, nav.Items(nav.Slice(nav.Within(nav.Key(nav.Key(nav.From(m.sorted), "ann"), 1), tags), 0, 2))), selected(r, nav.Slice(nav.Within(nav.Key(nav.Key(nav.From(m.sorted), "ann"), 1), tags), 9, 9)))
			}
		}, "n m"},
		{"a key of a Go map", func(m *town, w pstate.Writer) {
			own := nav.Within(nav.Key(nav.Key(nav.From(m.sorted), "zoe"), 1), prices)
			nav.Set(w, nav.Val(own, "x"), 3)
			nav.Set(w, nav.ValKey(own, "x"), "y")
			nav.Set(w, nav.ValKey(own, "none"), "z")
		}, func(m *town) func(r pstate.Reader) string {
			return func(r pstate.Reader) string {
				own := nav.Within(nav.Key(nav.Key(nav.From(m.sorted), "zoe"), 1), prices)
				return selected(r, nav.Keys(own)) + "=" + selected(r, nav.Vals(own)) + selected(r, nav.ValKey(own, "y"))
			}
		}, "y=3y"},
		{"an index that is not", func(m *town, w pstate.Writer) {
			nav.Set(w, nav.Index(nav.From(m.list), 99), 0)
			nav.Set(w, nav.MapKey(nav.From(m.counts), "none"), "a")
		}, counts, "1,"},
		{"a value", func(m *town, w pstate.Writer) { nav.Update(w, nav.FromValue(m.total), double) }, total, "14"},
		{"custom", func(m *town, w pstate.Writer) {
			m.total.Set(w, 1234)
			nav.Update(w, nav.Filter(nav.Custom(nav.FromValue(m.total), digits{}), even), double)
		}, total, "1438"}, // 1 4 3 8
		{"custom, removed", func(m *town, w pstate.Writer) {
			m.total.Set(w, 1234)
			nav.Delete(w, nav.Filter(nav.Custom(nav.FromValue(m.total), digits{}), even))
		}, total, "13"},
		{"within", func(m *town, w pstate.Writer) { nav.Update(w, amounts(m), func(n int) int { return n + 10 }) }, seeAmounts, "10 11 12 13 14"},
		{"filtered", func(m *town, w pstate.Writer) { nav.Set(w, nav.Filter(amounts(m), even), 7) }, seeAmounts, "7 1 7 3 7"},
		{"a field is zero when deleted", func(m *town, w pstate.Writer) { nav.Delete(w, nav.FilterGreater(amounts(m), 2)) }, seeAmounts, "0 1 2 0 0"},
		{"entries of a range", func(m *town, w pstate.Writer) {
			nav.Delete(w, nav.MapVals(nav.MapRange(nav.Key(nav.From(m.sorted), "ann"), 10, 30)))
		}, seeAmounts, "0 3 4"},
		{"the last entries", func(m *town, w pstate.Writer) {
			nav.Update(w, nav.Within(nav.MapVals(nav.MapRangeToEnd(nav.Key(nav.From(m.sorted), "ann"), 2)), amount), double)
		}, seeAmounts, "0 1 2 6 8"},
		{"into a value, twice", func(m *town, w pstate.Writer) {
			one := nav.Key(nav.Key(nav.From(m.sorted), "ann"), 10)
			nav.Update(w, nav.Multi(one, nav.Within(nav.Here[order](), amount), nav.Val(nav.Within(nav.Here[order](), prices), "net"), nav.Val(nav.Within(nav.Here[order](), prices), "new")), func(n int) int { return n + 5 })
			nav.Delete(w, nav.FilterEqual(nav.Items(nav.Within(nav.MapVals(nav.Key(nav.From(m.sorted), "ann")), tags)), "x"))
			nav.Delete(w, nav.MapVals(nav.MapRangeFrom(nav.Key(nav.From(m.sorted), "ann"), 20, 0)))
			nav.Delete(w, nav.MapVals(nav.MapRangeFromStart(nav.Key(nav.From(m.sorted), "ann"), 1)))
			nav.Delete(w, nav.Val(nav.Within(one, prices), "all"))
		}, whole, "{i1 6 [t1] map[net:6 new:5]}"},
		{"items", func(m *town, w pstate.Writer) {
			one := nav.Within(nav.Key(nav.Key(nav.From(m.sorted), "ann"), 10), tags)
			nav.Update(w, nav.Items(one), func(s string) string { return s + s })
			nav.Delete(w, nav.Item(one, 0))
			nav.Delete(w, nav.MapVals(nav.MapSpan(nav.Key(nav.From(m.sorted), "ann"), pstate.After(10))))
			nav.Delete(w, nav.Key(nav.Key(nav.From(m.sorted), "ann"), 0))
		}, whole, "{i1 1 [t1t1] map[all:2 net:1]}"},
		{"subselect", func(m *town, w pstate.Writer) {
			nav.Update(w, nav.Subselect(nav.Key(nav.From(m.sorted), "ann"), nav.Filter(nav.Within(nav.MapVals(nav.Inside[own]()), amount), even)), func(all []int) []int {
				slices.Reverse(all)
				return all
			})
		}, seeAmounts, "4 1 2 3 0"},
		{"if", func(m *town, w pstate.Writer) {
			nav.Update(w, nav.If(amounts(m), nav.FilterEqual(nav.Here[int](), 3), nav.Here[int](), nav.FilterEqual(nav.Here[int](), 1)), func(n int) int { return -n })
		}, seeAmounts, "0 -1 2 -3 4"},
		{"list elements", func(m *town, w pstate.Writer) { nav.Update(w, nav.Filter(nav.All(nav.From(m.list)), even), double) }, list, "0 3 12 9 24"},
		{"nth", func(m *town, w pstate.Writer) { nav.Set(w, nav.Nth(nav.From(m.list), 1), -1) }, list, "0 -1 6 9 12"},
		{"last", func(m *town, w pstate.Writer) { nav.Set(w, nav.Last(nav.From(m.list)), -1) }, list, "0 3 6 9 -1"},
		{"delete of a list", func(m *town, w pstate.Writer) { nav.Delete(w, nav.Filter(nav.All(nav.From(m.list)), even)) }, list, "3 9"},
		{"delete the first of a list", func(m *town, w pstate.Writer) { nav.Delete(w, nav.First(nav.From(m.list))) }, list, "3 6 9 12"},
		{"delete the nth of a list", func(m *town, w pstate.Writer) { nav.Delete(w, nav.Nth(nav.From(m.list), 3)) }, list, "0 3 6 12"},
		{"delete the last two of a list", func(m *town, w pstate.Writer) { nav.Delete(w, nav.All(nav.RangeToEnd(nav.From(m.list), 2))) }, list, "0 3 6"},
		{"delete from behind", func(m *town, w pstate.Writer) {
			nav.Delete(w, nav.All(nav.Span(nav.From(m.list), pstate.To(3).Reverse())))
		}, list, "9 12"},
		{"empty a list", func(m *town, w pstate.Writer) { nav.Delete(w, nav.All(nav.From(m.list))) }, list, ""},
		{"clear a list", func(m *town, w pstate.Writer) { nav.Delete(w, nav.From(m.list)) }, list, ""},
		{"set elements", func(m *town, w pstate.Writer) {
			nav.Update(w, nav.All(nav.From(m.ages)), func(n int) int { return n + 1 })
		}, ages, "1 2 3 4 5"},
		{"an element of a set", func(m *town, w pstate.Writer) { nav.Set(w, nav.Elem(nav.From(m.ages), 2), 20) }, ages, "0 1 3 4 20"},
		{"no element of a set", func(m *town, w pstate.Writer) { nav.Set(w, nav.Elem(nav.From(m.ages), 9), 20) }, ages, "0 1 2 3 4"},
		{"delete of a set", func(m *town, w pstate.Writer) { nav.Delete(w, nav.All(nav.Range(nav.From(m.ages), 1, 3))) }, ages, "0 3 4"},
		{"a structure", func(m *town, w pstate.Writer) { nav.Delete(w, nav.Key(nav.From(m.sorted), "ann")) }, whole, ""},
		{"structures", func(m *town, w pstate.Writer) { nav.Delete(w, nav.MapVals(nav.From(m.sorted))) }, func(m *town) func(pstate.Reader) string {
			return func(r pstate.Reader) string { return selected(r, nav.MapKeys(nav.From(m.sorted))) }
		}, ""},
		{"fixed keys", func(m *town, w pstate.Writer) {
			nav.Set(w, nav.Field(nav.MapVals(nav.From(m.people)), func(p person) pstate.Value[string] { return p.Name }), "X")
			nav.Delete(w, nav.In(nav.MapVals(nav.From(m.people)), func(p person) pstate.SortedSet[string] { return p.Friends }))
		}, func(m *town) func(pstate.Reader) string {
			return func(r pstate.Reader) string {
				return selected(r, nav.Field(nav.MapVals(nav.From(m.people)), func(p person) pstate.Value[string] { return p.Name })) + "," + selected(r, nav.All(nav.In(nav.MapVals(nav.From(m.people)), func(p person) pstate.SortedSet[string] { return p.Friends })))
			}
		}, "X X,"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			for _, cold := range []bool{false, true} {
				m := newTown(t)
				m.fill()
				if cold {
					m.commit()
					m.take()
				}
				m.do(func(w pstate.Writer) { c.do(m, w) })
				m.everywhere(func(how string, r pstate.Reader) {
					if got := c.see(m)(r); got != c.want {
						t.Errorf("%s, from the store %t: %q, want %q", how, cold, got, c.want)
					}
				})
			}
		})
	}
}

// What a transform cannot do fails its event, and nothing of it is stored.
func TestTransformErrors(t *testing.T) {
	t.Parallel()
	m := newTown(t)
	m.fill()
	m.commit()
	lists := nav.From(m.list)
	if err := m.event(owner, func(w pstate.Writer) {
		nav.Update(w, nav.Subselect(lists, nav.All(nav.Inside[pstate.List[int]]())), func(all []int) []int { return all[:2] })
	}); !errors.Is(err, nav.ErrCount) {
		t.Errorf("fewer elements than were selected: %v", err)
	}
	computed := nav.Then(nav.View(nav.All(lists), func(n int) int { return n + 1 }), nav.Here[int]())
	if err := m.event(owner, func(w pstate.Writer) { nav.Set(w, computed, 1) }); !errors.Is(err, nav.ErrRead) {
		t.Errorf("what was computed: %v", err)
	}
	if err := m.event("other", func(w pstate.Writer) { nav.Set(w, nav.All(lists), 1) }); !errors.Is(err, pstate.ErrNotOwner) {
		t.Errorf("another topology: %v", err)
	}
	for _, to := range []int{-1, 5} {
		if err := m.event(owner, func(w pstate.Writer) { nav.Set(w, nav.Index(lists, 1), to) }); !errors.Is(err, pstate.ErrIndex) {
			t.Errorf("an element moves to index %d of 5: %v", to, err)
		}
	}
	m.commit()
	if got := selected(m.client(), nav.All(lists)); got != "0 3 6 9 12" {
		t.Errorf("stored: %s", got)
	}
}

// What Rama's page on paths shows, in Go: the same selects and transforms give the same.
func TestRamasExamples(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	var list pstate.Value[[]int]
	var lists pstate.Value[map[string][]int]
	var nested pstate.Value[[][]int]
	var sums pstate.Value[map[string]int]
	for i, h := range []pstate.Schema{&list, &lists, &nested, &sums} {
		b.declare(h, fmt.Sprint("p", i))
	}
	all := nav.Items(nav.Vals(nav.FromValue(lists)))
	b.do(func(w pstate.Writer) {
		list.Set(w, []int{1, 2, 3})
		lists.Set(w, map[string][]int{"a": {9, 3, 6}, "b": {0, 8}})
		nested.Set(w, [][]int{{8, 1, 10}, {5, 6, 3}, {9, 2, 7, 4}})
		sums.Set(w, map[string]int{"a": 1, "b": 40})
		for what, got := range map[string][2]string{
			"nth":         {selected(w, nav.Item(nav.FromValue(list), 1)), "2"},
			"mapVals all": {selected(w, all), "9 3 6 0 8"},
			"less than":   {selected(w, nav.FilterLess(all, 7)), "3 6 0"},
		} {
			if got[0] != got[1] {
				t.Errorf("%s: %s, want %s", what, got[0], got[1])
			}
		}
		nav.Delete(w, nav.Item(nav.FromValue(list), 1))
		nav.Update(w, nav.Val(nav.FromValue(sums), "a"), func(n int) int { return n + 10 })
		nav.Update(w, nav.Subselect(nav.FromValue(nested), nav.Items(nav.Here[[][]int]())), func(all [][]int) [][]int {
			slices.Reverse(all)
			return all
		})
	})
	b.everywhere(func(how string, r pstate.Reader) {
		for what, got := range map[string][2]string{
			"termVoid":          {selected(r, nav.FromValue(list)), "[1 3]"},
			"term":              {selected(r, nav.FromValue(sums)), "map[a:11 b:40]"},
			"subselect reverse": {selected(r, nav.FromValue(nested)), "[[9 2 7 4] [5 6 3] [8 1 10]]"},
		} {
			if got[0] != got[1] {
				t.Errorf("%s: %s: %s, want %s", how, what, got[0], got[1])
			}
		}
	})
}
