package navtext

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
)

// entry is what a map or a list has at one place.
type entry struct {
	key json.RawMessage
	at  spot
}

// each calls yield in order, also where a part is read from behind.
func each(flip bool, all func(yield func(entry) bool) bool, yield func(entry) bool) bool {
	if !flip {
		return all(yield)
	}
	var read []entry
	whole := all(func(e entry) bool {
		read = append(read, e)
		return true
	})
	if !whole {
		return false
	}
	for _, e := range slices.Backward(read) {
		if !yield(e) {
			return false
		}
	}
	return true
}

// entries goes through a map in order. limit is how many are wanted; 0: all.
func (w *walk) entries(s spot, limit int, yield func(key json.RawMessage, e spot) bool) bool {
	if s.path.Schema.Kind == overlay.KindMap {
		return w.unordered(s, yield)
	}
	p := s.parted(limit)
	if p.none {
		return true
	}
	all := func(yield func(entry) bool) bool { return w.sorted(s, p.span, yield) }
	return each(p.flip, all, func(e entry) bool { return yield(e.key, e.at) })
}

// parted is the part of a structure that is to be read.
func (s *spot) parted(limit int) part {
	p := part{list: overlay.ListSpan{To: overlay.ListEnd}}
	if s.part != nil {
		p = *s.part
	}
	if limit > 0 && !p.flip && (p.span.Limit == 0 || limit < p.span.Limit) {
		p.span.Limit, p.list.Limit = limit, limit
	}
	return p
}

// sorted goes through the fields of a sorted map, a map of structures or a sorted set, as
// they are read.
func (w *walk) sorted(s spot, span store.Span, yield func(entry) bool) bool {
	schema := s.path.Schema
	inner := s.path.Element(wire.Segment{})
	more := true
	give := func(field string, e spot) bool {
		key, err := keyJSON(schema.Key, field)
		if err != nil {
			return w.fail(err)
		}
		e.of = w.view.Moment()
		if schema.Kind == overlay.KindSortedSet {
			e.value = key
		}
		more = yield(entry{key, e})
		return more
	}
	var err error
	if schema.Kind == overlay.KindSortedMap {
		err = overlay.Scan(w.view, &inner, span, func(field string, raw pstate.Stored) bool {
			value, wrong := w.stored(schema, raw, &s.path)
			if wrong != nil {
				return w.fail(wrong)
			}
			return give(field, spot{value: value})
		})
	} else {
		err = overlay.Scan(w.view, &inner, span, func(field string, _ struct{}) bool {
			if schema.Kind == overlay.KindSortedSet {
				return give(field, spot{})
			}
			return give(field, spot{path: s.path.Into(wire.Segment{Kind: wire.SegmentEncoded, Text: field})})
		})
	}
	if err != nil {
		w.fail(err)
	}
	return more && w.err == nil
}

// elements goes through a sorted set or a list in order. limit is how many are wanted;
// 0: all.
func (w *walk) elements(s spot, limit int, yield func(spot) bool) bool {
	p := s.parted(limit)
	if p.none {
		return true
	}
	var all func(yield func(entry) bool) bool
	switch s.path.Schema.Kind {
	case overlay.KindList:
		all = func(yield func(entry) bool) bool { return w.list(s, p.list, yield) }
	case overlay.KindListOf:
		all = func(yield func(entry) bool) bool { return w.rows(s, p.list, yield) }
	case overlay.KindSet:
		return w.fail(&Error{Path: w.text, At: len(w.text), Kind: ErrWrongPath, Text: "a set has no order to be read in; elem(e) tells whether it has an element, len how many"})
	default:
		all = func(yield func(entry) bool) bool { return w.sorted(s, p.span, yield) }
	}
	return each(p.flip, all, func(e entry) bool { return yield(e.at) })
}

func (w *walk) list(s spot, span overlay.ListSpan, yield func(entry) bool) bool {
	more := true
	err := overlay.ListScan(w.view, &s.path, span, func(_ int, raw pstate.Stored) bool {
		value, err := w.stored(s.path.Schema, raw, &s.path)
		if err != nil {
			return w.fail(err)
		}
		more = yield(entry{at: spot{value: value, of: w.view.Moment()}})
		return more
	})
	if err != nil {
		w.fail(err)
	}
	return more && w.err == nil
}

// rows goes through a list of structures.
func (w *walk) rows(s spot, span overlay.ListSpan, yield func(entry) bool) bool {
	inner := s.path.Element(wire.Segment{})
	n, err := overlay.Len(w.view, &inner)
	if err != nil {
		return w.fail(err)
	}
	of := w.view.Moment()
	from, to := max(span.From, 0), min(span.To, n)
	for given := 0; from < to && (span.Limit == 0 || given < span.Limit); given++ {
		i := from
		if span.Reverse {
			to--
			i = to
		} else {
			from++
		}
		if !yield(entry{at: spot{path: s.path.Into(indexSegment(i)), of: of}}) {
			return false
		}
	}
	return true
}

func indexSegment(i int) wire.Segment { return wire.Segment{Kind: wire.SegmentInt, Number: int64(i)} }

// unordered goes through a map without order: all of it at once, if it is small.
func (w *walk) unordered(s spot, yield func(key json.RawMessage, e spot) bool) bool {
	inner := s.path.Element(wire.Segment{})
	n, err := overlay.Len(w.view, &inner)
	if err != nil {
		return w.fail(err)
	}
	if n > store.ElementsMax {
		return w.fail(&Error{Path: w.text, At: len(w.text), Kind: ErrTooLarge,
			Text: fmt.Sprintf("the map has %d elements and no order; more than %d are read by their keys only", n, store.ElementsMax)})
	}
	type element struct {
		field string
		raw   pstate.Stored
	}
	var all []element
	err = overlay.Scan(w.view, &inner, store.Span{}, func(field string, raw pstate.Stored) bool {
		all = append(all, element{field, raw})
		return true
	})
	if err != nil {
		return w.fail(err)
	}
	slices.SortFunc(all, func(a, b element) int { return strings.Compare(a.field, b.field) })
	of := w.view.Moment()
	for _, e := range all {
		key, err := keyJSON(s.path.Schema.Key, e.field)
		if err != nil {
			return w.fail(err)
		}
		value, err := w.stored(s.path.Schema, e.raw, &s.path)
		if err != nil {
			return w.fail(err)
		}
		if !yield(key, spot{value: value, of: of}) {
			return false
		}
	}
	return true
}
