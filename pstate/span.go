package pstate

import (
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
)

// Span says which part of an ordered structure: its zero value is everything,
// from the first to the last.
type Span[K comparable] struct {
	low, high *K
	limit     int
	reverse   bool
}

// All is everything.
func All[K comparable]() Span[K] { return Span[K]{} }

// From is everything from k on, k included.
func From[K comparable](k K) Span[K] { return Span[K]{low: &k} }

// To is everything up to k, k not included.
func To[K comparable](k K) Span[K] { return Span[K]{high: &k} }

// Between is everything from low on, low included, up to high, high not included.
func Between[K comparable](low, high K) Span[K] { return Span[K]{low: &low, high: &high} }

// Limit ends the span after n elements; 0 is no limit.
func (s Span[K]) Limit(n int) Span[K] { s.limit = n; return s }

// Reverse goes from the last element to the first. The bounds stay what they
// were: low included, high not.
func (s Span[K]) Reverse() Span[K] { s.reverse = true; return s }

func (s Span[K]) bytes() store.Span {
	out := store.Span{Reverse: s.reverse, Limit: s.limit}
	if s.low != nil {
		out.Low, out.HasLow = string(wire.AppendElement(nil, segment(*s.low))), true
	}
	if s.high != nil {
		out.High, out.HasHigh, out.HighOpen = string(wire.AppendElement(nil, segment(*s.high))), true, true
	}
	return out
}
