package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
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

type batchCase struct {
	m     blocking
	asked []blocked
	last  uint64
}

const batchKeys = 6

func (c *batchCase) Module() module.Module { return &c.m }

func (c *batchCase) Append(a module.Appender, r *rand.Rand, number int) error {
	v := blocked{Number: number, Key: fmt.Sprintf("k%d", r.IntN(batchKeys)), Hops: r.IntN(3) == 0}
	if r.IntN(3) > 0 {
		v.N = 1 + r.IntN(30)
	}
	switch r.IntN(12) {
	case 0:
		v.Fails = 1 + r.IntN(2)
	case 1:
		v.End = rejected
	case 2:
		v.End = parkedAside
	}
	c.asked = append(c.asked, v)
	_, err := c.m.Records.Append(context.Background(), a, v)
	return err
}

func (c *batchCase) Acked(int, module.Acks) error { return nil }

// Watch looks at the snapshot of each microbatch.
func (c *batchCase) Watch(s *State) error {
	r, id, err := s.Snapshot("batch")
	if err != nil || id == c.last {
		return err
	}
	c.last = id
	if _, err = c.fold(r); err != nil {
		return fmt.Errorf("the snapshot at microbatch %d: %w", id, err)
	}
	return nil
}

// Check sees that all records are in a microbatch.
func (c *batchCase) Check(r pstate.Reader, _ func(int) bool) error {
	in, err := c.fold(r)
	for i := range c.asked {
		// A record that sends its row on is in a microbatch whatever becomes of the row.
		if v := &c.asked[i]; (v.End == counted || v.Hops) != (in[i] > 0) {
			err = errors.Join(err, fmt.Errorf("record %d (%+v) is in microbatch %d", i, *v, in[i]))
		}
	}
	return err
}

// sums are what blocks have to say of records.
type sums struct {
	sold         map[string]tallied
	numbers      map[string][]int
	pairs, alone map[string]map[int]int
	blocks       map[int]map[string]int
}

// fold holds what the blocks have made against the records, by the microbatches in which they
// were.
func (c *batchCase) fold(r pstate.Reader) (in []int, err error) {
	fail := func(format string, args ...any) { err = errors.Join(err, fmt.Errorf(format, args...)) }
	in = make([]int, len(c.asked))
	last := 0
	for i := range c.asked {
		n, wrong := c.m.In.Key(c.asked[i].name()).Get(r)
		err = errors.Join(err, wrong)
		in[i] = n
		last = max(last, n)
	}
	want := c.sums(in, last)
	var scores []score
	for i := range batchKeys {
		key := fmt.Sprintf("k%d", i)
		sold, wrong := c.m.Sold.Key(key).Get(r)
		plain, wrong2 := c.m.Plain.Key(key).Get(r)
		if err = errors.Join(err, wrong, wrong2); sold != want.sold[key] || plain != want.sold[key] {
			fail("key %s: %+v in two phases, %+v in one, want %+v", key, sold, plain, want.sold[key])
		}
		for id := 1; id <= last; id++ {
			pairs, wrong := c.m.Pairs.Key(key).Key(id).Get(r)
			alone, wrong2 := c.m.Alone.Key(key).Key(id).Get(r)
			if err = errors.Join(err, wrong, wrong2); pairs != want.pairs[key][id] || alone != want.alone[key][id] {
				fail("key %s, microbatch %d: %d pairs and %d rows alone, want %d and %d", key, id, pairs, alone, want.pairs[key][id], want.alone[key][id])
			}
		}
		numbers, wrong := c.m.Numbers.Key(key).Get(r)
		slices.Sort(numbers)
		if err = errors.Join(err, wrong); !slices.Equal(numbers, want.numbers[key]) {
			fail("key %s has the records %v, want %v", key, numbers, want.numbers[key])
		}
		if sold.Sales > 0 {
			scores = append(scores, score{key, sold.Sold})
		}
		if text, there, wrong := c.m.Wrong.Key(key).Lookup(r); wrong != nil || there {
			fail("a handler saw at key %s: %s (error %v)", key, text, wrong)
		}
	}
	if text, there, wrong := c.m.Wrong.Key("rows").Lookup(r); wrong != nil || there {
		fail("a handler saw: %s (error %v)", text, wrong)
	}
	by := agg.Top(scoresMost, agg.Descending(score.sold))
	best := by.Zero()
	for _, s := range scores {
		best = by.Add(best, s)
	}
	top, wrong := c.m.Top.Get(r)
	if err = errors.Join(err, wrong); !sameScores(top, best) {
		fail("the first are %v, want %v", top, best)
	}
	for id := 1; id <= last; id++ {
		for _, what := range []string{"records", "groups", "kept"} {
			n, there, wrong := c.m.Blocks.Key(id).Key(what).Lookup(r)
			if err = errors.Join(err, wrong); n != want.blocks[id][what] || !there {
				fail("microbatch %d says that %s are %d (there: %t), want %d", id, what, n, there, want.blocks[id][what])
			}
		}
	}
	return in, err
}

// sameScores compares what was sold: of keys that have sold as much, either may be there.
func sameScores(have, want []score) bool {
	sold := func(all []score) (n []int) {
		for _, s := range all {
			n = append(n, s.Sold)
		}
		return n
	}
	return reflect.DeepEqual(sold(have), sold(want))
}

// sums folds the records.
func (c *batchCase) sums(in []int, last int) sums {
	s := sums{sold: map[string]tallied{}, numbers: map[string][]int{}, pairs: map[string]map[int]int{}, alone: map[string]map[int]int{}, blocks: map[int]map[string]int{}}
	type side struct {
		key string
		id  int
	}
	sales, visits, sold := map[side]int{}, map[side]int{}, map[side]int{}
	for i := range c.asked {
		v := &c.asked[i]
		if in[i] == 0 || v.End != counted {
			continue
		}
		at := side{v.Key, in[i]}
		s.numbers[v.Key] = append(s.numbers[v.Key], v.Number)
		if v.N == 0 {
			visits[at]++
		} else {
			t := s.sold[v.Key]
			s.sold[v.Key] = tallied{t.Sales + 1, t.Sold + v.N}
			sales[at]++
			sold[at] += v.N
		}
	}
	for id := 1; id <= last; id++ {
		s.blocks[id] = map[string]int{}
		for k := range batchKeys {
			at := side{fmt.Sprintf("k%d", k), id}
			if s.pairs[at.key] == nil {
				s.pairs[at.key], s.alone[at.key] = map[int]int{}, map[int]int{}
			}
			s.pairs[at.key][id] = sales[at] * visits[at]
			if s.pairs[at.key][id] == 0 {
				s.alone[at.key][id] = sales[at] + visits[at]
			}
			s.blocks[id]["records"] += sales[at] + visits[at]
			s.blocks[id]["kept"] += sold[at]
			if sales[at] > 0 {
				s.blocks[id]["groups"]++
			}
		}
	}
	return s
}
