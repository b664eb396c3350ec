package agg_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"testing"

	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/module/agg/aggtest"
)

func ints(r *rand.Rand) int { return r.IntN(12) - 4 }

// promise 3.81 promise 3.84 promise 13.02 promise 13.07: how the values become one does
// not hang on how they are grouped on the way.
func TestBuiltInsKeepTheLaws(t *testing.T) {
	t.Parallel()
	aggtest.Check(t, agg.Last[int](), ints)
	aggtest.Check(t, agg.First[int](), ints)
	aggtest.Check(t, agg.Sum[int](), ints, aggtest.Laws[int]{Commutes: true})
	aggtest.Check(t, agg.Sum[float64](), func(r *rand.Rand) float64 { return r.Float64() }, aggtest.Laws[float64]{
		Commutes: true, Equal: func(a, b float64) bool { return math.Abs(a-b) < 1e-9 },
	})
	aggtest.Check(t, agg.Smallest[int](), ints, aggtest.Laws[int]{Commutes: true})
	aggtest.Check(t, agg.Largest[int](), ints, aggtest.Laws[int]{Commutes: true})
	aggtest.Check(t, agg.Count[int](), ints, aggtest.Laws[int64]{Commutes: true})
	bools := func(r *rand.Rand) bool { return r.IntN(3) > 0 }
	aggtest.Check(t, agg.And(), bools, aggtest.Laws[bool]{Commutes: true})
	aggtest.Check(t, agg.Or(), bools, aggtest.Laws[bool]{Commutes: true})
	aggtest.Check(t, agg.Avg[int](), ints, aggtest.Laws[agg.Mean]{Commutes: true})
	aggtest.Check(t, agg.Set[int](), ints, aggtest.Laws[map[int]struct{}]{Commutes: true})
	aggtest.Check(t, agg.SetRemove[int](), ints)
	aggtest.Check(t, agg.MultiSet[int](), ints, aggtest.Laws[map[int]int64]{Commutes: true})
	aggtest.Check(t, agg.Map[int, int](), func(r *rand.Rand) agg.Pair[int, int] { return agg.Pair[int, int]{Key: ints(r), Val: ints(r)} })
	aggtest.Check(t, agg.Merge[int, int](), func(r *rand.Rand) map[int]int {
		return map[int]int{ints(r): ints(r), ints(r): ints(r)}
	})
	aggtest.Check(t, agg.List[int](), ints)
	aggtest.Check(t, agg.Limit[int](3), ints)
	aggtest.Check(t, agg.Top(3, agg.Descending(func(n int) int { return n })), ints, aggtest.Laws[[]int]{Commutes: true})
	// Each thing comes with values that only grow: the number of the draw.
	draws := 0
	aggtest.Check(t, agg.TopMonotonic(2, thing.id, agg.Descending(thing.score)), func(r *rand.Rand) thing {
		draws++
		return thing{fmt.Sprint(r.IntN(6)), draws}
	})
	aggtest.Check(t, agg.Of(agg.Sum[int](), func(word string) int { return len(word) }), func(r *rand.Rand) string { return "abcdef"[:r.IntN(6)] })
}

type thing struct {
	Name  string
	Score int
}

func (t thing) id() string { return t.Name }
func (t thing) score() int { return t.Score }

// promise 13.05: what no values make.
func TestZeroValues(t *testing.T) {
	t.Parallel()
	zero(t, "sum", agg.Sum[int](), 0)
	zero(t, "count", agg.Count[string](), 0)
	zero(t, "and", agg.And(), true)
	zero(t, "or", agg.Or(), false)
	zero(t, "list", agg.List[int](), []int{})
	zero(t, "set", agg.Set[int](), nil)
	zero(t, "multi-set", agg.MultiSet[int](), nil)
	zero(t, "map", agg.Map[string, int](), nil)
	zero(t, "merge", agg.Merge[string, int](), nil)
	zero(t, "top", agg.Top(3, agg.Ascending(func(n int) int { return n })), []int{})
	zero(t, "average", agg.Avg[int](), agg.Mean{})
	zero(t, "sum from 100", agg.Sum[int]().Start(100), 100)
	none(t, "smallest", agg.Smallest[int]())
	none(t, "largest", agg.Largest[int]())
	none(t, "last", agg.Last[int]())
	none(t, "first", agg.First[int]())
}

