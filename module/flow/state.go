package flow

import (
	"fmt"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// keyed is a structure with something under each key.
type keyed[K, E any] interface {
	pstate.Located
	Key(K) E
}

// Of leads to a PState as a whole.
func Of[H pstate.Located](h *H) Expr[H] {
	text := typeName[H]()
	decl := func() *overlay.Decl {
		if h == nil {
			return nil
		}
		return pstate.DeclOfLocated(*h)
	}
	if d := decl(); d != nil {
		text = d.Name
	}
	return &expr[H]{compute: func(*run) H { return *h }, text: text, decl: decl}
}

// OfValue leads to a PState that is one value.
func OfValue[T any](v *pstate.Value[T]) Expr[pstate.Value[T]] {
	text := typeName[pstate.Value[T]]()
	decl := func() *overlay.Decl {
		if v == nil {
			return nil
		}
		return pstate.DeclOfValue(*v)
	}
	if d := decl(); d != nil {
		text = d.Name
	}
	return &expr[pstate.Value[T]]{compute: func(*run) pstate.Value[T] { return *v }, text: text, decl: decl}
}

// Key leads to what a PState has under a key.
func Key[H keyed[K, E], K, E any](h *H, key Expr[K]) Expr[E] { return Under(Of(h), key) }

// Under leads to what a structure has under a key: from one level of a PState to the next.
//
//	flow.Under(flow.Key(&m.Beside, first), second)
func Under[H keyed[K, E], K, E any](h Expr[H], key Expr[K]) Expr[E] {
	return &expr[E]{
		compute: func(x *run) E { return h.eval(x).Key(key.eval(x)) }, parts: []looker{h, key},
		text: text(h) + "[" + text(key) + "]",
	}
}

// Get reads a value, zero if it is not there.
func Get[T any](b *Block, place Expr[pstate.Value[T]]) Var[T] {
	n := b.touches("Get", text(place), false, place)
	v := result[T](b, n)
	n.simply(func(x *run) error {
		value, err := place.eval(x).Get(x.reader)
		v.set(x, value)
		return err
	})
	return v
}

// Lookup reads a value and whether it is there.
func Lookup[T any](b *Block, place Expr[pstate.Value[T]]) (Var[T], Var[bool]) {
	n := b.touches("Lookup", text(place), false, place)
	v, there := result[T](b, n), result[bool](b, n)
	n.simply(func(x *run) error {
		value, ok, err := place.eval(x).Lookup(x.reader)
		v.set(x, value)
		there.set(x, ok)
		return err
	})
	return v, there
}

// Set writes a value.
func Set[T any](b *Block, place Expr[pstate.Value[T]], value Expr[T]) {
	n := b.touches("Set", text(place)+" = "+text(value), true, place, value)
	n.simply(func(x *run) error {
		place.eval(x).Set(x.ev, value.eval(x))
		return nil
	})
}

// Update replaces a value (zero if it is not there) by f of it and of an argument, and
// gives the new one.
func Update[T, A any](b *Block, place Expr[pstate.Value[T]], f func(T, A) T, a Expr[A]) Var[T] {
	n := b.touches("Update", text(place)+" = "+callText(f, a), true, place, a)
	n.needs(f == nil, "func("+typeName[T]()+", "+typeName[A]()+") "+typeName[T]())
	v := result[T](b, n)
	n.simply(func(x *run) error {
		by := a.eval(x)
		v.set(x, place.eval(x).Update(x.ev, func(have T) T { return f(have, by) }))
		return nil
	})
	return v
}

// Delete removes a value.
func Delete[T any](b *Block, place Expr[pstate.Value[T]]) {
	n := b.touches("Delete", text(place), true, place)
	n.simply(func(x *run) error {
		place.eval(x).Delete(x.ev)
		return nil
	})
}

// touches puts an operation on a PState into the flow.
func (b *Block) touches(verb, text string, writes bool, reads ...looker) *node {
	n := b.put(verb, text, 1, reads...)
	l := &look{}
	if reads[0] != nil {
		reads[0].look(l)
	}
	if l.decl == nil {
		return n
	}
	g := b.flow
	g.front.Declare(n.line, func() {
		g.front.Check(func() {
			thing := "flow." + verb
			switch d := l.decl(); {
			case d == nil:
				g.front.Mistake(thing, "leads into a PState that is not declared", "declare it with PState of its topology")
			case writes && !g.query && d.Owner != g.front.Plan().Name:
				g.front.Mistake(thing, fmt.Sprintf("writes PState %q, which topology %q declares", d.Name, d.Owner), "only the topology that declares a PState writes it")
			}
		})
	})
	return n
}

// Path makes the path of a LocalSelect or a transform from an expression; package nav
// makes paths.
//
//	flow.Path(func(w string) nav.Path[nav.Root, int, nav.Value] { return nav.Key(nav.From(m.Counts), w) }, word)
func Path[A, E, M any](f func(A) nav.Path[nav.Root, E, M], a Expr[A]) Expr[nav.Path[nav.Root, E, M]] {
	return F1(f, a)
}

// Along is a path that is the same for all that come by.
//
//	flow.LocalSelect(b, flow.Along(nav.MapVals(nav.From(m.Counts))))
func Along[E, M any](path nav.Path[nav.Root, E, M]) Expr[nav.Path[nav.Root, E, M]] {
	return &expr[nav.Path[nav.Root, E, M]]{compute: func(*run) nav.Path[nav.Root, E, M] { return path }, text: "path"}
}

// LocalSelect runs what is behind it once for everything that a path leads to on this
// task, in its order.
func LocalSelect[E, M any](b *Block, path Expr[nav.Path[nav.Root, E, M]]) Var[E] {
	n := b.put("LocalSelect", text(path), 1, path)
	v := result[E](b, n)
	n.do = func(x *run) error {
		for value, err := range nav.Select(x.reader, path.eval(x)) {
			if err != nil {
				return err
			}
			v.set(x, value)
			if err := x.follow(n, 0); err != nil {
				return err
			}
		}
		return nil
	}
	return v
}

// LocalSelectAll reads everything that a path leads to on this task, as a slice.
func LocalSelectAll[E, M any](b *Block, path Expr[nav.Path[nav.Root, E, M]]) Var[[]E] {
	n := b.put("LocalSelectAll", text(path), 1, path)
	v := result[[]E](b, n)
	n.simply(func(x *run) error {
		all, err := nav.SelectAll(x.reader, path.eval(x))
		v.set(x, all)
		return err
	})
	return v
}

// Select is a HopAt to the task where a PState keeps a key, and a LocalSelect there.
func Select[K any, H pstate.Keyed[K], E, M any](b *Block, h *H, key Expr[K], path Expr[nav.Path[nav.Root, E, M]], options ...HopOption) Var[E] {
	HopAt(b, h, key, options...)
	return LocalSelect(b, path)
}

// LocalSet replaces everything that a path leads to.
func LocalSet[E any](b *Block, path Expr[nav.Path[nav.Root, E, nav.Value]], value Expr[E]) {
	n := b.put("LocalSet", text(path)+" = "+text(value), 1, path, value)
	n.simply(func(x *run) error {
		nav.Set(x.ev, path.eval(x), value.eval(x))
		return nil
	})
}

// LocalTransform replaces everything that a path leads to by f of it and of an argument.
func LocalTransform[E, A any](b *Block, path Expr[nav.Path[nav.Root, E, nav.Value]], f func(E, A) E, a Expr[A]) {
	n := b.put("LocalTransform", text(path)+" = "+callText(f, a), 1, path, a)
	n.needs(f == nil, "func("+typeName[E]()+", "+typeName[A]()+") "+typeName[E]())
	n.simply(func(x *run) error {
		by := a.eval(x)
		nav.Update(x.ev, path.eval(x), func(have E) E { return f(have, by) })
		return nil
	})
}

// LocalDelete removes everything that a path leads to.
func LocalDelete[E any, M nav.Removable](b *Block, path Expr[nav.Path[nav.Root, E, M]]) {
	n := b.put("LocalDelete", text(path), 1, path)
	n.simply(func(x *run) error {
		nav.Delete(x.ev, path.eval(x))
		return nil
	})
}
