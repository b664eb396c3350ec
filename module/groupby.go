package module

import (
	"fmt"

	"github.com/coppice-run/coppice/internal/host"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/task"
)

// GroupBy is the handle of a part of a batch block that makes one value of all rows of a key
// (promise 13.13).
type GroupBy[K comparable, V any] struct{ g groupDecl[K, V] }

type groupDecl[K comparable, V any] struct {
	collector
	add func(h *host.Event, k K, v V)
}

// GroupOption changes how a GroupBy or an Aggregate gathers its rows.
type GroupOption func(*groupOptions)

type groupOptions struct {
	onePhase bool
	partRows int
}

// PartRows has a part leave when it was made of so many rows, and another one begin: 0 keeps it
// until the block is closed. It bounds what one hop carries, and what the task of the rows
// keeps. Default 0, and 1,000 for aggregators that grow (agg.Accumulator.Grows).
func PartRows(rows int) GroupOption { return func(o *groupOptions) { o.partRows = rows } }

// partRowsDefault is how many rows a part is made of whose aggregator grows.
const partRowsDefault = 1000

// OnePhase sends every row to the task of its key at once, instead of one value for each
// task and key. It saves memory on the tasks of the rows, where hardly two of them have the
// same key. Aggregators that do not merge always do so.
func OnePhase() GroupOption { return func(o *groupOptions) { o.onePhase = true } }

// DeclareGroupBy declares that the rows of each key become one value, and that f runs with
// it, once for each key, on the task that the placement says: AtKey for the one that has the
// key in a PState, ByKey for the key's hash.
//
// An aggregator that merges does so in two phases (promise 13.08): on each task that rows
// were added on, and then on the task of the key. One value for each task and key crosses the
// network, however many rows there are. Which task's values come first is not said.
//
// f is an event of its own, like that of a step. What it returns from agg.Into or Update is the new
// value of a PState, once for each key that has changed: give it on to a later block.
//
// Hand over rows that nobody changes any more: what they refer to is kept.
func DeclareGroupBy[K comparable, V, A any](b *Batch, g *GroupBy[K, V], name string, at Placement[K], by agg.Aggregator[V, A], f func(*Event, K, A) error, options ...GroupOption) {
	b.stream.b.handle(fmt.Sprintf("part %q of %s", name, b.thing()), g)
	if f == nil {
		b.stream.b.mistake(fmt.Sprintf("part %q of %s", name, b.thing()), "has no handler", fmt.Sprintf("pass a func(*module.Event, %s, %s) error", typeName[K](), typeName[A]()))
		return
	}
	var each Step[agg.Pair[K, A]]
	ok := gather(b, &g.g, name, at, by, func(h *host.Event, c *groupCell[K, A], how agg.Accumulator[V, A]) {
		for _, result := range c.settle(how.Result) {
			each.hop(h, h.Task, result)
		}
	}, options)
	if ok {
		b.plan.Parts[len(b.plan.Parts)-1] += ", by " + typeName[K]()
		DeclareStep(b.stream, &each, name, Stay[agg.Pair[K, A]](), func(ev *Event, p agg.Pair[K, A]) error { return f(ev, p.Key, p.Val) })
	}
}

// Add adds a row.
func (g GroupBy[K, V]) Add(ev *Event, k K, v V) {
	if h := g.g.adds(ev); h != nil {
		g.g.add(h, k, v)
	}
}

// Aggregate is the handle of a part of a batch block that makes one value of all rows.
type Aggregate[V any] struct{ g groupDecl[struct{}, V] }

// total is what an Aggregate gives out.
type total[A any] struct {
	Value A
	There bool
}

// DeclareAggregate declares that all rows become one value, and that f runs with it on task 0,
// once in each microbatch, also where there is no row: then with what the aggregator makes of
// none, or with ok false where that is nothing (promise 13.05). Rows are gathered in two
// phases like those of a GroupBy: one value for each task crosses the network.
func DeclareAggregate[V, A any](b *Batch, g *Aggregate[V], name string, by agg.Aggregator[V, A], f func(ev *Event, a A, ok bool) error, options ...GroupOption) {
	b.stream.b.handle(fmt.Sprintf("part %q of %s", name, b.thing()), g)
	if f == nil {
		b.stream.b.mistake(fmt.Sprintf("part %q of %s", name, b.thing()), "has no handler", fmt.Sprintf("pass a func(*module.Event, %s, bool) error", typeName[A]()))
		return
	}
	var each Step[total[A]]
	ok := gather(b, &g.g, name, Global[struct{}](), by, func(h *host.Event, c *groupCell[struct{}, A], how agg.Accumulator[V, A]) {
		if h.Task != globalTask {
			return
		}
		var t total[A]
		switch results := c.settle(how.Result); {
		case len(results) > 0:
			t = total[A]{results[0].Val, true}
		case len(c.groups.all) == 0:
			t.Value, t.There = how.Nothing()
		}
		each.hop(h, h.Task, t)
	}, options)
	if ok {
		DeclareStep(b.stream, &each, name, Global[total[A]](), func(ev *Event, t total[A]) error { return f(ev, t.Value, t.There) })
	}
}

