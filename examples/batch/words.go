package batch

import (
	"cmp"
	"strings"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Words keeps the counts of words, and the most frequent ones of them: of all words that
// ever came, and of those of the latest microbatch.
type Words struct {
	Name string // of the module; default TopWords

	Lines  module.Depot[string]
	Counts pstate.Map[string, int]
	Top    pstate.Value[[]Count] // of all words, on task 0
	Latest pstate.Value[[]Count] // of the words of the latest microbatch

	words  module.GroupBy[string, int]
	top    module.Aggregate[Count]
	latest module.Aggregate[Count]
}

// Count is how often a word came.
type Count struct {
	Word  string
	Times int
}

func (c Count) word() string { return c.Word }

// byTimes has the most frequent first, of equals the first in the alphabet.
func byTimes(a, b Count) int {
	return cmp.Or(cmp.Compare(b.Times, a.Times), cmp.Compare(a.Word, b.Word))
}

const topMost = 3

// ModuleName names the module.
func (m *Words) ModuleName() string { return cmp.Or(m.Name, "TopWords") }

// Define declares it.
func (m *Words) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Lines, "lines")
	mb := b.Microbatch("words")
	mb.PState(&m.Counts, "counts")
	mb.PState(&m.Top, "top", pstate.Global())
	mb.PState(&m.Latest, "latest", pstate.Global())
	module.DeclareSource(mb, m.Lines, m.onLine, module.StartFromBeginning())

	count := mb.Batch("count")
	module.DeclareGroupBy(count, &m.words, "word", module.AtKey(&m.Counts), agg.Sum[int](), m.onWord)

	rank := mb.Batch("rank")
	module.DeclareAggregate(rank, &m.top, "all-words", agg.TopMonotonic(topMost, Count.word, byTimes), m.onTop)
	module.DeclareAggregate(rank, &m.latest, "latest-words", agg.Top(topMost, byTimes), m.onLatest)
}

// onLine adds rows to the first block.
func (m *Words) onLine(ev *module.Event, line string) error {
	for word := range strings.FieldsSeq(line) {
		m.words.Add(ev, word, 1) // a row: summed up here before it travels
	}
	return nil
}

// onWord runs once for each word of the microbatch, where its count is.
func (m *Words) onWord(ev *module.Event, word string, times int) error {
	all := agg.Into(ev, m.Counts.Key(word), agg.Sum[int](), times)
	m.top.Add(ev, Count{word, all})
	m.latest.Add(ev, Count{word, times}) // a row of the next block; all is the new count
	return nil
}

// onTop brings the words that have changed into the list that there was: a count only grows,
// so what is not in it is behind those that are.
func (m *Words) onTop(ev *module.Event, changed []Count, _ bool) error {
	m.Top.Update(ev, func(all []Count) []Count { return withChanged(all, changed) })
	return nil
}

func withChanged(all, changed []Count) []Count {
	by := agg.TopMonotonic(topMost, Count.word, byTimes)
	for _, c := range changed {
		all = by.Add(all, c)
	}
	top, _ := by.Result(all)
	return top
}

func (m *Words) onLatest(ev *module.Event, top []Count, _ bool) error {
	m.Latest.Set(ev, top)
	return nil
}
