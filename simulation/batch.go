package simulation

import (
	"fmt"
	"strconv"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Batch is the workload of batch blocks: records are grouped, joined, kept and read again,
// block after block, with handlers that fail, reject and park before their rows count. At
// every microbatch that is decided, what the blocks have made is the fold of its records, by
// the microbatch that each of them says it was in: no row is lost, counted twice, left from
// an attempt that failed, or seen by a block that began too early.
func Batch() Workload {
	return Workload{Name: "batch", Hops: true, Fails: true, RecordsMax: 60, New: func() Case { return &batchCase{} }}
}

// blocked is a record of the workload: a sale of so many of a key, or where N is 0 a visit.
type blocked struct {
	Number int
	Key    string
	N      int
	Hops   bool // its rows are added on another task
	Fails  int  // attempts that fail first
	End    ending
}

func (v blocked) name() string { return strconv.Itoa(v.Number) }

// score is what a key has sold, in all.
type score struct {
	Key  string
	Sold int
}

func (s score) key() string { return s.Key }
func (s score) sold() int   { return s.Sold }

// tallied is what one microbatch has sold of a key.
type tallied struct{ Sales, Sold int }

var tallying = agg.Accumulator[int, tallied]{
	Zero:  func() tallied { return tallied{} },
	Add:   func(t tallied, n int) tallied { return tallied{t.Sales + 1, t.Sold + n} },
	Merge: func(a, b tallied) tallied { return tallied{a.Sales + b.Sales, a.Sold + b.Sold} },
}

const scoresMost = 3

type blocking struct {
	Records module.Depot[blocked]
	In      pstate.Map[string, int]                             // by record: the microbatch that it was in
	Sold    pstate.Map[string, tallied]                         // by key, in two phases
	Plain   pstate.Map[string, tallied]                         // by key, in one
	Pairs   pstate.MapOf[string, pstate.Map[int, int]]          // by key and microbatch: pairs of a sale and a visit
	Alone   pstate.MapOf[string, pstate.Map[int, int]]          // and those that had no partner
	Top     pstate.Value[[]score]                               // on task 0
	Blocks  pstate.MapOf[int, pstate.Map[string, int]]          // by microbatch, on task 0: what totals said
	Numbers pstate.Map[string, []int]                           // by key: the records, as a list in small parts
	Wrong   pstate.Map[string, string]                          // what a handler saw that cannot be
	fresh   pstate.MapOf[string, pstate.SortedMap[string, int]] // temporary: by task, by key

	sales   module.GroupBy[string, int]
	plain   module.GroupBy[string, int]
	pairs   module.Join[string, int, int]
	top     module.Aggregate[score]
	kept    module.Rows[score]
	numbers module.GroupBy[string, int]
	groups  module.Aggregate[int]
	again   module.Aggregate[int]
	records module.Aggregate[int]
	rows    module.Step[blocked]
	total   module.Step[said]
}

// said is a number of a microbatch, on its way to task 0.
type said struct {
	What string
	N    int
}

func (m *blocking) Define(b *module.Builder) {
	module.HashDepot(b, &m.Records, "records", blocked.name)
	mb := b.Microbatch("batch")
	mb.PState(&m.In, "in")
	mb.PState(&m.Sold, "sold")
	mb.PState(&m.Plain, "plain")
	mb.PState(&m.Pairs, "pairs")
	mb.PState(&m.Alone, "alone")
	mb.PState(&m.Top, "top", pstate.Global())
	mb.PState(&m.Blocks, "blocks", pstate.Global())
	mb.PState(&m.Wrong, "wrong")
	mb.PState(&m.Numbers, "numbers")
	mb.Temporary(&m.fresh, "fresh")
	module.DeclareStep(mb, &m.rows, "rows", module.Shuffle[blocked](), m.onRow)
	module.DeclareStep(mb, &m.total, "total", module.Global[said](), m.onTotal)
	module.DeclareSource(mb, m.Records, m.onRecord, module.StartFromBeginning(), module.MaxAttempts(exactAttempts))

	count := mb.Batch("count")
	module.DeclareGroupBy(count, &m.sales, "sale", module.AtKey(&m.Sold), tallying, m.onSale)
	module.DeclareGroupBy(count, &m.plain, "plain-sale", module.AtKey(&m.Plain), tallying, m.onPlain, module.OnePhase())
	module.DeclareGroupBy(count, &m.numbers, "number", module.AtKey(&m.Numbers), agg.List[int](), m.onNumbers, module.PartRows(2))
	module.DeclareJoin(count, &m.pairs, "pair", module.AtKey(&m.Pairs), module.OuterJoin, m.onPair)
	module.DeclareAggregate(count, &m.records, "record", agg.Sum[int](), m.says("records"))

	rank := mb.Batch("rank")
	module.DeclareAggregate(rank, &m.top, "score", agg.TopMonotonic(scoresMost, score.key, agg.Descending(score.sold)), m.onTop)
	module.DeclareAggregate(rank, &m.groups, "group", agg.Sum[int](), m.says("groups"))

	read := mb.Batch("read")
	module.DeclareRows(read, &m.kept, "kept")
	read.OnBegin(m.onRead)
	module.DeclareAggregate(read, &m.again, "again", agg.Sum[int](), m.says("kept"))
}

func (m *blocking) onRecord(ev *module.Event, v blocked) error {
	m.In.Key(v.name()).Set(ev, int(ev.MicrobatchID()))
	if v.Hops {
		m.rows.Send(ev, v)
	} else if err := m.onRow(ev, v); err != nil {
		return err
	}
	if v.Hops {
		return nil // its row decides how it ends
	}
	return v.ends(ev)
}

func (v blocked) ends(ev *module.Event) error {
	if ev.Attempt() <= v.Fails {
		return fmt.Errorf("attempt %d: %w", ev.Attempt(), errMood)
	}
	switch v.End {
	case rejected:
		return module.Reject(fmt.Errorf("rejected: %w", errMood))
	case parkedAside:
		return module.Park(fmt.Errorf("parked: %w", errMood))
	}
	return nil
}

// onRow adds the rows of a record: they are taken back with the event if it ends ill.
func (m *blocking) onRow(ev *module.Event, v blocked) error {
	m.records.Add(ev, 1)
	m.numbers.Add(ev, v.Key, v.Number)
	if v.N == 0 {
		m.pairs.Right(ev, v.Key, v.Number)
	} else {
		m.sales.Add(ev, v.Key, v.N)
		m.plain.Add(ev, v.Key, v.N)
		m.pairs.Left(ev, v.Key, v.Number)
	}
	if v.Hops {
		return v.ends(ev)
	}
	return nil
}

// onSale is given each key of a microbatch once, with all of it.
func (m *blocking) onSale(ev *module.Event, key string, t tallied) error {
	at := m.fresh.Key(ev.Task().String()).Key(key)
	if n, there, err := at.Lookup(ev); err != nil {
		return err
	} else if there {
		m.Wrong.Key(key).Set(ev, fmt.Sprintf("microbatch %d: the temporary PState has %d already", ev.MicrobatchID(), n))
	}
	at.Set(ev, t.Sold)
	all := agg.Into(ev, m.Sold.Key(key), agg.Combiner[tallied]{Combine: tallying.Merge}, t)
	m.top.Add(ev, score{key, all.Sold})
	m.groups.Add(ev, 1)
	m.kept.Add(ev, score{key, t.Sold})
	if ev.Attempt() == 1 && t.Sold%5 == 0 {
		return fmt.Errorf("of %d: %w", t.Sold, errMood)
	}
	return nil
}

func (m *blocking) onPlain(ev *module.Event, key string, t tallied) error {
	agg.Into(ev, m.Plain.Key(key), agg.Combiner[tallied]{Combine: tallying.Merge}, t)
	return nil
}

func (m *blocking) onNumbers(ev *module.Event, key string, numbers []int) error {
	agg.Into(ev, m.Numbers.Key(key), agg.Combiner[[]int]{Combine: agg.List[int]().Merge}, numbers)
	return nil
}

func (m *blocking) onPair(ev *module.Event, j module.Joined[string, int, int]) error {
	id := int(ev.MicrobatchID())
	if j.HasLeft && j.HasRight {
		agg.Inc(ev, m.Pairs.Key(j.Key).Key(id))
	} else {
		agg.Inc(ev, m.Alone.Key(j.Key).Key(id))
	}
	return nil
}

func (m *blocking) onTop(ev *module.Event, changed []score, _ bool) error {
	by := agg.TopMonotonic(scoresMost, score.key, agg.Descending(score.sold))
	all, err := m.Top.Get(ev)
	if err != nil {
		return err
	}
	for _, s := range changed {
		all = by.Add(all, s)
	}
	top, _ := by.Result(all)
	m.Top.Set(ev, top)
	return nil
}

// onRead reads on every task what onSale has kept there: the rows, and the temporary PState.
func (m *blocking) onRead(ev *module.Event) error {
	rows, sum := 0, 0
	for s := range m.kept.All(ev) {
		rows++
		n, err := m.fresh.Key(ev.Task().String()).Key(s.Key).Get(ev)
		if err != nil {
			return err
		}
		if n != s.Sold {
			m.Wrong.Key(s.Key).Set(ev, fmt.Sprintf("microbatch %d: the row says %d, the temporary PState %d", ev.MicrobatchID(), s.Sold, n))
		}
	}
	for s := range m.kept.All(ev) {
		sum += s.Sold
	}
	if n, err := m.fresh.Key(ev.Task().String()).Len(ev); err != nil {
		return err
	} else if n != rows {
		m.Wrong.Key("rows").Set(ev, fmt.Sprintf("microbatch %d: %d rows, %d in the temporary PState", ev.MicrobatchID(), rows, n))
	}
	m.again.Add(ev, sum)
	return nil
}

func (m *blocking) says(what string) func(*module.Event, int, bool) error {
	return func(ev *module.Event, n int, _ bool) error {
		m.total.Send(ev, said{what, n})
		return nil
	}
}

func (m *blocking) onTotal(ev *module.Event, s said) error {
	m.Blocks.Key(int(ev.MicrobatchID())).Key(s.What).Set(ev, s.N)
	return nil
}
