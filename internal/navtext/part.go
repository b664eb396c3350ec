package navtext

import (
	"encoding/json"
	"fmt"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/store"
)

// elementsMax bounds one result.
const elementsMax = store.ElementsMax

// lastMax bounds the parts that are read from behind: they are kept until their beginning
// is read.
const lastMax = 10_000

// part compiles the ranges.
func (c *compiler) part(s *step, at state) (run, state, error) {
	if at.schema == nil || at.part || !ordered(at.schema) {
		return nil, at, c.misfit(s, at)
	}
	p := part{list: overlay.ListSpan{To: overlay.ListEnd}}
	b := &bounds{c: c, schema: at.schema, part: &p}
	switch s.name {
	case "range":
		b.low(s.args[0])
		b.high(s.args[1])
	case "rangeFrom":
		b.low(s.args[0])
		b.limit(s.args[1:], false)
	case "rangeTo":
		b.high(s.args[0])
		b.limit(s.args[1:], true)
	case "rangeFromStart":
		b.limit(s.args, false)
		p.none = p.span.Limit == 0
	case "rangeToEnd":
		b.limit(s.args, true)
		p.none = p.span.Limit == 0
	}
	if b.err != nil {
		return nil, at, b.err
	}
	at.part = true
	return func(_ *walk, from spot, next func(spot) bool) bool {
		from.part = &p
		return next(from)
	}, at, nil
}

// bounds reads the arguments of a range; the first mistake counts.
type bounds struct {
	c      *compiler
	schema *overlay.Schema
	part   *part
	err    error
}

func (b *bounds) low(a argument) {
	if listed(b.schema) {
		b.part.list.From = b.index(a)
		return
	}
	b.part.span.HasLow = true
	b.part.span.Low = b.key(a)
}

func (b *bounds) high(a argument) {
	if listed(b.schema) {
		b.part.list.To = b.index(a)
		return
	}
	b.part.span.HasHigh, b.part.span.HighOpen = true, true
	b.part.span.High = b.key(a)
}

func (b *bounds) key(a argument) string {
	segment, err := segmentOf(b.schema.Key, a.raw)
	if err != nil {
		b.fail(a, fmt.Errorf("keys here are %v: %w", b.schema.Key, err))
	}
	return segment.Text
}

func (b *bounds) index(a argument) (n int) {
	if json.Unmarshal(a.raw, &n) != nil || n < 0 {
		b.fail(a, fmt.Errorf("an index is a whole number from 0 on"))
	}
	return min(n, overlay.ListEnd)
}

// limit reads how many; last are those at the end.
func (b *bounds) limit(args []argument, last bool) {
	if len(args) == 0 {
		return
	}
	var n int
	if json.Unmarshal(args[0].raw, &n) != nil || n < 0 {
		b.fail(args[0], fmt.Errorf("how many is a whole number from 0 on"))
		return
	}
	if last && n > lastMax {
		b.fail(args[0], fmt.Errorf("from behind at most %d are read at once", lastMax))
	}
	b.part.span.Limit, b.part.list.Limit = n, n
	if last && n > 0 {
		b.part.span.Reverse, b.part.list.Reverse, b.part.flip = true, true, true
	}
}

func (b *bounds) fail(a argument, err error) {
	if b.err == nil {
		b.err = b.c.wrongType(a, err)
	}
}
