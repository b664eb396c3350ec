package navtext

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
)

// The steps that take paths, or that make one value of a part.

// within compiles a path within a path: its keys do not choose the task.
func (c *compiler) within(w way, at state) (run, state, error) {
	static := c.static
	c.static = false
	defer func() { c.static = static }()
	return c.chain(w.steps, at, 0)
}

// multi compiles paths one after another.
func (c *compiler) multi(s *step, at state) (run, state, error) {
	var all []run
	var to state
	ways := 0
	for i, w := range s.ways {
		do, end, err := c.within(w, at)
		if err != nil {
			return nil, at, err
		}
		if i == 0 {
			to = end
		} else if to, err = c.together(w, to, end); err != nil {
			return nil, at, err
		}
		all = append(all, do)
		ways += c.ways
	}
	c.ways = ways
	return func(w *walk, from spot, next func(spot) bool) bool {
		for _, do := range all {
			if !do(w, from, next) {
				return false
			}
		}
		return true
	}, to, nil
}

// together is what is known of a place that two ways come to.
func (c *compiler) together(w way, a, b state) (state, error) {
	switch {
	case a == b:
		return a, nil
	case a.schema == nil && b.schema == nil:
		return state{}, nil
	}
	return a, c.wrong(w.at, "this path comes to %s, the one before it to %s: what follows has to fit both", b.words(), a.words())
}

// choose compiles if.
func (c *compiler) choose(s *step, at state) (run, state, error) {
	holds, err := c.holds(s.cond, at)
	if err != nil {
		return nil, at, err
	}
	ways := c.ways
	then, to, err := c.within(s.ways[0], at)
	if err != nil {
		return nil, at, err
	}
	ways = max(ways, c.ways)
	otherwise := run(func(*walk, spot, func(spot) bool) bool { return true })
	if len(s.ways) > 1 {
		var end state
		if otherwise, end, err = c.within(s.ways[1], at); err != nil {
			return nil, at, err
		}
		if to, err = c.together(s.ways[1], to, end); err != nil {
			return nil, at, err
		}
	}
	c.ways = max(ways, c.ways)
	return func(w *walk, from spot, next func(spot) bool) bool {
		switch yes := holds(w, from); {
		case w.err != nil:
			return false
		case yes:
			return then(w, from, next)
		}
		return otherwise(w, from, next)
	}, to, nil
}

// subselect compiles subselect and collect.
func (c *compiler) subselect(s *step, at state) (run, state, error) {
	all, _, err := c.within(s.ways[0], at)
	if err != nil {
		return nil, at, err
	}
	collects := s.name == "collect"
	return func(w *walk, from spot, next func(spot) bool) bool {
		left := elementsMax
		out, of := []byte{'['}, overlay.Moment{}
		all(w, from, func(e spot) bool {
			if !w.spend(&left, &e) {
				return false
			}
			value, ok := w.whole(&e, &left)
			if len(out) > 1 {
				out = append(out, ',')
			}
			out, of = append(out, value...), of.With(e.of)
			return ok && w.fits(out)
		})
		if w.err != nil {
			return false
		}
		out = append(out, ']')
		if collects {
			value, ok := w.whole(&from, &left)
			if !ok {
				return false
			}
			out = append(append([]byte(`{"collected":`), out...), `,"value":`...)
			out, of = append(append(out, value...), '}'), of.With(from.of)
			if !w.fits(out) {
				return false
			}
		}
		return next(spot{value: out, of: of})
	}, state{}, nil
}

// fits bounds one value that is put together.
func (w *walk) fits(value []byte) bool {
	if len(value) <= store.BytesMax {
		return true
	}
	return w.fail(&Error{Path: w.text, At: len(w.text), Kind: ErrTooLarge,
		Text: fmt.Sprintf("one result holds at most %d bytes; go on with what gives its parts one by one", store.BytesMax)})
}

func (c *compiler) nullToVal(s *step, at state) (run, state, error) {
	if at.schema != nil {
		return nil, at, c.misfit(s, at)
	}
	value := s.args[0].raw
	return func(_ *walk, from spot, next func(spot) bool) bool {
		if string(from.value) == "null" {
			from.value = value
		}
		return next(from)
	}, at, nil
}

// submap compiles it for maps of values and for objects.
func (c *compiler) submap(s *step, at state) (run, state, error) {
	if at.schema == nil {
		return c.members(s, at)
	}
	if at.part || at.schema.Kind != overlay.KindMap && at.schema.Kind != overlay.KindSortedMap {
		return nil, at, c.misfit(s, at)
	}
	segments, keys, err := c.names(s, at.schema)
	if err != nil {
		return nil, at, err
	}
	object := at.schema.Key.Kind == wire.KeyText && !slices.ContainsFunc(keys, func(k json.RawMessage) bool { return first(k) != '"' })
	return func(w *walk, from spot, next func(spot) bool) bool {
		b, of := builder{object: object}, overlay.Moment{}
		for i := range segments {
			e := spot{path: from.path.Element(segments[i])}
			found, ok := w.find(&e)
			if !ok {
				return false
			}
			if found {
				b.add(keys[i], e.value)
			}
			of = of.With(e.of)
		}
		return next(spot{value: b.value(), of: of})
	}, state{}, nil
}

