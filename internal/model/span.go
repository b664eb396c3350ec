package model

import (
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/pstate"
)

// span is a part of an ordered structure, as the model cuts it.
type span[K any] struct {
	low, high      *K
	after, through bool
	limit          int
	reverse        bool
}

func drawSpan[K any](x *run, key gen[K]) span[K] {
	s := span[K]{after: x.one(30), through: x.one(30), reverse: x.one(40)}
	if x.one(60) {
		k := key(x.random)
		s.low = &k
	}
	if x.one(60) {
		k := key(x.random)
		s.high = &k
	}
	if x.one(50) {
		s.limit = 1 + x.random.IntN(5)
	}
	return s
}

func (s span[K]) String() string {
	return fmt.Sprintf("low %s high %s after %v through %v limit %d reverse %v", show(s.low), show(s.high), s.after, s.through, s.limit, s.reverse)
}

// span is the span of the handles.
func (s span[K]) span() pstate.Span[K] {
	out := pstate.All[K]()
	if s.low != nil {
		out = pstate.From(*s.low)
		if s.after {
			out = pstate.After(*s.low)
		}
	}
	if s.high != nil {
		if s.through {
			out = out.Through(*s.high)
		} else {
			out = out.To(*s.high)
		}
	}
	if s.reverse {
		out = out.Reverse()
	}
	return out.Limit(s.limit)
}

// of cuts keys, which it sorts.
func (s span[K]) of(keys []K, compare func(a, b K) int) []K {
	slices.SortFunc(keys, compare)
	keys = slices.DeleteFunc(keys, func(k K) bool {
		if s.low != nil {
			if c := compare(k, *s.low); c < 0 || c == 0 && s.after {
				return true
			}
		}
		if s.high != nil {
			if c := compare(k, *s.high); c > 0 || c == 0 && !s.through {
				return true
			}
		}
		return false
	})
	if s.reverse {
		slices.Reverse(keys)
	}
	if s.limit > 0 && len(keys) > s.limit {
		keys = keys[:s.limit]
	}
	return keys
}
