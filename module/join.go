package module

import (
	"fmt"
	"iter"

	"github.com/coppice-run/coppice/internal/host"
	"github.com/coppice-run/coppice/module/agg"
)

// Join is the handle of a part of a batch block that brings rows of two sides together
// (promise 11.20).
type Join[K comparable, L, R any] struct{ j joinDecl[K, L, R] }

type joinDecl[K comparable, L, R any] struct {
	collector
	at    Placement[K]
	left  Step[agg.Pair[K, L]]
	right Step[agg.Pair[K, R]]
}

// JoinKind says which rows come out that have no partner.
type JoinKind uint8

// The kinds of joins.
const (
	InnerJoin JoinKind = iota // none
	LeftJoin                  // those of the left side
	RightJoin                 // those of the right side
	OuterJoin                 // those of both sides
)

func (k JoinKind) String() string { return [...]string{"inner", "left", "right", "outer"}[k] }

// Joined is a row of each side with the same key, or of one side that has no partner.
type Joined[K, L, R any] struct {
	Key               K
	Left              L
	Right             R
	HasLeft, HasRight bool
}

type joinCell[K comparable, L, R any] struct {
	sides gathered[K, joinSides[L, R]]
}

type joinSides[L, R any] struct {
	left  []L
	right []R
}

// BatchCell makes it a cell.
func (*joinCell[K, L, R]) BatchCell() {}

// DeclareJoin declares that rows of two sides meet on the task that the placement says, and
// that f runs there for each pair of one of either side that have the same key: every left
// one with every right one. The kind says what becomes of rows without a partner. All rows
// cross the network. f is an event of its own, like that of a step.
//
// Joins of more than two sides are joins one after another, in blocks one after another.
func DeclareJoin[K comparable, L, R any](b *Batch, j *Join[K, L, R], name string, at Placement[K], kind JoinKind, f func(*Event, Joined[K, L, R]) error) {
	thing := fmt.Sprintf("part %q of %s", name, b.thing())
	b.stream.b.handle(thing, j)
	if f == nil {
		b.stream.b.mistake(thing, "has no handler", "pass a func(*module.Event, "+typeName[Joined[K, L, R]]()+") error")
		return
	}
	if kind > OuterJoin {
		b.stream.b.mistake(thing, fmt.Sprintf("has kind %d", uint8(kind)), "use InnerJoin, LeftJoin, RightJoin or OuterJoin")
		return
	}
	d := &j.j
	d.collector = collector{b, name, b.part(fmt.Sprintf("%s: %v join of %s and %s, by %s", name, kind, typeName[L](), typeName[R](), typeName[K]()))}
	d.at = at
	none := func() joinSides[L, R] { return joinSides[L, R]{} }
	DeclareStep(b.stream, &d.left, name+"-left", keyed[K, L](at), func(ev *Event, p agg.Pair[K, L]) error {
		h := &ev.host
		h.Keep(func() {
			add := func(s joinSides[L, R]) joinSides[L, R] { s.left = append(s.left, p.Val); return s }
			d.memory(h).sides.take(p.Key, func() joinSides[L, R] { return add(none()) }, add)
		})
		return nil
	})
	DeclareStep(b.stream, &d.right, name+"-right", keyed[K, R](at), func(ev *Event, p agg.Pair[K, R]) error {
		h := &ev.host
		h.Keep(func() {
			add := func(s joinSides[L, R]) joinSides[L, R] { s.right = append(s.right, p.Val); return s }
			d.memory(h).sides.take(p.Key, func() joinSides[L, R] { return add(none()) }, add)
		})
		return nil
	})
	var each Step[Joined[K, L, R]]
	b.yields = append(b.yields, func(ev *Event) {
		h := &ev.host
		for _, key := range d.memory(h).sides.all {
			key.Val.pairs(kind, func(left *L, right *R) { each.hop(h, h.Task, joined(key.Key, left, right)) })
		}
	})
	DeclareStep(b.stream, &each, name, Stay[Joined[K, L, R]](), f)
}

func (d *joinDecl[K, L, R]) memory(h *host.Event) *joinCell[K, L, R] {
	return h.Memory.Cell(d.cell, func() host.Cell { return &joinCell[K, L, R]{} }).(*joinCell[K, L, R])
}

// pairs calls yield with each pair of rows, and with those that have no partner.
func (s *joinSides[L, R]) pairs(kind JoinKind, yield func(*L, *R)) {
	for i := range s.left {
		for j := range s.right {
			yield(&s.left[i], &s.right[j])
		}
		if len(s.right) == 0 && (kind == LeftJoin || kind == OuterJoin) {
			yield(&s.left[i], nil)
		}
	}
	if len(s.left) == 0 && (kind == RightJoin || kind == OuterJoin) {
		for j := range s.right {
			yield(nil, &s.right[j])
		}
	}
}

func joined[K, L, R any](k K, left *L, right *R) Joined[K, L, R] {
	out := Joined[K, L, R]{Key: k}
	if left != nil {
		out.Left, out.HasLeft = *left, true
	}
	if right != nil {
		out.Right, out.HasRight = *right, true
	}
	return out
}

// Pairs are what a join of the kind makes of the rows of one key: as batch blocks do it.
func Pairs[K, L, R any](k K, left []L, right []R, kind JoinKind) iter.Seq[Joined[K, L, R]] {
	return func(yield func(Joined[K, L, R]) bool) {
		more := true
		(&joinSides[L, R]{left, right}).pairs(kind, func(l *L, r *R) { more = more && yield(joined(k, l, r)) })
	}
}

// Left adds a row of the left side.
func (j Join[K, L, R]) Left(ev *Event, k K, row L) {
	if h := j.j.adds(ev); h != nil {
		j.j.left.hop(h, j.j.at.place(h, k), agg.Pair[K, L]{Key: k, Val: row})
	}
}

// Right adds a row of the right side.
func (j Join[K, L, R]) Right(ev *Event, k K, row R) {
	if h := j.j.adds(ev); h != nil {
		j.j.right.hop(h, j.j.at.place(h, k), agg.Pair[K, R]{Key: k, Val: row})
	}
}
