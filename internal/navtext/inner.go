package navtext

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/coppice-run/coppice/internal/shape"
)

// The steps into values: these lie as JSON.

// enter checks that the steps of a path go into a value, and returns what is known of it.
func (c *compiler) enter(s *step, at state, kinds ...string) (*shape.Shape, error) {
	if at.of != nil && at.whole && opaque(at.of) {
		return nil, c.misfit(s, at)
	}
	known := at.shape
	for known != nil && known.Kind == "pointer" {
		known = known.Elem
	}
	if known == nil || known.Kind == "own" || known.Kind == "again" {
		return nil, nil
	}
	for _, kind := range kinds {
		if known.Kind == kind {
			return known, nil
		}
	}
	return nil, c.wrong(s.at, "%s does not lead on from a value %v", s.name, known)
}

// elem is the shape of what lies in a value.
func elemOf(known *shape.Shape) *shape.Shape {
	if known == nil {
		return nil
	}
	return known.Elem
}

// member compiles key, must and field of an object.
func (c *compiler) member(s *step, at state, must bool) (run, state, error) {
	known, err := c.enter(s, at, "struct", "map")
	if err != nil {
		return nil, at, err
	}
	a := s.args[0]
	name, err := memberName(known, a.raw)
	if err != nil {
		return nil, at, c.wrongType(a, err)
	}
	to := state{shape: elemOf(known)}
	if known != nil && known.Kind == "struct" {
		if to.shape, err = c.fieldOf(known, name, a); err != nil {
			return nil, at, err
		}
	}
	return func(_ *walk, from spot, next func(spot) bool) bool {
		_, all, _ := members(from.value)
		value, ok := all[name]
		if !ok && must {
			return true
		}
		if !ok {
			value = json.RawMessage(null)
		}
		return next(spot{value: value, of: from.of})
	}, to, nil
}

// memberName is the name of a member of an object: text in quotes, or the number of a Go map
// whose keys are numbers.
func memberName(known *shape.Shape, raw json.RawMessage) (name string, err error) {
	quoted := json.Unmarshal(raw, &name) == nil && first(raw) == '"'
	if !quoted && !isNumber(raw) {
		return "", fmt.Errorf("members of an object have names in quotes")
	}
	if !quoted {
		name = string(raw)
	}
	if known == nil || known.Kind != "map" || known.Key == nil {
		return name, nil
	}
	switch kind := known.Key.Kind; kind {
	case "string":
		if !quoted {
			return "", fmt.Errorf("keys here are text: %s is no text; put it in quotes: %q", raw, raw)
		}
	case "int8", "int16", "int32", "int64":
		n, err := strconv.ParseInt(name, 10, bitsOf(kind))
		if err != nil || strconv.FormatInt(n, 10) != name {
			return "", fmt.Errorf("keys here are %s: %s is no %s", kind, raw, kind)
		}
	case "uint8", "uint16", "uint32", "uint64":
		n, err := strconv.ParseUint(name, 10, bitsOf(kind))
		if err != nil || strconv.FormatUint(n, 10) != name {
			return "", fmt.Errorf("keys here are %s: %s is no %s", kind, raw, kind)
		}
	}
	return name, nil
}

// bitsOf is the width of an integer's kind.
func bitsOf(kind string) int {
	bits, _ := strconv.Atoi(strings.TrimLeft(kind, "uint"))
	return bits
}

// fieldOf is the shape of a field of a struct.
func (c *compiler) fieldOf(known *shape.Shape, name string, a argument) (*shape.Shape, error) {
	names := make([]string, len(known.Fields))
	for i, f := range known.Fields {
		if names[i] = f.Name; f.Name == name {
			return f.Shape, nil
		}
	}
	return nil, c.wrong(a.at, "there is no field %q; there are %q", name, names)
}

// item compiles nth, first and last of an array; -1 is the last.
func (c *compiler) item(s *step, at state, index int) (run, state, error) {
	known, err := c.enter(s, at, "list")
	if err != nil {
		return nil, at, err
	}
	return func(_ *walk, from spot, next func(spot) bool) bool {
		all, _ := items(from.value)
		i := index
		if i < 0 {
			i += len(all)
		}
		return i < 0 || i >= len(all) || next(spot{value: all[i], of: from.of})
	}, state{shape: elemOf(known)}, nil
}

