package batch

import (
	"cmp"
	"fmt"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Shop shows what batch blocks have: groups, joins, limits, sums of nothing, rows that are
// read again, PStates for one microbatch.
type Shop struct {
	Name string // of the module; default Shop

	Days module.Depot[[]Entry] // each is in one microbatch

	// What came of the latest microbatch, on task 0.
	Sum     pstate.Value[int]
	Groups  pstate.SortedMap[string, string] // by fruit: sales and pieces
	Some    pstate.Value[[]int]              // two of the numbers of pieces, whichever
	Most    pstate.Value[[]int]              // the two largest of them
	Priced  pstate.SortedMap[string, string] // the joins, by kind
	Totals  pstate.Value[[]int]              // rows that were kept, read twice
	PerSize pstate.Value[[]int]              // how many fruits there are with as many sales, from a temporary PState

	sum    module.Aggregate[int]
	some   module.Aggregate[int]
	most   module.Aggregate[int]
	sales  module.GroupBy[string, int]
	kept   module.Rows[int]
	inner  module.Join[string, int, int]
	outer  module.Join[string, int, int]
	price  module.GroupBy[string, int]
	twice  module.Aggregate[int]
	counts module.Aggregate[int]
	entry  module.Step[Entry]
	group  module.Step[line]
	priced module.Step[line]

	perFruit pstate.SortedMap[string, int] // temporary: sales by fruit
}

// Entry is a sale of pieces, or the price of a fruit.
type Entry struct {
	Fruit  string
	Pieces int
	Price  int
}

type line struct{ Key, Text string }

// ModuleName names the module.
func (m *Shop) ModuleName() string { return cmp.Or(m.Name, "Shop") }

// tallied is how many sales there were, and of how many pieces.
type tallied struct{ Sales, Pieces int }

// tallies is an accumulator of this module's own.
var tallies = agg.Accumulator[int, tallied]{
	Zero:  func() tallied { return tallied{} },
	Add:   func(t tallied, pieces int) tallied { return tallied{t.Sales + 1, t.Pieces + pieces} },
	Merge: func(a, b tallied) tallied { return tallied{a.Sales + b.Sales, a.Pieces + b.Pieces} },
}

// Define declares it.
func (m *Shop) Define(b *module.Builder) {
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
	module.DeclareStep(mb, &m.entry, "entry", module.Shuffle[Entry](), m.onEntry)
	module.DeclareSource(mb, m.Days, func(ev *module.Event, day []Entry) error {
		for _, e := range day {
			m.entry.Send(ev, e)
		}
		return nil
	}, module.StartFromBeginning())
	module.DeclareStep(mb, &m.group, "group", module.Global[line](), func(ev *module.Event, l line) error {
		m.Groups.Key(l.Key).Set(ev, l.Text)
		return nil
	})
	module.DeclareStep(mb, &m.priced, "priced", module.Global[line](), func(ev *module.Event, l line) error {
		m.Priced.Key(l.Key).Set(ev, l.Text)
		return nil
	})

	first := mb.Batch("first")
	module.DeclareAggregate(first, &m.sum, "sum", agg.Sum[int](), func(ev *module.Event, sum int, _ bool) error {
		m.Sum.Set(ev, sum)
		return nil
	})
	module.DeclareAggregate(first, &m.some, "some", agg.Limit[int](2), func(ev *module.Event, some []int, _ bool) error {
		m.Some.Set(ev, some)
		return nil
	})
	module.DeclareAggregate(first, &m.most, "most", agg.Top(2, func(a, b int) int { return b - a }), func(ev *module.Event, most []int, _ bool) error {
		m.Most.Set(ev, most)
		return nil
	})
	module.DeclareGroupBy(first, &m.sales, "sales", module.ByKey[string](), tallies, m.onSales)
	module.DeclareGroupBy(first, &m.price, "price", module.ByKey[string](), agg.Last[int](), m.onPrice)

	// What the first block's handlers gave on: joins, and rows that are read again.
	second := mb.Batch("second")
	module.DeclareJoin(second, &m.inner, "inner", module.ByKey[string](), module.InnerJoin, m.onInner)
	module.DeclareJoin(second, &m.outer, "outer", module.ByKey[string](), module.OuterJoin, m.onOuter)

	// A block that begins by itself, with what is kept on each task.
	third := mb.Batch("third")
	module.DeclareRows(third, &m.kept, "kept")
	third.OnBegin(m.onThird)
	module.DeclareAggregate(third, &m.twice, "twice", agg.Top(2, func(a, b int) int { return a - b }), func(ev *module.Event, totals []int, _ bool) error {
		m.Totals.Set(ev, totals)
		return nil
	})
	module.DeclareAggregate(third, &m.counts, "counts", agg.Top(9, func(a, b int) int { return b - a }), func(ev *module.Event, sizes []int, _ bool) error {
		m.PerSize.Set(ev, sizes)
		return nil
	})
}

func (m *Shop) onEntry(ev *module.Event, e Entry) error {
	if e.Price > 0 {
		m.price.Add(ev, e.Fruit, e.Price)
		return nil
	}
	m.sum.Add(ev, e.Pieces)
	m.some.Add(ev, e.Pieces)
	m.most.Add(ev, e.Pieces)
	m.sales.Add(ev, e.Fruit, e.Pieces)
	return nil
}

func (m *Shop) onSales(ev *module.Event, fruit string, t tallied) error {
	m.group.Send(ev, line{fruit, fmt.Sprintf("%d %d", t.Sales, t.Pieces)})
	m.inner.Left(ev, fruit, t.Pieces)
	m.outer.Left(ev, fruit, t.Pieces)
	m.kept.Add(ev, t.Pieces)
	m.perFruit.Key(fruit).Set(ev, t.Sales)
	return nil
}

func (m *Shop) onPrice(ev *module.Event, fruit string, price int) error {
	m.inner.Right(ev, fruit, price)
	m.outer.Right(ev, fruit, price)
	return nil
}

func (m *Shop) onInner(ev *module.Event, j module.Joined[string, int, int]) error {
	m.priced.Send(ev, innerLine(j))
	return nil
}

func (m *Shop) onOuter(ev *module.Event, j module.Joined[string, int, int]) error {
	m.priced.Send(ev, outerLine(j))
	return nil
}

func innerLine(j module.Joined[string, int, int]) line {
	return line{"inner " + j.Key, fmt.Sprint(j.Left * j.Right)}
}

func outerLine(j module.Joined[string, int, int]) line {
	pieces, price := "none", "none"
	if j.HasLeft {
		pieces = fmt.Sprint(j.Left)
	}
	if j.HasRight {
		price = fmt.Sprint(j.Right)
	}
	return line{"outer " + j.Key, pieces + " at " + price}
}

// onThird runs on every task: it reads what the first block's handlers have left there.
func (m *Shop) onThird(ev *module.Event) error {
	for pieces := range m.kept.All(ev) {
		m.twice.Add(ev, pieces)
	}
	for pieces := range m.kept.All(ev) {
		m.twice.Add(ev, 2*pieces)
	}
	for fruit, err := range m.perFruit.Range(ev, pstate.All[string]()) {
		if err != nil {
			return err
		}
		m.counts.Add(ev, fruit.Val)
	}
	return nil
}