// names are the keys that a step names, each once, in their stored form and as JSON. They do
// not choose the task.
func (c *compiler) names(s *step, of *overlay.Schema) (segments []wire.Segment, keys []json.RawMessage, err error) {
	static := c.static
	c.static = false
	defer func() { c.static = static }()
	for _, a := range s.args {
		segment, err := c.segment(a, of)
		if err != nil {
			return nil, nil, err
		}
		if slices.ContainsFunc(segments, func(other wire.Segment) bool { return other.Text == segment.Text }) {
			return nil, nil, c.wrongType(a, fmt.Errorf("%s is named twice", a.raw))
		}
		key, err := keyJSON(of.Key, segment.Text)
		if err != nil {
			return nil, nil, c.wrongType(a, err)
		}
		segments, keys = append(segments, segment), append(keys, key)
	}
	return segments, keys, nil
}

// members compiles submap of an object.
func (c *compiler) members(s *step, at state) (run, state, error) {
	known, err := c.enter(s, at, "map", "struct")
	if err != nil {
		return nil, at, err
	}
	var names []string
	for _, a := range s.args {
		name, err := memberName(known, a.raw)
		if err != nil {
			return nil, at, c.wrongType(a, err)
		}
		if slices.Contains(names, name) {
			return nil, at, c.wrongType(a, fmt.Errorf("%s is named twice", a.raw))
		}
		names = append(names, name)
	}
	return func(_ *walk, from spot, next func(spot) bool) bool {
		_, all, _ := members(from.value)
		b := builder{object: true}
		for _, name := range names {
			if value, ok := all[name]; ok {
				b.add(appendText(nil, name), value)
			}
		}
		return next(spot{value: b.value(), of: from.of})
	}, state{}, nil
}

func (c *compiler) subset(s *step, at state) (run, state, error) {
	if at.schema == nil || at.part || at.schema.Kind != overlay.KindSet && at.schema.Kind != overlay.KindSortedSet {
		return nil, at, c.misfit(s, at)
	}
	segments, elements, err := c.names(s, at.schema)
	if err != nil {
		return nil, at, err
	}
	return func(w *walk, from spot, next func(spot) bool) bool {
		out, of := []byte{'['}, overlay.Moment{}
		for i := range segments {
			e := from.path.Element(segments[i])
			found, err := overlay.Has(w.view, &e)
			if err != nil {
				return w.fail(err)
			}
			if found {
				if len(out) > 1 {
					out = append(out, ',')
				}
				out = append(out, elements[i]...)
			}
			of = of.With(w.view.Moment())
		}
		return next(spot{value: append(out, ']'), of: of})
	}, state{}, nil
}

func (c *compiler) sublist(s *step, at state) (run, state, error) {
	var low, high int
	for i, n := range []*int{&low, &high} {
		if json.Unmarshal(s.args[i].raw, n) != nil || *n < 0 {
			return nil, at, c.wrongType(s.args[i], fmt.Errorf("an index is a whole number from 0 on"))
		}
	}
	if at.schema == nil {
		known, err := c.enter(s, at, "list")
		if err != nil {
			return nil, at, err
		}
		return func(_ *walk, from spot, next func(spot) bool) bool {
			all, _ := items(from.value)
			if high := min(high, len(all)); low < high {
				from.value, _ = json.Marshal(all[low:high])
			} else {
				from.value = json.RawMessage("[]")
			}
			return next(from)
		}, state{shape: known}, nil
	}
	if at.part || !listed(at.schema) {
		return nil, at, c.misfit(s, at)
	}
	p := part{list: overlay.ListSpan{From: min(low, overlay.ListEnd), To: min(high, overlay.ListEnd)}}
	return func(w *walk, from spot, next func(spot) bool) bool {
		left := elementsMax
		from.part = &p
		value, ok := w.array(&from, &left)
		return ok && next(spot{value: value, of: from.of})
	}, state{}, nil
}

// builder puts a map together: an object, or an array of entries.
type builder struct {
	object bool
	out    []byte
}

func (b *builder) add(key, value json.RawMessage) {
	if len(b.out) > 0 {
		b.out = append(b.out, ',')
	}
	if b.object {
		b.out = append(append(append(b.out, key...), ':'), value...)
	} else {
		b.out = appendEntry(b.out, key, value)
	}
}

func (b *builder) value() json.RawMessage {
	if b.object {
		return append(append([]byte{'{'}, b.out...), '}')
	}
	return append(append([]byte{'['}, b.out...), ']')
}
