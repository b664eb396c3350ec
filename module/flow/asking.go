package flow

import (
	"fmt"
	"iter"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/task"
)

// asking is one run of a query. Its events, which hops and batch blocks divide it into, run in
// waves: all that are to be run, at the same time, then all that they have hopped to, and so
// on; then those that begin with what was gathered. What they gather is put together between
// waves, in their order, so that an answer hangs on what was read alone.
type asking struct {
	flow    *graph
	asked   *module.Asked
	host    *module.Event // finds the tasks of keys
	tasks   int
	memory  map[*node]any
	answer  any // a pointer
	answers int
}

// asked is what a run knows of the query that it belongs to.
type asked struct {
	asking  *asking // nil in a topology
	part    *module.Asked
	place   task.ID // that it reads; anywhere: that of each key
	spawned []spawn
	kept    []func(*asking)
}

// anywhere is the task of events that read keys wherever they are.
const anywhere = task.None

// spawn is an event that is to be run: what is behind an outlet of a node.
type spawn struct {
	at    task.ID
	node  *node
	index int
	fill  func(x *run)       // sets its variables
	start func(x *run) error // instead of what is behind the node
}

// ask answers a question.
func (g *graph) ask(a *module.Asked, argument func(x *run)) (answer any, err error) {
	q := &asking{flow: g, asked: a, host: module.AskedEvent(a, 0), tasks: a.Tasks(), memory: map[*node]any{}}
	due := []spawn{{at: anywhere, node: g.nodes[0], fill: argument}}
	for stage := 0; stage <= g.high; stage++ {
		for _, p := range g.parts {
			if p.stage == stage && stage > 0 && (p.used == nil || p.used()) {
				due = append(due, p.asked(q)...)
			}
		}
		if err := q.host.StateView().Failure(); err != nil {
			return nil, err
		}
		for len(due) > 0 {
			if due, err = q.wave(due); err != nil {
				return nil, err
			}
		}
	}
	if q.answers != 1 {
		return nil, fmt.Errorf("the flow gave %d answers: it is to give one, in each run", q.answers)
	}
	return q.answer, nil
}

// wave runs events at the same time, and returns those that they have hopped to.
func (q *asking) wave(all []spawn) (next []spawn, err error) {
	runs, err := module.EachPlace(q.asked, all, func(s spawn) task.ID { return s.at }, q.event)
	if err != nil {
		return nil, err
	}
	for _, x := range runs {
		for _, keep := range x.kept {
			keep(q)
		}
		next = append(next, x.spawned...)
		q.flow.release(x)
	}
	return next, nil
}

func (q *asking) event(part *module.Asked, s spawn) (*run, error) {
	x := q.flow.begin(module.AskedEvent(part, s.at))
	x.reader, x.asked = part, asked{asking: q, part: part, place: s.at}
	if s.fill != nil {
		s.fill(x)
	}
	var err error
	if s.start != nil {
		err = s.start(x)
	} else {
		err = x.follow(s.node, s.index)
	}
	if err = x.turns(err); err == nil {
		err = part.StateView().Failure()
	}
	return x, err
}

// hops goes on elsewhere, with what is used there.
func (x *run) hops(h *hop, to task.ID) {
	cells := make([]cell, len(h.carried))
	for i, v := range h.carried {
		cells[i] = x.cells[v.id].copied()
	}
	s := spawn{at: to, node: h.node, fill: func(y *run) {
		for i, v := range h.carried {
			y.cells[v.id] = cells[i].copied()
		}
	}}
	if to != everywhere {
		x.spawned = append(x.spawned, s)
		return
	}
	for id := range x.asking.tasks {
		s.at = task.ID(id)
		x.spawned = append(x.spawned, s)
	}
}

// keep has something be put into the query's memory when the wave is over.
func (x *run) keep(f func(q *asking)) { x.kept = append(x.kept, f) }

