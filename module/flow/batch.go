package flow

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/module"
)

// BatchBlock puts a batch block into the flow of a microbatch topology or of a query: what
// is to be known of all records of the microbatch, or of all that the query has read, before
// it goes on (promises 13.08 to 13.14, 14.13). What f puts there is first run for each record
// that gets there, which Rama calls pre-aggregation: it may branch, loop and hop. [GroupBy],
// [Aggregate], [Join] and [Materialize] then gather rows; what is put behind one of them runs
// when all rows are there, once for each group, pair or total, and may gather again: so a
// block in a block, and a function that puts one, is Rama's sub-batch.
//
//	flow.BatchBlock(b, "words", func(b *flow.Block) {
//		word := flow.Explode(b, flow.F1(strings.Fields, line))
//		word, times := flow.GroupBy(b, word, module.AtKey(&m.Counts), agg.Sum[int](), flow.Const(1))
//		all := flow.Agg(b, flow.Key(&m.Counts, word), flow.Sum(times)) // the new value, once for each word
//	})
//
// What is put behind the block runs once in each microbatch, also if no record came to the
// block: on task 0, when all is over that the block does. It has none of the variables of
// before. In a query it runs where the question is answered.
//
// Blocks are compiled onto those of module.Microbatch, a round or two for each gathering, and
// what is said of those holds. In a stream a block is a mistake (promise 3.22): each record
// is processed by itself.
func BatchBlock(b *Block, name string, f func(b *Block)) {
	n := b.put("BatchBlock", name, 2)
	n.labels = []string{"rows", "then"}
	n.do = func(x *run) error { return x.follow(n, 0) }
	g := b.flow
	if !g.query && !g.front.Plan().Microbatch {
		if f == nil {
			f = func(*Block) {}
		}
		n.mistake("batch blocks are not for streams: each record is processed by itself", "aggregate per key, in PStates, or declare the topology with Builder.Microbatch")
	}
	inner := b.within(n, 0)
	inner.batch = &batch{name}
	before := g.high
	g.high = b.stage
	b.fill(inner, f)
	begin := beginBehind(g.high)
	g.high = max(g.high, before)
	lost := b.gone()
	lost.join(inner.gone())
	b.at = at{outlets: []outlet{{n, 1}}, lost: lost, stage: begin, batch: b.batch}
	b.part(n, begin, nil, part{
		used: func() bool { return len(n.next[1]) > 0 },
		declare: func(block *module.Batch) {
			block.OnBegin(func(ev *module.Event) error {
				if ev.Task() != 0 {
					return nil
				}
				x := g.begin(ev)
				return g.end(x, x.follow(n, 1))
			})
		},
		asked: func(*asking) []spawn { return []spawn{{at: anywhere, node: n, index: 1}} },
	})
}

// batch is a batch block in the making.
type batch struct{ name string }

// The stages of a topology's batch blocks count from that of the records, 0. Block k of
// package module, from 1 on, begins with stage 2k-1, on every task, and its results are stage
// 2k: rows for it come in stages before that.

// gatheredFrom is the block that takes rows which are added in a stage.
func gatheredFrom(stage int) (block int) { return stage/2 + 1 }

// keptFrom is the block from whose beginning on rows are read that are kept in a stage.
func keptFrom(stage int) (block int) { return (stage+1)/2 + 1 }

// beginBehind is the first beginning of a block when a stage is over.
func beginBehind(stage int) int { return 2*((stage+1)/2) + 1 }

// part is what a flow has in a block of package module.
type part struct {
	hopOptions
	node    *node
	block   int // its number among those of the flow
	in      *batch
	stage   int         // in which what came of its rows runs
	used    func() bool // nil: it is
	declare func(block *module.Batch)
	asked   func(q *asking) []spawn // the same in a query: what runs in the stage
}

// part adds one to the flow, of a node that goes on in the stage; without one it keeps rows.
func (b *Block) part(n *node, stage int, options []HopOption, p part) *part {
	p.node, p.stage, p.block, p.in = n, stage, (stage+1)/2, b.batch
	if n.verb == "BatchBlock" {
		p.name = n.text
	} else {
		p.chosen(b, n, options)
		n.part = &p
		if len(p.former) > 0 || len(p.codecs) > 0 {
			n.mistake("has an option for hops", "it takes Named, and where it aggregates Grouped")
		}
		if b.batch == nil {
			n.mistake("is outside of a batch block", "put it into the function of a flow.BatchBlock")
		}
	}
	b.flow.parts = append(b.flow.parts, &p)
	return &p
}

// gone are the variables that what is behind a gathering no longer has.
func (b *Block) gone() set {
	lost := slices.Clone(b.lost)
	lost.join(b.maybe)
	return lost
}

// goesOn moves the block behind a gathering that goes on in a stage.
func (b *Block) goesOn(n *node, stage int) {
	b.at = at{outlets: []outlet{{n, 0}}, lost: b.gone(), stage: stage, batch: b.batch}
	b.flow.high = max(b.flow.high, stage)
}

