package flow

import (
	"cmp"
	"iter"
	"maps"
	"slices"

	"github.com/coppice-run/coppice/module"
)

// Each computes an expression and keeps it in a variable.
func Each[T any](b *Block, value Expr[T]) Var[T] {
	n := b.put("Each", text(value), 1, value)
	v := result[T](b, n)
	n.simply(func(x *run) error {
		v.set(x, value.eval(x))
		return nil
	})
	return v
}

// Do1 calls a function that gives nothing: it may use the event as a handler does. Its
// error fails the event.
func Do1[A any](b *Block, f func(*module.Event, A) error, a Expr[A]) {
	n := b.put("Do1", callText(f, a), 1, a)
	n.needs(f == nil, "func(*module.Event, "+typeName[A]()+") error")
	n.simply(func(x *run) error { return f(x.ev, a.eval(x)) })
}

// Do2 is Do1 with two arguments.
func Do2[A, B any](b *Block, f func(*module.Event, A, B) error, first Expr[A], second Expr[B]) {
	n := b.put("Do2", callText(f, first, second), 1, first, second)
	n.needs(f == nil, "func(*module.Event, "+typeName[A]()+", "+typeName[B]()+") error")
	n.simply(func(x *run) error { return f(x.ev, first.eval(x), second.eval(x)) })
}

// Try1 calls a function that may fail, and may use the event as a handler does: it reads
// PStates, among others. Its error fails the event; module.Reject and module.Park end the
// record.
func Try1[A, T any](b *Block, f func(*module.Event, A) (T, error), a Expr[A]) Var[T] {
	n := b.put("Try1", callText(f, a), 1, a)
	n.needs(f == nil, "func(*module.Event, "+typeName[A]()+") ("+typeName[T]()+", error)")
	v := result[T](b, n)
	n.simply(func(x *run) error {
		value, err := f(x.ev, a.eval(x))
		v.set(x, value)
		return err
	})
	return v
}

// Try2 is Try1 with two arguments.
func Try2[A, B, T any](b *Block, f func(*module.Event, A, B) (T, error), first Expr[A], second Expr[B]) Var[T] {
	n := b.put("Try2", callText(f, first, second), 1, first, second)
	n.needs(f == nil, "func(*module.Event, "+typeName[A]()+", "+typeName[B]()+") ("+typeName[T]()+", error)")
	v := result[T](b, n)
	n.simply(func(x *run) error {
		value, err := f(x.ev, first.eval(x), second.eval(x))
		v.set(x, value)
		return err
	})
	return v
}

func (n *node) needs(missing bool, signature string) {
	if missing {
		n.mistake("has no function", "pass a "+signature)
	}
}

// Expand2 takes a value apart into two variables.
func Expand2[A, T, U any](b *Block, f func(A) (T, U), a Expr[A]) (Var[T], Var[U]) {
	n := b.put("Expand2", callText(f, a), 1, a)
	n.needs(f == nil, "func("+typeName[A]()+") ("+typeName[T]()+", "+typeName[U]()+")")
	t, u := result[T](b, n), result[U](b, n)
	n.simply(func(x *run) error {
		first, second := f(a.eval(x))
		t.set(x, first)
		u.set(x, second)
		return nil
	})
	return t, u
}

// Expand3 takes a value apart into three variables.
func Expand3[A, T, U, V any](b *Block, f func(A) (T, U, V), a Expr[A]) (Var[T], Var[U], Var[V]) {
	n := b.put("Expand3", callText(f, a), 1, a)
	n.needs(f == nil, "func("+typeName[A]()+") ("+typeName[T]()+", "+typeName[U]()+", "+typeName[V]()+")")
	t, u, v := result[T](b, n), result[U](b, n), result[V](b, n)
	n.simply(func(x *run) error {
		first, second, third := f(a.eval(x))
		t.set(x, first)
		u.set(x, second)
		v.set(x, third)
		return nil
	})
	return t, u, v
}

// Explode runs what is behind it once for each element of a slice.
func Explode[S ~[]T, T any](b *Block, all Expr[S]) Var[T] {
	n := b.put("Explode", text(all), 1, all)
	v := result[T](b, n)
	n.do = func(x *run) error {
		for _, value := range all.eval(x) {
			v.set(x, value)
			if err := x.follow(n, 0); err != nil {
				return err
			}
		}
		return nil
	}
	return v
}

// ExplodeSeq runs what is behind it once for each element of a sequence, which must be
// the same whenever it is gone through for one record.
func ExplodeSeq[T any](b *Block, all Expr[iter.Seq[T]]) Var[T] {
	n := b.put("ExplodeSeq", text(all), 1, all)
	v := result[T](b, n)
	n.do = func(x *run) error {
		for value := range all.eval(x) {
			v.set(x, value)
			if err := x.follow(n, 0); err != nil {
				return err
			}
		}
		return nil
	}
	return v
}

// ExplodeIndexed runs what is behind it once for each element of a slice, with its index.
func ExplodeIndexed[S ~[]T, T any](b *Block, all Expr[S]) (Var[int], Var[T]) {
	n := b.put("ExplodeIndexed", text(all), 1, all)
	index, v := result[int](b, n), result[T](b, n)
	n.do = func(x *run) error {
		for i, value := range all.eval(x) {
			index.set(x, i)
			v.set(x, value)
			if err := x.follow(n, 0); err != nil {
				return err
			}
		}
		return nil
	}
	return index, v
}

// ExplodeMap runs what is behind it once for each entry of a map, in the order of the
// keys: that of a Go map differs from run to run.
func ExplodeMap[M ~map[K]T, K cmp.Ordered, T any](b *Block, all Expr[M]) (Var[K], Var[T]) {
	n := b.put("ExplodeMap", text(all), 1, all)
	key, v := result[K](b, n), result[T](b, n)
	n.do = func(x *run) error {
		entries := all.eval(x)
		for _, k := range slices.Sorted(maps.Keys(entries)) {
			key.set(x, k)
			v.set(x, entries[k])
			if err := x.follow(n, 0); err != nil {
				return err
			}
		}
		return nil
	}
	return key, v
}

// Range runs what is behind it once for each number from low on, before high
// (promise 3.36).
func Range[T ~int | ~int32 | ~int64](b *Block, low, high Expr[T]) Var[T] {
	n := b.put("Range", text(low)+" to "+text(high), 1, low, high)
	v := result[T](b, n)
	n.do = func(x *run) error {
		for i, end := low.eval(x), high.eval(x); i < end; i++ {
			v.set(x, i)
			if err := x.follow(n, 0); err != nil {
				return err
			}
		}
		return nil
	}
	return v
}
