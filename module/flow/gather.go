package flow

import (
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
)

// GroupBy gathers rows in a batch block: those of each key become one value, by an aggregator
// of package agg, and what is behind it runs once for each key, with the key and that value,
// where the placement says: module.AtKey for the task that keeps the key in a PState,
// module.ByKey for the key's hash (promise 13.13). Variables of before it are gone: what is to
// be known of a row is in its key or in its value.
//
// An aggregator that merges does so in two phases (promise 13.08): one value for each task and
// key crosses the network, however many rows there are. Of a PState's value that is aggregated
// behind it, Agg gives the new one, once for each key that has changed (promise 13.10).
func GroupBy[K comparable, V, A any](b *Block, key Expr[K], at module.Placement[K], by agg.Aggregator[V, A], row Expr[V], options ...HopOption) (Var[K], Var[A]) {
	n := b.put("GroupBy", text(key)+": "+text(row), 1, key, row)
	g := b.flow
	var rows module.GroupBy[K, V]
	n.do = func(x *run) error {
		if x.asking != nil {
			k, v := key.eval(x), row.eval(x)
			x.keep(func(q *asking) { groupsOf[K, V, A](q, n, by).add(k, v) })
			return nil
		}
		rows.Add(x.ev, key.eval(x), row.eval(x))
		return nil
	}
	var k Var[K]
	var a Var[A]
	stage := 2 * gatheredFrom(b.stage)
	place := placed(g, n, at)
	var p *part
	p = b.part(n, stage, options, part{
		declare: func(block *module.Batch) {
			module.DeclareGroupBy(block, &rows, p.name, at, by, func(ev *module.Event, key K, value A) error {
				x := g.begin(ev)
				k.set(x, key)
				a.set(x, value)
				return g.end(x, x.follow(n, 0))
			}, p.groups...)
		},
		asked: func(q *asking) (all []spawn) {
			for key, value := range groupsOf[K, V, A](q, n, by).results {
				all = append(all, spawn{at: place(q.host, key), node: n, fill: func(x *run) {
					k.set(x, key)
					a.set(x, value)
				}})
			}
			return all
		},
	})
	p.aggregates(by != nil && by.Accumulator().Valid())
	b.goesOn(n, stage)
	k, a = result[K](b, n), result[A](b, n)
	return k, a
}

// aggregates checks that there is an aggregator.
func (p *part) aggregates(how bool) {
	if !how {
		p.node.mistake("has no aggregator", "use agg.Sum, agg.Count or one of your own, with Add (or Combine)")
		p.used = func() bool { return false }
	}
}

// Aggregate gathers rows in a batch block: all of them become one value, and what is behind
// it runs once with that, on task 0, also where no row came. Then the value is what the
// aggregator makes of none, and the second variable false where that is nothing (promise
// 13.05). It does so in two phases, as GroupBy does: one value for each task crosses the network.
func Aggregate[V, A any](b *Block, by agg.Aggregator[V, A], row Expr[V], options ...HopOption) (Var[A], Var[bool]) {
	n := b.put("Aggregate", text(row), 1, row)
	g := b.flow
	var rows module.Aggregate[V]
	n.do = func(x *run) error {
		if x.asking != nil {
			v := row.eval(x)
			x.keep(func(q *asking) { groupsOf[struct{}, V, A](q, n, by).add(struct{}{}, v) })
			return nil
		}
		rows.Add(x.ev, row.eval(x))
		return nil
	}
	var a Var[A]
	var there Var[bool]
	stage := 2 * gatheredFrom(b.stage)
	var p *part
	p = b.part(n, stage, options, part{
		declare: func(block *module.Batch) {
			module.DeclareAggregate(block, &rows, p.name, by, func(ev *module.Event, value A, ok bool) error {
				x := g.begin(ev)
				a.set(x, value)
				there.set(x, ok)
				return g.end(x, x.follow(n, 0))
			}, p.groups...)
		},
		asked: func(q *asking) []spawn {
			value, ok := groupsOf[struct{}, V, A](q, n, by).total()
			return []spawn{{at: anywhere, node: n, fill: func(x *run) {
				a.set(x, value)
				there.set(x, ok)
			}}}
		},
	})
	p.aggregates(by != nil && by.Accumulator().Valid())
	b.goesOn(n, stage)
	a, there = result[A](b, n), result[bool](b, n)
	return a, there
}