// declareParts declares the blocks of a flow in their order.
func (g *graph) declareParts() {
	of, ok := g.of.(*module.Microbatch)
	if !ok {
		return
	}
	slices.SortStableFunc(g.parts, func(a, b *part) int { return cmp.Compare(a.block, b.block) })
	var block *module.Batch
	number, names := 0, map[string]int{}
	for _, p := range g.parts {
		if p.used != nil && !p.used() {
			continue
		}
		g.front.Declare(p.node.line, func() {
			if number != p.block {
				number = p.block
				name := cmp.Or(p.blockName(), g.source)
				if names[name]++; names[name] > 1 {
					name = fmt.Sprintf("%s-%d", name, names[name])
				}
				block = of.Batch(name)
			}
			p.declare(block)
		})
	}
}

// blockName is that of the block of the user's which the part belongs to.
func (p *part) blockName() string {
	if p.node.verb == "BatchBlock" {
		return p.node.text + "-then"
	}
	if p.in == nil {
		return ""
	}
	return p.in.name
}

// Grouped passes options of module.DeclareGroupBy to a GroupBy or an Aggregate:
// module.OnePhase, module.PartRows.
func Grouped(options ...module.GroupOption) HopOption {
	return func(o *hopOptions) { o.groups = append(o.groups, options...) }
}

// BatchSource goes on when all that came before its place is over, on every task: what is
// behind it runs once on each, without variables of before, however often the place is
// reached. It is for what lies there, such as temporary PStates (module.Microbatch.Temporary).
// Rama calls it freshBatchSource.
func BatchSource(b *Block, options ...HopOption) {
	n := b.put("BatchSource", "", 1)
	b.begins(n, beginBehind(b.stage), options, nil)
}

// begins has what is behind a node run on every task, in a stage; each runs it, for
// each row, say: without it, once.
func (b *Block) begins(n *node, stage int, options []HopOption, each func(x *run, behind func() error) error) {
	g := b.flow
	n.do = func(*run) error { return nil }
	start := func(x *run) error {
		if each == nil {
			return x.follow(n, 0)
		}
		return each(x, func() error { return x.follow(n, 0) })
	}
	b.part(n, stage, options, part{
		declare: func(block *module.Batch) {
			block.OnBegin(func(ev *module.Event) error {
				x := g.begin(ev)
				return g.end(x, start(x))
			})
		},
		asked: func(q *asking) (all []spawn) {
			for id := range q.tasks {
				all = append(all, spawn{at: module.TaskID(id), start: start})
			}
			return all
		},
	})
	b.goesOn(n, stage)
}

// Materialized are rows that a batch block has kept on their tasks: see Materialize.
type Materialized[T any] struct{ m *materialized[T] }

type materialized[T any] struct {
	flow *graph
	node *node
	from int // the stage from which on they are read
	rows module.Rows[T]
}

// Materialize keeps rows, each on the task where it came to be, until the end of the
// microbatch or of the question: ExplodeMaterialized reads them, any number of times (promise
// 11.21). The flow goes on behind it at once.
func Materialize[T any](b *Block, row Expr[T], options ...HopOption) Materialized[T] {
	n := b.put("Materialize", text(row), 1, row)
	block := keptFrom(b.stage)
	m := &materialized[T]{flow: b.flow, node: n, from: 2*block - 1}
	var p *part
	p = b.part(n, m.from, options, part{
		declare: func(block *module.Batch) { module.DeclareRows(block, &m.rows, p.name) },
		asked:   func(*asking) []spawn { return nil },
	})
	n.simply(func(x *run) error {
		if x.asking == nil {
			m.rows.Add(x.ev, row.eval(x))
			return nil
		}
		at, v := x.place, row.eval(x)
		x.keep(func(q *asking) { m.kept(q).add(at, v) })
		return nil
	})
	return Materialized[T]{m}
}

// ExplodeMaterialized goes on when all rows are kept, on every task: what is behind it runs
// once for each row that is kept there, however often the place is reached. The rows may be
// those of another source of the topology that was declared before, so that what several
// sources bring can be joined.
func ExplodeMaterialized[T any](b *Block, rows Materialized[T], options ...HopOption) Var[T] {
	n := b.put("ExplodeMaterialized", "", 1)
	m := rows.m
	switch {
	case m == nil:
		n.mistake("has no rows", "keep some: flow.Materialize")
		return newVariable[T](b.flow, n.line)
	case m.flow != b.flow && (m.flow.query || b.flow.query || m.flow.front != b.flow.front || !m.flow.done):
		n.mistake("has rows of another topology, kept at "+m.node.line, "rows are read by the topology that keeps them")
	}
	stage := b.stage | 1 // a beginning
	if m.flow == b.flow {
		stage = max(stage, m.from)
	}
	v := newVariable[T](b.flow, n.line)
	b.begins(n, stage, options, func(x *run, behind func() error) error {
		for row := range m.all(x) {
			v.set(x, row)
			if err := behind(); err != nil {
				return err
			}
		}
		return nil
	})
	b.gives(n, v.v)
	return v
}
