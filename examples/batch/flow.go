package batch

import (
	"fmt"
	"slices"
	"strings"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/module/flow"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// PairsFlow is Pairs as dataflow.
type PairsFlow struct{ Pairs }

// Define declares it.
func (m *PairsFlow) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Pairs.Pairs, "pairs")
	mb := b.Microbatch("pairs")
	mb.PState(&m.Counts, "counts")
	mb.PState(&m.Sum, "sum", pstate.Global())
	flow.Source(mb, m.Pairs.Pairs, func(b *flow.Block, p flow.Var[Pair]) {
		first, second, number := flow.Expand3(b, func(p Pair) (string, string, int) { return p.First, p.Second, p.Number }, p)
		flow.Branch(b, func(b *flow.Block) {
			flow.HopAt(b, &m.Counts, first, flow.Named("count"))
			flow.Agg(b, flow.Under(flow.Key(&m.Counts, first), second), flow.Count[int64]())
		})
		flow.BatchBlock(b, "sums", func(b *flow.Block) {
			sum, _ := flow.Aggregate(b, agg.Sum[int](), number, flow.Named("total"))
			flow.Agg(b, flow.OfValue(&m.Sum), flow.Sum(sum))
		})
	}, module.StartFromBeginning())
}

// WordsFlow is Words as dataflow.
type WordsFlow struct{ Words }

// Define declares it.
func (m *WordsFlow) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Lines, "lines")
	mb := b.Microbatch("words")
	mb.PState(&m.Counts, "counts")
	mb.PState(&m.Top, "top", pstate.Global())
	mb.PState(&m.Latest, "latest", pstate.Global())
	count := func(word string, times int) Count { return Count{word, times} }
	flow.Source(mb, m.Lines, func(b *flow.Block, line flow.Var[string]) {
		flow.BatchBlock(b, "count", func(b *flow.Block) {
			word := flow.Explode(b, flow.F1(strings.Fields, line))
			word, times := flow.GroupBy(b, word, module.AtKey(&m.Counts), agg.Sum[int](), flow.Const(1), flow.Named("word"))
			all := flow.Agg(b, flow.Key(&m.Counts, word), flow.Sum(times)) // the new value, once for each word
			flow.Branch(b, func(b *flow.Block) {
				changed, _ := flow.Aggregate(b, agg.TopMonotonic(topMost, Count.word, byTimes), flow.F2(count, word, all), flow.Named("all-words"))
				flow.Update(b, flow.OfValue(&m.Top), withChanged, changed)
			})
			latest, _ := flow.Aggregate(b, agg.Top(topMost, byTimes), flow.F2(count, word, times), flow.Named("latest-words"))
			flow.Set(b, flow.OfValue(&m.Latest), latest)
		})
	}, module.StartFromBeginning())
}

// ShopFlow is Shop as dataflow.
type ShopFlow struct{ Shop }

// Define declares it.
func (m *ShopFlow) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Days, "days")
	mb := b.Microbatch("shop")
	mb.PState(&m.Sum, "sum", pstate.Global())
	mb.PState(&m.Groups, "groups", pstate.Global())
	mb.PState(&m.Some, "some", pstate.Global())
	mb.PState(&m.Most, "most", pstate.Global())
	mb.PState(&m.Priced, "priced", pstate.Global())
	mb.PState(&m.Totals, "totals", pstate.Global())
	mb.PState(&m.PerSize, "per-size", pstate.Global())
	mb.Temporary(&m.perFruit, "per-fruit")
	flow.Source(mb, m.Days, func(b *flow.Block, day flow.Var[[]Entry]) {
		entry := flow.Explode(b, day)
		flow.HopShuffle(b, flow.Named("entry"))
		flow.BatchBlock(b, "day", func(b *flow.Block) { m.day(b, entry) })
	}, module.StartFromBeginning())
}

