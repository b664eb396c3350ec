package nav

import "github.com/coppice-run/coppice/pstate"

// The ten forms of sorted ranges: five of maps, five of elements. Each leads to the part
// of a structure, on which MapVals, MapKeys and MapEntries, or All, First and Last go on, and which
// reads no more than it gives. The keys of a list are its indexes.

// MapRange leads to the part of a SortedMap or MapOf from low on, low included, up to
// high, high not included. MapSpan has the other bounds.
func MapRange[S, K, E, L, M any, H pstate.SortedEntries[K, E, M]](p Path[S, H, L], low, high K) Path[S, pstate.MapPart[K, E, M], Derived] {
	return MapSpan[S, K, E, L, M](p, pstate.Between(low, high))
}

// MapRangeFrom is the part from a key on, included: at most the first n, 0 for all.
func MapRangeFrom[S, K, E, L, M any, H pstate.SortedEntries[K, E, M]](p Path[S, H, L], low K, n int) Path[S, pstate.MapPart[K, E, M], Derived] {
	return MapSpan[S, K, E, L, M](p, pstate.From(low).Limit(n))
}

// MapRangeTo is the part up to a key, not included: at most the last n, 0 for all.
func MapRangeTo[S, K, E, L, M any, H pstate.SortedEntries[K, E, M]](p Path[S, H, L], high K, n int) Path[S, pstate.MapPart[K, E, M], Derived] {
	return mapPart[S, K, E, L, M](p, pstate.To(high), n, false)
}

// MapRangeFromStart is the first n; of 0 or fewer, nothing.
func MapRangeFromStart[S, K, E, L, M any, H pstate.SortedEntries[K, E, M]](p Path[S, H, L], n int) Path[S, pstate.MapPart[K, E, M], Derived] {
	return mapPart[S, K, E, L, M](p, pstate.All[K]().Limit(n), 0, n <= 0)
}

// MapRangeToEnd is the last n, in order.
func MapRangeToEnd[S, K, E, L, M any, H pstate.SortedEntries[K, E, M]](p Path[S, H, L], n int) Path[S, pstate.MapPart[K, E, M], Derived] {
	return mapPart[S, K, E, L, M](p, pstate.All[K](), n, n <= 0)
}

// MapSpan is the part that a span says: with other bounds, a limit, or in reverse order.
func MapSpan[S, K, E, L, M any, H pstate.SortedEntries[K, E, M]](p Path[S, H, L], span pstate.Span[K]) Path[S, pstate.MapPart[K, E, M], Derived] {
	return mapPart[S, K, E, L, M](p, span, 0, false)
}

func mapPart[S, K, E, L, M any, H pstate.SortedEntries[K, E, M]](p Path[S, H, L], span pstate.Span[K], last int, none bool) Path[S, pstate.MapPart[K, E, M], Derived] {
	return step[S, H, pstate.MapPart[K, E, M], L, Derived](p, func(_ *walk, h *H, next func(*spot[pstate.MapPart[K, E, M]]) bool) bool {
		if none {
			return next(known(pstate.MapPart[K, E, M]{}))
		}
		whole := *h // the part outlives the visit
		return next(known(pstate.NewMapPart(as[pstate.Entries[K, E, M]](&whole), span, last)))
	})
}

// Range leads to the part of a SortedSet, List or ListOf from low on, low included, up
// to high, high not included. Span has the other bounds.
func Range[S, K, E, L, M any, H pstate.SortedElements[K, E, M]](p Path[S, H, L], low, high K) Path[S, pstate.Part[K, E, M], Derived] {
	return Span[S, K, E, L, M](p, pstate.Between(low, high))
}

// RangeFrom is the part from an element or index on, included: at most the first n, 0
// for all.
func RangeFrom[S, K, E, L, M any, H pstate.SortedElements[K, E, M]](p Path[S, H, L], low K, n int) Path[S, pstate.Part[K, E, M], Derived] {
	return Span[S, K, E, L, M](p, pstate.From(low).Limit(n))
}

// RangeTo is the part up to an element or index, not included: at most the last n, 0 for
// all.
func RangeTo[S, K, E, L, M any, H pstate.SortedElements[K, E, M]](p Path[S, H, L], high K, n int) Path[S, pstate.Part[K, E, M], Derived] {
	return part[S, K, E, L, M](p, pstate.To(high), n, false)
}

// RangeFromStart is the first n; of 0 or fewer, nothing.
func RangeFromStart[S, K, E, L, M any, H pstate.SortedElements[K, E, M]](p Path[S, H, L], n int) Path[S, pstate.Part[K, E, M], Derived] {
	return part[S, K, E, L, M](p, pstate.All[K]().Limit(n), 0, n <= 0)
}

// RangeToEnd is the last n, in order.
func RangeToEnd[S, K, E, L, M any, H pstate.SortedElements[K, E, M]](p Path[S, H, L], n int) Path[S, pstate.Part[K, E, M], Derived] {
	return part[S, K, E, L, M](p, pstate.All[K](), n, n <= 0)
}

// Span is the part that a span says: with other bounds, a limit, or in reverse order.
func Span[S, K, E, L, M any, H pstate.SortedElements[K, E, M]](p Path[S, H, L], span pstate.Span[K]) Path[S, pstate.Part[K, E, M], Derived] {
	return part[S, K, E, L, M](p, span, 0, false)
}

func part[S, K, E, L, M any, H pstate.SortedElements[K, E, M]](p Path[S, H, L], span pstate.Span[K], last int, none bool) Path[S, pstate.Part[K, E, M], Derived] {
	return step[S, H, pstate.Part[K, E, M], L, Derived](p, func(_ *walk, h *H, next func(*spot[pstate.Part[K, E, M]]) bool) bool {
		if none {
			return next(known(pstate.Part[K, E, M]{}))
		}
		whole := *h
		return next(known(pstate.NewPart(as[pstate.Elements[K, E, M]](&whole), span, last)))
	})
}
