package navtext

import (
	"encoding/json"
	"fmt"

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