func zero[V, A any](t *testing.T, what string, by agg.Aggregator[V, A], want A) {
	t.Helper()
	if got, ok := by.Accumulator().Nothing(); !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("%s of nothing is %#v (%t), want %#v", what, got, ok, want)
	}
}

func none[V, A any](t *testing.T, what string, by agg.Aggregator[V, A]) {
	t.Helper()
	if got, ok := by.Accumulator().Nothing(); ok {
		t.Errorf("%s of nothing is %#v, and should be nothing", what, got)
	}
}

func TestCombine(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		combiner agg.Combiner[int]
		want     int
	}{"last": {agg.Last[int](), 2}, "first": {agg.First[int](), 5}, "sum": {agg.Sum[int](), 7}, "smallest": {agg.Smallest[int](), 2}, "largest": {agg.Largest[int](), 5}} {
		if got := c.combiner.Combine(5, 2); got != c.want {
			t.Errorf("%s of 5 and 2 is %d", name, got)
		}
	}
}

// promise 3.84: a combiner may have a start value, which counts once, also where values
// are gathered in parts.
func TestStart(t *testing.T) {
	t.Parallel()
	a := agg.Sum[int]().Start(100).Accumulator()
	if got := a.Add(a.First(1), 2); got != 103 {
		t.Errorf("100 and 1 and 2 are %d", got)
	}
	if got, ok := a.Result(a.Merge(a.Part(1), a.Part(2))); got != 103 || !ok {
		t.Errorf("in parts, 100 and 1 and 2 are %d", got)
	}
}

// A start value is that of each result: what is combined with it does not change it.
func TestStartIsNotShared(t *testing.T) {
	t.Parallel()
	a := agg.Merge[string, int]().Start(map[string]int{"always": 1}).Accumulator()
	a.First(map[string]int{"ann": 2})
	if got := a.First(map[string]int{"bob": 3}); !reflect.DeepEqual(got, map[string]int{"always": 1, "bob": 3}) {
		t.Errorf("another key begins with %v", got)
	}
	longer := agg.Combiner[[]int]{Combine: func(a, b []int) []int { a[0] += b[0]; return a }}.Start([]int{1}).Accumulator()
	longer.First([]int{5})
	if got := longer.First([]int{1}); !slices.Equal(got, []int{2}) {
		t.Errorf("a slice begins with %v", got)
	}
}

// promise 13.04: a rule says of which results nothing is left.
func TestVoid(t *testing.T) {
	t.Parallel()
	a := agg.Sum[int]().VoidIf(func(n int) bool { return n == 0 }).Accumulator()
	if _, ok := a.Result(a.Merge(a.Part(3), a.Part(-3))); ok {
		t.Error("3 and -3 leave something")
	}
	if _, ok := a.Result(a.Part(3)); !ok {
		t.Error("3 leaves nothing")
	}
}

// promise 13.11: top-n of things that come again is exact while values grow; of those that
// fall it is not, which is what Ranking is for.
func TestTopMonotonic(t *testing.T) {
	t.Parallel()
	a := agg.TopMonotonic(2, thing.id, agg.Descending(thing.score)).Accumulator()
	list := a.Zero()
	for i := range 30 {
		list = a.Add(list, thing{fmt.Sprint(i % 5), i})
		if len(list) > 4 {
			t.Fatalf("%d values are kept for 2", len(list))
		}
	}
	if top, _ := a.Result(list); !slices.Equal(top, []thing{{"4", 29}, {"3", 28}}) {
		t.Errorf("the top is %v", top)
	}
}

func TestLimit(t *testing.T) {
	t.Parallel()
	a := agg.Limit[int](2).Accumulator()
	if got := a.Merge(a.Part(1), a.Add(a.Part(2), 3)); !slices.Equal(got, []int{1, 2}) {
		t.Errorf("two of 1, 2, 3 are %v", got)
	}
}