// Side is a side of a Join: made by SideOf.
type Side[K, T any] struct {
	b    *Block
	key  Expr[K]
	rows Expr[T]
}

// SideOf is the side of a Join that is made of what gets to a block's place: a row each, with
// its key.
func SideOf[K comparable, T any](b *Block, key Expr[K], row Expr[T]) Side[K, T] {
	return Side[K, T]{b, key, row}
}

// Join gathers the rows of two sides in a batch block, and returns a block behind it: what is
// put there runs for each pair of a left and a right row that have the same key, and for
// those without a partner as the kind says (promise 11.20), where the placement says. Both
// blocks end; their variables are gone. The sides are two ways of one flow: branches
// (Block.Anchor, Anchor.Hook), or rows that were kept (ExplodeMaterialized), which may
// be those of several sources.
//
//	b, pair := flow.Join(flow.SideOf(b, fruit, pieces), flow.SideOf(other, fruitToo, price), module.ByKey[string](), module.InnerJoin)
func Join[K comparable, L, R any](left Side[K, L], right Side[K, R], at module.Placement[K], kind module.JoinKind, options ...HopOption) (*Block, Var[module.Joined[K, L, R]]) {
	l := left.b.put("JoinLeft", text(left.key)+": "+text(left.rows), 1, left.key, left.rows)
	g := left.b.flow
	if right.b == left.b || right.b.flow != g {
		if right.b == left.b {
			l.mistake("joins a way with itself", "take another one from the same place: Block.Anchor, Anchor.Hook")
		} else {
			l.mistake("joins ways of several sources", "keep the rows of one of them, flow.Materialize, and have the other read them, flow.ExplodeMaterialized")
		}
		b := &Block{flow: g, at: left.b.at}
		return b, result[module.Joined[K, L, R]](b, l)
	}
	r := right.b.put("JoinRight", text(right.key)+": "+text(right.rows), 1, right.key, right.rows)
	b := &Block{flow: g, at: joined(left.b.at, right.b.at)}
	left.b.outlets, right.b.outlets = nil, nil
	n := b.put("Join", kind.String(), 1)
	n.do = func(*run) error { return nil }
	var rows module.Join[K, L, R]
	l.do = func(x *run) error {
		key, row := left.key.eval(x), left.rows.eval(x)
		if x.asking != nil {
			x.keep(func(q *asking) { pairsOf[K, L, R](q, n).left(key, row) })
			return nil
		}
		rows.Left(x.ev, key, row)
		return nil
	}
	r.do = func(x *run) error {
		key, row := right.key.eval(x), right.rows.eval(x)
		if x.asking != nil {
			x.keep(func(q *asking) { pairsOf[K, L, R](q, n).right(key, row) })
			return nil
		}
		rows.Right(x.ev, key, row)
		return nil
	}
	var pair Var[module.Joined[K, L, R]]
	stage := 2 * gatheredFrom(b.stage)
	place := placed(g, n, at)
	var p *part
	p = b.part(n, stage, options, part{
		declare: func(block *module.Batch) {
			module.DeclareJoin(block, &rows, p.name, at, kind, func(ev *module.Event, joined module.Joined[K, L, R]) error {
				x := g.begin(ev)
				pair.set(x, joined)
				return g.end(x, x.follow(n, 0))
			})
		},
		asked: func(q *asking) (all []spawn) {
			for joined := range pairsOf[K, L, R](q, n).joined(kind) {
				all = append(all, spawn{at: place(q.host, joined.Key), node: n, fill: func(x *run) { pair.set(x, joined) }})
			}
			return all
		},
	})
	if len(p.groups) > 0 {
		n.mistake("has an option for aggregators", "all rows of a join travel: leave Grouped out")
	}
	b.goesOn(n, stage)
	pair = result[module.Joined[K, L, R]](b, n)
	return b, pair
}
