package nav

import "cmp"

// Filter goes on with the elements of which f is true. Rama calls it filterPred.
func Filter[S, T, M any](p Path[S, T, M], f func(T) bool) Path[S, T, M] {
	return Path[S, T, M]{func(x *walk, root *spot[S], next func(*spot[T]) bool) bool {
		return p.walk(x, root, func(s *spot[T]) bool {
			t, ok := s.get(x)
			return ok && (!f(t) || next(s))
		})
	}}
}

// FilterEqual goes on with what equals a value.
func FilterEqual[S any, T comparable, M any](p Path[S, T, M], value T) Path[S, T, M] {
	return Filter(p, func(t T) bool { return t == value })
}

// FilterNotEqual goes on with what differs from a value.
func FilterNotEqual[S any, T comparable, M any](p Path[S, T, M], value T) Path[S, T, M] {
	return Filter(p, func(t T) bool { return t != value })
}

// FilterLess goes on with what is less than a value. A range of a sorted structure reads
// less.
func FilterLess[S any, T cmp.Ordered, M any](p Path[S, T, M], value T) Path[S, T, M] {
	return Filter(p, func(t T) bool { return t < value })
}

// FilterLessOrEqual goes on with what is at most a value.
func FilterLessOrEqual[S any, T cmp.Ordered, M any](p Path[S, T, M], value T) Path[S, T, M] {
	return Filter(p, func(t T) bool { return t <= value })
}

// FilterGreater goes on with what is greater than a value.
func FilterGreater[S any, T cmp.Ordered, M any](p Path[S, T, M], value T) Path[S, T, M] {
	return Filter(p, func(t T) bool { return t > value })
}

// FilterGreaterOrEqual goes on with what is at least a value.
func FilterGreaterOrEqual[S any, T cmp.Ordered, M any](p Path[S, T, M], value T) Path[S, T, M] {
	return Filter(p, func(t T) bool { return t >= value })
}

// FilterSelected goes on with the elements from which a part leads anywhere.
func FilterSelected[S, A, B, M, N any](p Path[S, A, M], part Path[A, B, N]) Path[S, A, M] {
	return choose(p, part, true)
}

// FilterNotSelected goes on with the elements from which a part leads nowhere.
func FilterNotSelected[S, A, B, M, N any](p Path[S, A, M], part Path[A, B, N]) Path[S, A, M] {
	return choose(p, part, false)
}

func choose[S, A, B, M, N any](p Path[S, A, M], part Path[A, B, N], want bool) Path[S, A, M] {
	return Path[S, A, M]{func(x *walk, root *spot[S], next func(*spot[A]) bool) bool {
		return p.walk(x, root, func(s *spot[A]) bool {
			leads := anywhere(x, s, part)
			return x.err == nil && (leads != want || next(s))
		})
	}}
}

// anywhere reports whether a part leads to anything. It reads no more than finds out.
func anywhere[A, B, N any](x *walk, s *spot[A], part Path[A, B, N]) (leads bool) {
	y := &walk{view: x.view}
	part.walk(y, s, func(*spot[B]) bool {
		leads = true
		return false
	})
	x.fail(y.err)
	return leads
}
