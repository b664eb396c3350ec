package nav

import (
	"errors"
	"fmt"

	"github.com/coppice-run/coppice/internal/overlay"
)

// ErrCount fails a transform that gives a [Subselect] another number of elements than the
// path led to.
var ErrCount = errors.New("as many elements as were selected have to be given")

// Stop leads nowhere.
func Stop[S, T, M any](Path[S, T, M]) Path[S, T, M] {
	return Path[S, T, M]{func(x *walk, _ *spot[S], _ func(*spot[T]) bool) bool { return x.err == nil }}
}

// Multi goes on along each of some parts, one after another.
func Multi[S, A, B, M, N any](p Path[S, A, M], parts ...Path[A, B, N]) Path[S, B, N] {
	return Path[S, B, N]{func(x *walk, root *spot[S], next func(*spot[B]) bool) bool {
		return p.walk(x, root, func(s *spot[A]) bool {
			for _, part := range parts {
				if !part.walk(x, s, next) {
					return false
				}
			}
			return true
		})
	}}
}

// If goes on along then where cond leads anywhere, and along otherwise where it does not;
// without otherwise it stops there.
func If[S, A, B, C, L, M, N any](p Path[S, A, L], cond Path[A, C, M], then Path[A, B, N], otherwise ...Path[A, B, N]) Path[S, B, N] {
	return Path[S, B, N]{func(x *walk, root *spot[S], next func(*spot[B]) bool) bool {
		return p.walk(x, root, func(s *spot[A]) bool {
			leads := anywhere(x, s, cond)
			switch {
			case x.err != nil:
				return false
			case leads:
				return then.walk(x, s, next)
			}
			for _, part := range otherwise {
				if !part.walk(x, s, next) {
					return false
				}
			}
			return true
		})
	}}
}

// Subselect leads to all that a part leads to, as one slice. A transform writes the
// elements of the new slice to where they came from; it has to have as many (ErrCount).
func Subselect[S, A, B, M, N any](p Path[S, A, M], part Path[A, B, N]) Path[S, []B, N] {
	return Path[S, []B, N]{func(x *walk, root *spot[S], next func(*spot[[]B]) bool) bool {
		return p.walk(x, root, func(s *spot[A]) bool {
			all, of, ok := gather(x, s, part)
			if !ok {
				return false
			}
			child := derived(all, of)
			if x.writing {
				child.replace = func(values []B) { scatter(x, s, part, len(all), values) }
				child.remove = func() {
					part.walk(x, s, func(b *spot[B]) bool { b.erase(x); return x.err == nil })
				}
			}
			return next(child) && x.err == nil
		})
	}}
}

// gather reads what a part leads to.
func gather[A, B, N any](x *walk, s *spot[A], part Path[A, B, N]) (all []B, of overlay.Moment, ok bool) {
	y := &walk{view: x.view}
	part.walk(y, s, func(b *spot[B]) bool {
		value, ok := b.get(y)
		all, of = append(all, value), of.With(b.of)
		return ok
	})
	return all, of, x.fail(y.err)
}

// scatter writes values to what a part leads to.
func scatter[A, B, N any](x *walk, s *spot[A], part Path[A, B, N], count int, values []B) {
	if len(values) != count {
		x.fail(fmt.Errorf("%w: %d, not %d", ErrCount, count, len(values)))
		return
	}
	part.walk(x, s, func(b *spot[B]) bool {
		if len(values) == 0 || !b.writable() {
			return x.fail(fmt.Errorf("%w: it cannot be written", ErrRead))
		}
		b.set(values[0])
		values = values[1:]
		return true
	})
}

// Collected is an element, together with what was collected on the way to it.
type Collected[C, T any] struct {
	Collected []C
	Val       T
}

// Collect leads to the same elements, each together with what a part leads to from it.
func Collect[S, A, C, M, N any](p Path[S, A, M], part Path[A, C, N]) Path[S, Collected[C, A], Derived] {
	return Path[S, Collected[C, A], Derived]{func(x *walk, root *spot[S], next func(*spot[Collected[C, A]]) bool) bool {
		return p.walk(x, root, func(s *spot[A]) bool {
			a, ok := s.get(x)
			if !ok {
				return false
			}
			all, of, ok := gather(x, s, part)
			return ok && next(derived(Collected[C, A]{all, a}, of.With(s.of)))
		})
	}}
}

// Navigator is a navigator of one's own, within values. It must not keep what it is
// given.
type Navigator[A, B any] interface {
	// Select calls next for what it leads to, until that returns false; it returns false
	// then.
	Select(a A, next func(B) bool) bool
	// Transform returns a with everything that it leads to replaced by what next returns,
	// or removed where next says not to keep it.
	Transform(a A, next func(B) (b B, keep bool)) A
}

// Custom goes on along a navigator of one's own.
func Custom[S, A, B, M any](p Path[S, A, M], n Navigator[A, B]) Path[S, B, M] {
	return into(p, func(x *walk, s *spot[A], a A, next func(*spot[B]) bool) bool {
		if !x.writing || !s.writable() {
			return n.Select(a, func(b B) bool { return next(derived(b, s.of)) })
		}
		more, changed := true, false
		whole := n.Transform(a, func(b B) (B, bool) {
			if !more {
				return b, true
			}
			child := inner(s, b, true, func(B) { changed = true }, func() { changed = true })
			more = next(child)
			return child.value, child.there
		})
		if changed && x.err == nil {
			s.set(whole)
		}
		return more
	})
}