// Add adds a row.
func (g Aggregate[V]) Add(ev *Event, v V) {
	if h := g.g.adds(ev); h != nil {
		g.g.add(h, struct{}{}, v)
	}
}

// gather declares what brings rows to the task of their keys: parts of them if the
// aggregator merges, else the rows themselves.
func gather[K comparable, V, A any](b *Batch, g *groupDecl[K, V], name string, at Placement[K], by agg.Aggregator[V, A], yield func(*host.Event, *groupCell[K, A], agg.Accumulator[V, A]), options []GroupOption) (ok bool) {
	var how agg.Accumulator[V, A]
	if by != nil {
		how = by.Accumulator()
	}
	var chosen groupOptions
	if how.Grows {
		chosen.partRows = partRowsDefault
	}
	for _, o := range options {
		o(&chosen)
	}
	if !how.Valid() {
		b.stream.b.mistake(fmt.Sprintf("part %q of %s", name, b.thing()), "has no aggregator", "use agg.Sum, agg.Count or one of your own, with Add (or Combine)")
		return false
	}
	words := "one phase"
	if how.Merge != nil && !chosen.onePhase {
		words = "two phases"
	}
	g.collector = collector{b, name, b.part(fmt.Sprintf("%s: %s to %s in %s", name, typeName[V](), typeName[A](), words))}
	cell := func(h *host.Event) *groupCell[K, A] {
		return h.Memory.Cell(g.cell, func() host.Cell { return &groupCell[K, A]{} }).(*groupCell[K, A])
	}
	if how.Merge != nil && !chosen.onePhase {
		inParts(b, g, at, how, chosen.partRows, cell)
	} else {
		inRows(b, g, at, how, cell)
	}
	b.yields = append(b.yields, func(ev *Event) { yield(&ev.host, cell(&ev.host), how) })
	return true
}

// inParts gathers rows on the task that they are added on; the part of each key is sent when
// it is made of enough of them, or when the block is closed.
func inParts[K comparable, V, A any](b *Batch, g *groupDecl[K, V], at Placement[K], how agg.Accumulator[V, A], most int, cell func(*host.Event) *groupCell[K, A]) {
	var merge Step[agg.Pair[K, A]]
	var full Step[K]
	g.add = func(h *host.Event, k K, v V) {
		c := cell(h)
		if i, there := c.parts.at[k]; !there {
			at.place(h, k) // a key that has no place fails the event that adds it
		} else if most > 0 && c.parts.all[i].Val.rows >= most {
			full.hop(h, h.Task, k)
		}
		h.Keep(func() {
			cell(h).parts.take(k, func() portion[A] { return portion[A]{how.Part(v), 1} }, func(p portion[A]) portion[A] { return portion[A]{how.Add(p.made, v), p.rows + 1} })
		})
	}
	DeclareStep(b.stream, &merge, g.name+"-parts", keyed[K, A](at), func(ev *Event, p agg.Pair[K, A]) error {
		h := &ev.host
		h.Keep(func() {
			cell(h).groups.take(p.Key, func() A { return p.Val }, func(a A) A { return how.Merge(a, p.Val) })
		})
		return nil
	})
	send := func(h *host.Event, k K, p portion[A]) {
		merge.hop(h, at.place(h, k), agg.Pair[K, A]{Key: k, Val: p.made})
	}
	if most > 0 {
		DeclareStep(b.stream, &full, g.name+"-full", Stay[K](), func(ev *Event, k K) error {
			h, c := &ev.host, cell(&ev.host)
			if i, there := c.parts.at[k]; there && c.parts.all[i].Val.rows >= most { // else it has left already
				send(h, k, c.parts.all[i].Val)
				h.Keep(func() { cell(h).parts.drop(k) })
			}
			return nil
		})
	}
	b.ships = append(b.ships, func(ev *Event) {
		for _, p := range cell(&ev.host).parts.all {
			send(&ev.host, p.Key, p.Val)
		}
	})
}

// inRows sends each row to the task of its key.
func inRows[K comparable, V, A any](b *Batch, g *groupDecl[K, V], at Placement[K], how agg.Accumulator[V, A], cell func(*host.Event) *groupCell[K, A]) {
	var row Step[agg.Pair[K, V]]
	g.add = func(h *host.Event, k K, v V) {
		row.hop(h, at.place(h, k), agg.Pair[K, V]{Key: k, Val: v})
	}
	DeclareStep(b.stream, &row, g.name+"-rows", keyed[K, V](at), func(ev *Event, p agg.Pair[K, V]) error {
		h := &ev.host
		h.Keep(func() {
			cell(h).groups.take(p.Key, func() A { return how.Part(p.Val) }, func(a A) A { return how.Add(a, p.Val) })
		})
		return nil
	})
}

// keyed places pairs where their keys are.
func keyed[K, V any](at Placement[K]) Placement[agg.Pair[K, V]] {
	p := Placement[agg.Pair[K, V]]{describe: at.describe, check: at.check}
	if at.place != nil {
		p.place = func(h *host.Event, p agg.Pair[K, V]) task.ID { return at.place(h, p.Key) }
	}
	return p
}