func (m *ShopFlow) day(b *flow.Block, entry flow.Var[Entry]) {
	fruit, pieces, price := flow.Expand3(b, func(e Entry) (string, int, int) { return e.Fruit, e.Pieces, e.Price }, entry)
	prices := b.Anchor().Hook()
	flow.KeepTrue(prices, flow.Less(flow.Const(0), price))
	priced, price := flow.GroupBy(prices, fruit, module.ByKey[string](), agg.Last[int](), price, flow.Named("price"))

	flow.KeepTrue(b, flow.Equal(price0(entry), flow.Const(0)))
	flow.Branch(b, func(b *flow.Block) {
		sum, _ := flow.Aggregate(b, agg.Sum[int](), pieces, flow.Named("sum"))
		flow.Set(b, flow.OfValue(&m.Sum), sum)
	})
	flow.Branch(b, func(b *flow.Block) {
		some, _ := flow.Aggregate(b, agg.Limit[int](2), pieces, flow.Named("some"))
		flow.Set(b, flow.OfValue(&m.Some), some)
	})
	flow.Branch(b, func(b *flow.Block) {
		most, _ := flow.Aggregate(b, agg.Top(2, agg.Descending(number)), pieces, flow.Named("most"))
		flow.Set(b, flow.OfValue(&m.Most), most)
	})
	sold, tally := flow.GroupBy(b, fruit, module.ByKey[string](), tallies, pieces, flow.Named("sales"))
	sales, all := flow.Expand2(b, func(t tallied) (int, int) { return t.Sales, t.Pieces }, tally)
	flow.Set(b, flow.Key(&m.perFruit, sold), sales)
	kept := flow.Materialize(b, all, flow.Named("kept"))
	groups := b.Anchor().Hook()
	m.joins(b, sold, all, prices, priced, price)

	flow.HopGlobal(groups, flow.Named("group"))
	flow.Set(groups, flow.Key(&m.Groups, sold), flow.F2(func(sales, pieces int) string { return fmt.Sprintf("%d %d", sales, pieces) }, sales, all))
	m.again(groups, kept)
}

func price0(entry flow.Var[Entry]) flow.Expr[int] {
	return flow.F1(func(e Entry) int { return e.Price }, entry)
}

// joins brings sales and prices together, in two ways.
func (m *ShopFlow) joins(sales *flow.Block, sold flow.Var[string], pieces flow.Var[int], prices *flow.Block, priced flow.Var[string], price flow.Var[int]) {
	store := func(b *flow.Block, name string, text flow.Expr[line]) {
		key, words := flow.Expand2(b, func(l line) (string, string) { return l.Key, l.Text }, text)
		flow.HopGlobal(b, flow.Named(name))
		flow.Set(b, flow.Key(&m.Priced, key), words)
	}
	left, right := sales.Anchor().Hook(), prices.Anchor().Hook()
	b, pair := flow.Join(flow.SideOf(sales, sold, pieces), flow.SideOf(prices, priced, price), module.ByKey[string](), module.InnerJoin, flow.Named("inner"))
	store(b, "inner-text", flow.F1(innerLine, pair))
	b, pair = flow.Join(flow.SideOf(left, sold, pieces), flow.SideOf(right, priced, price), module.ByKey[string](), module.OuterJoin, flow.Named("outer"))
	store(b, "outer-text", flow.F1(outerLine, pair))
}

// again reads, on every task, what was kept there, twice, and what the temporary PState has.
func (m *ShopFlow) again(b *flow.Block, kept flow.Materialized[int]) {
	once, twice, counts := b.Anchor().Hook(), b.Anchor().Hook(), b
	pieces := flow.Declare[int](b)
	flow.Assign(once, pieces, flow.ExplodeMaterialized(once, kept))
	flow.Assign(twice, pieces, flow.F1(func(n int) int { return 2 * n }, flow.ExplodeMaterialized(twice, kept)))
	both := flow.Unify(once, twice)
	totals, _ := flow.Aggregate(both, agg.Top(2, agg.Ascending(number)), pieces, flow.Named("twice"))
	flow.Set(both, flow.OfValue(&m.Totals), totals)

	flow.BatchSource(counts, flow.Named("fruits"))
	sales := flow.LocalSelect(counts, flow.Along(nav.MapVals(nav.From(m.perFruit))))
	sizes, _ := flow.Aggregate(counts, agg.Top(9, agg.Descending(number)), sales, flow.Named("counts"))
	flow.Set(counts, flow.OfValue(&m.PerSize), sizes)
}

