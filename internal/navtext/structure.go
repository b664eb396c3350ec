package navtext

import (
	"encoding/json"
	"fmt"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
)

func (c *compiler) it(_ *step, at state) (run, state, error) {
	return func(_ *walk, from spot, next func(spot) bool) bool { return next(from) }, at, nil
}

// key compiles key and must.
func (c *compiler) key(s *step, at state) (run, state, error) {
	must := s.name == "must"
	if at.schema == nil {
		return c.member(s, at, must)
	}
	if at.part || !keyed(at.schema) {
		return nil, at, c.misfit(s, at)
	}
	segment, err := c.segment(s.args[0], at.schema)
	if err != nil {
		return nil, at, err
	}
	to := element(at.schema)
	if at.schema.Kind == overlay.KindMapOf {
		return func(w *walk, from spot, next func(spot) bool) bool {
			inner := from.path.Into(segment)
			if must {
				note := inner.Note()
				found, err := overlay.Has(w.view, &note)
				if err != nil || !found {
					return err == nil || w.fail(err)
				}
			}
			return next(spot{path: inner, of: w.view.Moment()})
		}, to, nil
	}
	return func(w *walk, from spot, next func(spot) bool) bool {
		e := spot{path: from.path.Element(segment)}
		found, ok := w.find(&e)
		switch {
		case !ok:
			return false
		case !found && must:
			return true
		case !found:
			e.value = json.RawMessage(null)
		}
		return next(e)
	}, to, nil
}

// segment is the segment of a key, and notes it where it chooses the task.
func (c *compiler) segment(a argument, of *overlay.Schema) (wire.Segment, error) {
	segment, err := segmentOf(of.Key, a.raw)
	if err != nil {
		return segment, c.wrongType(a, fmt.Errorf("keys here are %v: %w", of.Key, err))
	}
	if c.static && of.Keyed == of {
		c.program.placed = &placed{schema: of, key: segment, at: a.at}
	}
	return segment, nil
}

func (c *compiler) elem(s *step, at state) (run, state, error) {
	if at.schema == nil || at.part || at.schema.Kind != overlay.KindSet && at.schema.Kind != overlay.KindSortedSet {
		return nil, at, c.misfit(s, at)
	}
	segment, err := c.segment(s.args[0], at.schema)
	if err != nil {
		return nil, at, err
	}
	value, err := keyJSON(at.schema.Key, segment.Text)
	if err != nil {
		return nil, at, c.wrongType(s.args[0], err)
	}
	return func(w *walk, from spot, next func(spot) bool) bool {
		e := from.path.Element(segment)
		found, err := overlay.Has(w.view, &e)
		if err != nil || !found {
			return err == nil || w.fail(err)
		}
		return next(spot{value: value, of: w.view.Moment()})
	}, state{}, nil
}

func (c *compiler) field(s *step, at state) (run, state, error) {
	if at.schema == nil {
		return c.member(s, at, false)
	}
	if at.schema.Kind != overlay.KindFixed {
		return nil, at, c.misfit(s, at)
	}
	var name string
	if err := json.Unmarshal(s.args[0].raw, &name); err != nil {
		return nil, at, c.wrongType(s.args[0], fmt.Errorf("a field has a name in quotes"))
	}
	i, ok := at.schema.Field(name)
	if !ok {
		names := make([]string, len(at.schema.Fields))
		for i, field := range at.schema.Fields {
			names[i] = field.Name
		}
		return nil, at, c.wrong(s.args[0].at, "there is no field %q; there are %q", name, names)
	}
	to := structure(at.schema.Fields[i])
	value := to.schema == nil
	return func(w *walk, from spot, next func(spot) bool) bool {
		e := spot{path: from.path.Field(i), of: from.of}
		return (!value || w.lookup(&e)) && next(e)
	}, to, nil
}

