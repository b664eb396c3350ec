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

// walk is one way through a PState.
type walk struct {
	view *overlay.View
	text string
	err  error
}

func (w *walk) fail(err error) bool {
	if w.err == nil {
		w.err = err
	}
	return w.err == nil
}

// spot is a place that the walk has come to: a structure, or a value.
type spot struct {
	path  overlay.Path    // of a structure, or of one value that is not read yet
	part  *part           // a part of the structure
	value json.RawMessage // nil: a structure
	of    overlay.Moment
}

// part is a part of a structure: of a list by indexes, else by keys.
type part struct {
	span store.Span
	list overlay.ListSpan
	flip bool // read from behind, and given in order
	none bool
}

// Run goes along a path and calls yield for every value that it leads to, until yield
// returns false. A structure at its end is one value: with all its elements, up to 1,000.
// With Count the number is the only value.
func (g *Program) Run(v *overlay.View, yield func(value json.RawMessage, of overlay.Moment) bool) error {
	w := &walk{view: v, text: g.text}
	count, all := 0, overlay.Moment{}
	root := spot{path: overlay.Root(g.decl)}
	if g.decl.Schema.Kind == overlay.KindValue && !w.lookup(&root) {
		return w.err
	}
	g.run(w, root, func(s spot) bool {
		if g.Count {
			count++
			all = all.With(s.of)
			return g.Limit == 0 || count < g.Limit
		}
		left := store.ElementsMax
		value, ok := w.whole(&s, &left)
		if !ok {
			return false
		}
		count++
		return yield(value, s.of) && (g.Limit == 0 || count < g.Limit)
	})
	if w.err == nil && g.Count {
		if count == 0 {
			all = v.Moment()
		}
		yield(fmt.Append(nil, count), all)
	}
	return w.err
}

// whole is the JSON of a place, read so far as it is not.
func (w *walk) whole(s *spot, left *int) (json.RawMessage, bool) {
	if s.value != nil {
		return s.value, true
	}
	schema := s.path.Schema
	switch {
	case schema.Kind == overlay.KindValue:
		ok := w.lookup(s)
		return s.value, ok
	case schema.Kind == overlay.KindFixed:
		return w.object(len(schema.Fields), left, func(i int) (string, *spot) {
			return schema.Fields[i].Name, &spot{path: s.path.Field(i)}
		}, &s.of)
	case keyed(schema):
		return w.map_(s, left)
	}
	return w.array(s, left)
}

// spend counts an element of a result.
func (w *walk) spend(left *int, s *spot) bool {
	if *left--; *left < 0 {
		return w.fail(&Error{Path: w.text, At: len(w.text), Kind: ErrTooLarge,
			Text: fmt.Sprintf("one result holds at most %d elements; go on with keys, vals, entries or all, which give them one by one, or with a range", store.ElementsMax)})
	}
	return true
}

// object puts fixed keys together.
func (w *walk) object(n int, left *int, field func(int) (string, *spot), of *overlay.Moment) (json.RawMessage, bool) {
	out := []byte{'{'}
	for i := range n {
		name, s := field(i)
		if s.path.Schema.Kind == overlay.KindSet {
			continue // has no order to be read in
		}
		if !w.spend(left, s) {
			return nil, false
		}
		value, ok := w.whole(s, left)
		if !ok {
			return nil, false
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(append(appendText(out, name), ':'), value...)
		*of = of.With(s.of)
	}
	return append(out, '}'), true
}

// map_ puts a map together: an object if its keys are text, else an array of entries.
func (w *walk) map_(s *spot, left *int) (json.RawMessage, bool) {
	text := s.path.Schema.Key.Kind == wire.KeyText
	var out []byte
	first := true
	if text {
		out = append(out, '{')
	} else {
		out = append(out, '[')
	}
	ok := w.entries(*s, 0, func(key json.RawMessage, e spot) bool {
		if !w.spend(left, s) {
			return false
		}
		value, ok := w.whole(&e, left)
		if !ok {
			return false
		}
		if !first {
			out = append(out, ',')
		}
		first = false
		if text && key[0] == '"' {
			out = append(append(append(out, key...), ':'), value...)
		} else if text {
			return w.fail(&Error{Path: w.text, At: len(w.text), Kind: ErrTooLarge, Text: "a key is not UTF-8 and names no member of an object; go on with entries"})
		} else {
			out = appendEntry(out, key, value)
		}
		s.of = s.of.With(e.of)
		return true
	})
	if text {
		return append(out, '}'), ok
	}
	return append(out, ']'), ok
}

func appendEntry(out []byte, key, value json.RawMessage) []byte {
	out = append(append(out, `{"key":`...), key...)
	return append(append(append(out, `,"value":`...), value...), '}')
}

func (w *walk) array(s *spot, left *int) (json.RawMessage, bool) {
	out := []byte{'['}
	ok := w.elements(*s, 0, func(e spot) bool {
		if !w.spend(left, s) {
			return false
		}
		value, ok := w.whole(&e, left)
		if !ok {
			return false
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, value...)
		s.of = s.of.With(e.of)
		return true
	})
	return append(out, ']'), ok
}

// lookup reads a single value; null if it is not there.
func (w *walk) lookup(s *spot) bool {
	found, ok := w.find(s)
	if ok && !found {
		s.value = json.RawMessage(null)
	}
	return ok
}

// find reads a single value, if it is there.
func (w *walk) find(s *spot) (found, ok bool) {
	raw, found, err := overlay.Lookup[pstate.Stored](w.view, &s.path)
	if err == nil && found {
		s.value, err = w.stored(s.path.Schema, raw, &s.path)
	}
	s.of = w.view.Moment()
	return found, err == nil || w.fail(err)
}

func (w *walk) stored(schema *overlay.Schema, raw pstate.Stored, p *overlay.Path) (json.RawMessage, error) {
	value, err := storedJSON(schema, raw)
	if err != nil {
		return nil, fmt.Errorf("PState %s: a stored value is no %s: %q", p.Decl.Name, schema.Codec, short(string(raw)))
	}
	return value, nil
}

func short(text string) string {
	const most = 100
	if len(text) > most {
		return text[:most]
	}
	return text
}

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