// inside compiles all, vals, keys and entries of arrays and objects.
func (c *compiler) inside(s *step, at state) (run, state, error) {
	kinds := []string{"map", "struct"}
	if s.name == "all" {
		kinds = append(kinds, "list")
	}
	known, err := c.enter(s, at, kinds...)
	if err != nil {
		return nil, at, err
	}
	to := state{}
	if s.name == "vals" || s.name == "all" && known != nil && known.Kind == "list" {
		to.shape = elemOf(known)
	}
	name := s.name
	return func(_ *walk, from spot, next func(spot) bool) bool {
		if all, ok := items(from.value); ok && name == "all" {
			for _, value := range all {
				if !next(spot{value: value, of: from.of}) {
					return false
				}
			}
			return true
		}
		names, all, _ := members(from.value)
		for _, member := range names {
			value, key := all[member], json.RawMessage(appendText(nil, member))
			switch name {
			case "keys":
				value = key
			case "entries", "all":
				value = appendEntry(nil, key, value)
			}
			if !next(spot{value: value, of: from.of}) {
				return false
			}
		}
		return true
	}, to, nil
}

// size compiles len of a value: of null and what has no elements it is 0.
func (c *compiler) size(s *step, at state) (run, state, error) {
	known, err := c.enter(s, at, "list", "map", "struct", "string", "bytes")
	if err != nil {
		return nil, at, err
	}
	bytes := known != nil && known.Kind == "bytes"
	return func(_ *walk, from spot, next func(spot) bool) bool {
		n := 0
		var text string
		if all, ok := items(from.value); ok {
			n = len(all)
		} else if names, _, ok := members(from.value); ok {
			n = len(names)
		} else if json.Unmarshal(from.value, &text) == nil {
			if n = utf8.RuneCountInString(text); bytes {
				raw, _ := base64.StdEncoding.DecodeString(text)
				n = len(raw)
			}
		}
		return next(spot{value: fmt.Append(nil, n), of: from.of})
	}, state{}, nil
}

// filter compiles filter and filterNot.
func (c *compiler) filter(s *step, at state) (run, state, error) {
	holds, err := c.holds(s.cond, at)
	if err != nil {
		return nil, at, err
	}
	not := s.name == "filterNot"
	return func(w *walk, from spot, next func(spot) bool) bool {
		passed := holds(w, from)
		return w.err == nil && (passed == not || next(from))
	}, at, nil
}

// holds compiles a condition.
func (c *compiler) holds(cond *condition, at state) (func(w *walk, from spot) bool, error) {
	inner, to, err := c.condition(cond, at)
	if err != nil {
		return nil, err
	}
	if cond.op != "" {
		if to.schema != nil {
			return nil, c.wrong(cond.opAt, "%s compares values, and the path comes to %s", cond.op, to.words())
		}
		if to.of != nil && to.whole && opaque(to.of) {
			return nil, c.wrong(cond.opAt, "%s compares JSON, and the path comes to %s", cond.op, to.words())
		}
		if v := first(cond.value.raw); cond.op != "==" && cond.op != "!=" && v != '"' && !isNumber(cond.value.raw) {
			return nil, c.wrongType(cond.value, fmt.Errorf("%s compares with a number or a text", cond.op))
		}
	}
	return func(w *walk, from spot) bool {
		passed := false
		inner(w, from, func(e spot) bool {
			passed = cond.op == "" || passes(e.value, cond.op, cond.value.raw)
			return !passed
		})
		return passed
	}, nil
}

// condition compiles the path of a condition: its keys do not choose the task.
func (c *compiler) condition(cond *condition, at state) (run, state, error) {
	static := c.static
	c.static = false
	defer func() { c.static = static }()
	limit := 0
	if cond.op == "" {
		limit = 1 // one place is enough
	}
	return c.chain(cond.steps, at, limit)
}