func (c *compiler) nth(s *step, at state) (run, state, error) {
	var index int
	if err := json.Unmarshal(s.args[0].raw, &index); err != nil {
		return nil, at, c.wrongType(s.args[0], fmt.Errorf("an index is a whole number"))
	}
	if at.schema == nil {
		return c.item(s, at, index)
	}
	if at.part || !listed(at.schema) {
		return nil, at, c.misfit(s, at)
	}
	if index < 0 {
		return nil, at, c.wrong(s.args[0].at, "an index counts from 0; last leads to the last element")
	}
	return func(w *walk, from spot, next func(spot) bool) bool {
		from.part = &part{list: overlay.ListSpan{From: index, To: min(index, overlay.ListEnd-1) + 1}}
		return w.elements(from, 0, next)
	}, element(at.schema), nil
}

// end compiles first and last.
func (c *compiler) end(s *step, at state) (run, state, error) {
	last := s.name == "last"
	if at.schema == nil {
		index := 0
		if last {
			index = -1
		}
		return c.item(s, at, index)
	}
	if keyed(at.schema) || !ordered(at.schema) {
		return nil, at, c.misfit(s, at)
	}
	return func(w *walk, from spot, next func(spot) bool) bool { return w.end(from, last, next) }, element(at.schema), nil
}

// end gives the first or last element of a structure or a part, and reads it alone where
// it can.
func (w *walk) end(from spot, last bool, next func(spot) bool) bool {
	p := from.parted(0)
	limited := p.span.Limit > 0
	switch {
	case last == p.flip: // the first that is read
		p.span.Limit, p.list.Limit, p.flip = 1, 1, false
	case !limited:
		p.span.Reverse, p.list.Reverse = !p.span.Reverse, !p.list.Reverse
		p.span.Limit, p.list.Limit = 1, 1
	default: // the last that is read
		p.flip = false
		from.part = &p
		var found *spot
		ok := w.elements(from, 0, func(e spot) bool {
			found = &e
			return true
		})
		return ok && (found == nil || next(*found))
	}
	from.part = &p
	return w.elements(from, 0, next)
}

// all compiles all, vals, keys and entries.
func (c *compiler) all(s *step, at state) (run, state, error) {
	limit, name := c.last, s.name
	if at.schema == nil {
		return c.inside(s, at)
	}
	if !keyed(at.schema) {
		if name != "all" || !ordered(at.schema) {
			return nil, at, c.misfit(s, at)
		}
		return func(w *walk, from spot, next func(spot) bool) bool { return w.elements(from, limit, next) }, element(at.schema), nil
	}
	to := element(at.schema)
	switch name {
	case "keys", "entries", "all":
		to = state{}
	}
	return func(w *walk, from spot, next func(spot) bool) bool {
		return w.entries(from, limit, func(key json.RawMessage, e spot) bool {
			switch name {
			case "vals":
				return next(e)
			case "keys":
				return next(spot{value: key, of: e.of})
			}
			return w.pair(key, e, next)
		})
	}, to, nil
}

// pair goes on at an entry.
func (w *walk) pair(key json.RawMessage, e spot, next func(spot) bool) bool {
	left := elementsMax
	value, ok := w.whole(&e, &left)
	return ok && next(spot{value: appendEntry(nil, key, value), of: e.of})
}

func (c *compiler) length(s *step, at state) (run, state, error) {
	if at.schema == nil {
		return c.size(s, at)
	}
	if at.part || at.schema.Kind == overlay.KindFixed || at.schema.Kind == overlay.KindValue {
		return nil, at, c.misfit(s, at)
	}
	list := at.schema.Kind == overlay.KindList
	return func(w *walk, from spot, next func(spot) bool) bool {
		var n int
		var err error
		if list {
			n, err = overlay.ListLen(w.view, &from.path)
		} else {
			inner := from.path.Element(wire.Segment{})
			n, err = overlay.Len(w.view, &inner)
		}
		if err != nil {
			return w.fail(err)
		}
		return next(spot{value: fmt.Append(nil, n), of: w.view.Moment()})
	}, state{}, nil
}
