package batch

import (
	"cmp"
	"slices"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Numbers shows limits, rows that are read by two later blocks, and counts that live for one
// microbatch.
type Numbers struct {
	Name string // of the module; default Numbers

	Items  module.Depot[[]Item]            // those of a record are in one microbatch
	Limit  pstate.Value[[]int]             // two of the numbers from 10 to 99
	Last   pstate.Value[[]int]             // the two largest from 1000 on, the smaller one first
	Vals   pstate.Value[[]int]             // the numbers below 10: their sum, and that of each with one more
	Counts pstate.SortedMap[string, int64] // how often each word came in the latest microbatch
	counts pstate.SortedMap[string, int64] // temporary: the same, on the task of each word

	limit, last, sum, more module.Aggregate[int]
	vals                   module.Rows[int]
	word                   module.Step[string]
	item                   module.Step[Item]
	counted                module.Aggregate[agg.Pair[string, int64]]
}

// Item is a number, or a word.
type Item struct {
	N    int
	Word string
}

// ModuleName names the module.
func (m *Numbers) ModuleName() string { return cmp.Or(m.Name, "Numbers") }

// Define declares it.
func (m *Numbers) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Items, "items")
	mb := b.Microbatch("numbers")
	mb.PState(&m.Limit, "limit", pstate.Global())
	mb.PState(&m.Last, "last", pstate.Global())
	mb.PState(&m.Vals, "vals", pstate.Global())
	mb.PState(&m.Counts, "counts", pstate.Global())
	mb.Temporary(&m.counts, "latest-counts")
	module.DeclareStep(mb, &m.word, "word", module.At(&m.counts, itself), m.onWord)
	module.DeclareStep(mb, &m.item, "item", module.Shuffle[Item](), m.onItem)
	module.DeclareSource(mb, m.Items, func(ev *module.Event, items []Item) error {
		for _, i := range items {
			m.item.Send(ev, i)
		}
		return nil
	}, module.StartFromBeginning())

	limits := mb.Batch("limits")
	module.DeclareAggregate(limits, &m.limit, "limit", agg.Limit[int](2), sorted(&m.Limit))
	module.DeclareAggregate(limits, &m.last, "last", agg.Top(2, agg.Descending(number)), sorted(&m.Last))

	// Both of the following begin with what is kept on each task.
	first := mb.Batch("first")
	module.DeclareRows(first, &m.vals, "vals")
	first.OnBegin(m.onFirst)
	module.DeclareAggregate(first, &m.sum, "sum", agg.Sum[int](), m.onSum)
	module.DeclareAggregate(first, &m.counted, "counted", agg.Map[string, int64](), m.onCounted)

	second := mb.Batch("second")
	second.OnBegin(func(ev *module.Event) error {
		for n := range m.vals.All(ev) {
			m.more.Add(ev, n+1)
		}
		return nil
	})
	module.DeclareAggregate(second, &m.more, "more", agg.Sum[int](), m.onSum)
}

func itself(word string) string { return word }
func number(n int) int          { return n }

// sorted stores numbers in their order.
func sorted(into *pstate.Value[[]int]) func(*module.Event, []int, bool) error {
	return func(ev *module.Event, all []int, _ bool) error {
		slices.Sort(all)
		into.Set(ev, all)
		return nil
	}
}

func (m *Numbers) onItem(ev *module.Event, i Item) error {
	switch {
	case i.Word != "":
		m.word.Send(ev, i.Word)
	case i.N < 10:
		m.vals.Add(ev, i.N)
	case i.N < 100:
		m.limit.Add(ev, i.N)
	default:
		m.last.Add(ev, i.N)
	}
	return nil
}

func (m *Numbers) onWord(ev *module.Event, word string) error {
	agg.Into(ev, m.counts.Key(word), agg.Count[string](), word)
	return nil
}

func (m *Numbers) onFirst(ev *module.Event) error {
	for n := range m.vals.All(ev) {
		m.sum.Add(ev, n)
	}
	for e, err := range m.counts.Range(ev, pstate.All[string]()) {
		if err != nil {
			return err
		}
		m.counted.Add(ev, agg.Pair[string, int64]{Key: e.Key, Val: e.Val})
	}
	return nil
}

// onSum adds a sum to those of the microbatch.
func (m *Numbers) onSum(ev *module.Event, sum int, _ bool) error {
	m.Vals.Update(ev, func(all []int) []int { return append(all, sum) })
	return nil
}

func (m *Numbers) onCounted(ev *module.Event, counts map[string]int64, _ bool) error {
	m.Counts.Clear(ev)
	for word, n := range counts {
		m.Counts.Key(word).Set(ev, n)
	}
	return nil
}