// kept returns what a query remembers for a node, new at first.
func kept[T any](q *asking, n *node) *T {
	have, ok := q.memory[n].(*T)
	if !ok {
		have = new(T)
		q.memory[n] = have
	}
	return have
}

// ordered is a map in the order in which its keys came.
type ordered[K comparable, V any] struct {
	keys []K
	at   map[K]V
}

// change replaces what is under a key, zero if there is nothing.
func (o *ordered[K, V]) change(k K, f func(v V, there bool) V) {
	v, there := o.at[k]
	if !there {
		o.keys = append(o.keys, k)
		if o.at == nil {
			o.at = map[K]V{}
		}
	}
	o.at[k] = f(v, there)
}

// groups are the rows of a GroupBy or an Aggregate.
type groups[K comparable, V, A any] struct {
	all ordered[K, A]
	by  agg.Accumulator[V, A]
}

func groupsOf[K comparable, V, A any](q *asking, n *node, by agg.Aggregator[V, A]) *groups[K, V, A] {
	g := kept[groups[K, V, A]](q, n)
	g.by = by.Accumulator()
	return g
}

func (g *groups[K, V, A]) add(k K, v V) {
	g.all.change(k, func(a A, there bool) A {
		if there {
			return g.by.Add(a, v)
		}
		return g.by.Part(v)
	})
}

// results are what the rows came to; those of which nothing is left are left out.
func (g *groups[K, V, A]) results(yield func(K, A) bool) {
	for _, k := range g.all.keys {
		if a, ok := g.by.Result(g.all.at[k]); ok && !yield(k, a) {
			return
		}
	}
}

// total is what all rows came to; false: nothing is.
func (g *groups[K, V, A]) total() (a A, ok bool) {
	for _, a := range g.results {
		return a, true
	}
	if len(g.all.keys) == 0 {
		return g.by.Nothing()
	}
	return a, false
}

// pairs are the rows of a Join.
type pairs[K comparable, L, R any] struct{ all ordered[K, sides[L, R]] }

type sides[L, R any] struct {
	left  []L
	right []R
}

func pairsOf[K comparable, L, R any](q *asking, n *node) *pairs[K, L, R] {
	return kept[pairs[K, L, R]](q, n)
}

func (p *pairs[K, L, R]) left(k K, row L) {
	p.all.change(k, func(s sides[L, R], _ bool) sides[L, R] { s.left = append(s.left, row); return s })
}

func (p *pairs[K, L, R]) right(k K, row R) {
	p.all.change(k, func(s sides[L, R], _ bool) sides[L, R] { s.right = append(s.right, row); return s })
}

// joined gives each pair, and the rows that have no partner where the kind wants them.
func (p *pairs[K, L, R]) joined(kind module.JoinKind) iter.Seq[module.Joined[K, L, R]] {
	return func(yield func(module.Joined[K, L, R]) bool) {
		for _, k := range p.all.keys {
			s := p.all.at[k]
			for out := range module.Pairs(k, s.left, s.right, kind) {
				if !yield(out) {
					return
				}
			}
		}
	}
}

// keptRows are the rows of a Materialize, by task.
type keptRows[T any] struct{ at map[task.ID][]T }

func (r *keptRows[T]) add(at task.ID, row T) {
	if at == anywhere {
		at = 0
	}
	if r.at == nil {
		r.at = map[task.ID][]T{}
	}
	r.at[at] = append(r.at[at], row)
}

// all are the rows of the event's task.
func (m *materialized[T]) all(x *run) iter.Seq[T] {
	if x.asking == nil {
		return m.rows.All(x.ev)
	}
	return func(yield func(T) bool) {
		for _, row := range m.kept(x.asking).at[x.place] {
			if !yield(row) {
				return
			}
		}
	}
}

func (m *materialized[T]) kept(q *asking) *keptRows[T] { return kept[keptRows[T]](q, m.node) }