// NumbersFlow is Numbers as dataflow.
type NumbersFlow struct{ Numbers }

// Define declares it.
func (m *NumbersFlow) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Items, "items")
	mb := b.Microbatch("numbers")
	mb.PState(&m.Limit, "limit", pstate.Global())
	mb.PState(&m.Last, "last", pstate.Global())
	mb.PState(&m.Vals, "vals", pstate.Global())
	mb.PState(&m.Counts, "counts", pstate.Global())
	mb.Temporary(&m.counts, "latest-counts")
	flow.Source(mb, m.Items, func(b *flow.Block, items flow.Var[[]Item]) {
		var vals flow.Materialized[int]
		flow.BatchBlock(b, "first", func(b *flow.Block) {
			item := flow.Explode(b, items)
			flow.HopShuffle(b, flow.Named("item"))
			vals = m.first(b, item)
		})
		// Once, when all of that is over; what was kept is read again.
		flow.BatchBlock(b, "second", func(b *flow.Block) {
			n := flow.ExplodeMaterialized(b, vals)
			m.sums(b, flow.F1(func(n int) int { return n + 1 }, n))
		})
	}, module.StartFromBeginning())
}

// first counts words, keeps the small numbers, and stores some of the others.
func (m *NumbersFlow) first(b *flow.Block, item flow.Var[Item]) flow.Materialized[int] {
	n, word := flow.Expand2(b, func(i Item) (int, string) { return i.N, i.Word }, item)
	var vals flow.Materialized[int]
	flow.Cond(b,
		flow.When(flow.NotEqual(word, flow.Const("")), func(b *flow.Block) {
			flow.HopAt(b, &m.counts, word, flow.Named("word"))
			flow.Agg(b, flow.Key(&m.counts, word), flow.Count[int64]())
			flow.Stop(b)
		}),
		flow.When(flow.Less(n, flow.Const(10)), func(b *flow.Block) { vals = flow.Materialize(b, n) }),
		flow.When(flow.Less(n, flow.Const(100)), func(b *flow.Block) {
			some, _ := flow.Aggregate(b, agg.Limit[int](2), n, flow.Named("limit"))
			flow.Set(b, flow.OfValue(&m.Limit), flow.F1(inOrder, some))
		}),
		flow.Otherwise(func(b *flow.Block) {
			last, _ := flow.Aggregate(b, agg.Top(2, agg.Descending(number)), n, flow.Named("last"))
			flow.Set(b, flow.OfValue(&m.Last), flow.F1(inOrder, last))
		}))
	sums := b.Anchor().Hook()
	m.sums(sums, flow.ExplodeMaterialized(sums, vals))
	flow.BatchSource(b)
	entry := flow.LocalSelect(b, flow.Along(nav.MapEntries(nav.From(m.counts))))
	pair := flow.F1(func(e pstate.Entry[string, int64]) agg.Pair[string, int64] {
		return agg.Pair[string, int64]{Key: e.Key, Val: e.Val}
	}, entry)
	all, _ := flow.Aggregate(b, agg.Map[string, int64](), pair, flow.Named("counted"))
	flow.Do1(b, func(ev *module.Event, all map[string]int64) error { return m.onCounted(ev, all, true) }, all)
	return vals
}

// sums stores the sum of numbers behind those that are there.
func (m *NumbersFlow) sums(b *flow.Block, n flow.Expr[int]) {
	sum, _ := flow.Aggregate(b, agg.Sum[int](), n)
	flow.Update(b, flow.OfValue(&m.Vals), func(all []int, sum int) []int { return append(all, sum) }, sum)
}

func inOrder(all []int) []int {
	all = slices.Clone(all)
	slices.Sort(all)
	return all
}
