package pstate

import (
	"fmt"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
)

// Span says which part of an ordered structure: its zero value is everything,
// from the first to the last.
type Span[K any] struct {
	low, high         *K
	lowOpen, highShut bool
	limit             int
	reverse           bool
}

// All is everything.
func All[K any]() Span[K] { return Span[K]{} }

// From is everything from k on, k included.
func From[K any](k K) Span[K] { return Span[K]{low: &k} }

// After is everything behind k, k not included.
func After[K any](k K) Span[K] { return Span[K]{low: &k, lowOpen: true} }

// To is everything up to k, k not included.
func To[K any](k K) Span[K] { return Span[K]{}.To(k) }

// Through is everything up to k, k included.
func Through[K any](k K) Span[K] { return Span[K]{}.Through(k) }

// Between is everything from low on, low included, up to high, high not included.
func Between[K any](low, high K) Span[K] { return From(low).To(high) }

// To ends the span before k.
func (s Span[K]) To(k K) Span[K] { s.high, s.highShut = &k, false; return s }

// Through ends the span with k.
func (s Span[K]) Through(k K) Span[K] { s.high, s.highShut = &k, true; return s }

// Limit ends the span after n elements; 0 is no limit.
func (s Span[K]) Limit(n int) Span[K] { s.limit = n; return s }

// Reverse goes from the last element to the first. The bounds stay what they
// were.
func (s Span[K]) Reverse() Span[K] { s.reverse = true; return s }

// bytes is the span in stored keys of a structure.
func (s Span[K]) bytes(schema *overlay.Schema) (out store.Span, err error) {
	out = store.Span{Reverse: s.reverse, Limit: s.limit}
	if s.low != nil {
		out.HasLow, out.LowOpen = true, s.lowOpen
		if out.Low, err = bound(schema, *s.low); err != nil {
			return out, err
		}
	}
	if s.high != nil {
		out.HasHigh, out.HighOpen = true, !s.highShut
		out.High, err = bound(schema, *s.high)
	}
	return out, err
}

func bound[K any](schema *overlay.Schema, key K) (string, error) {
	k := segment(schema, key)
	if k.Kind == wire.SegmentBad {
		return "", fmt.Errorf("bound of a range: %w: %s", ErrBadKey, k.Text)
	}
	return string(wire.AppendElement(nil, k)), nil
}

// indexes is a span of indexes.
func indexes(s Span[int]) overlay.ListSpan {
	out := overlay.ListSpan{To: overlay.ListEnd, Reverse: s.reverse, Limit: s.limit}
	if s.low != nil {
		out.From = *s.low
		if s.lowOpen && out.From < overlay.ListEnd {
			out.From++
		}
	}
	if s.high != nil {
		to := *s.high
		if s.highShut && to < overlay.ListEnd {
			to++
		}
		out.To = max(to, 0)
	}
	return out
}
