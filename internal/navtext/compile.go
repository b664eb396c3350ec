package navtext

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/shape"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Program is a path that fits the schema of a PState.
type Program struct {
	decl   *overlay.Decl
	text   string
	run    run
	placed *placed
	// Limit is the step limit(n), Page the step page(n); 0: none.
	Limit, Page int
	// Count: the path ends with count.
	Count bool
}

// placed is the key that chooses the task.
type placed struct {
	schema *overlay.Schema
	key    wire.Segment
	at     int
}

// run goes on from one place, and calls next for each that it leads to. It ends early,
// and returns false, if next does, or if the walk has failed.
type run func(w *walk, from spot, next func(spot) bool) bool

// state is what is known of a place before anything is read.
type state struct {
	schema *overlay.Schema // of a structure; nil: a value
	part   bool            // a part of it
	of     *overlay.Schema // of a value: the structure that holds it
	shape  *shape.Shape    // of a value, nil if not known
	whole  bool            // the value is as it is stored: not a part of it, a length or a key
}

// compiler checks the steps along a schema.
type compiler struct {
	text    string
	program *Program
	static  bool // no step has been one that leads to many
	last    int  // limit of the places, where the step that is compiled is the last of many
	ways    int  // how many ways lead on from one place, by what is compiled; 1 where none branches
}

// Compile checks a path along the schema of a PState. No more than limit values are
// wanted; 0: all. Errors: *Error.
func (p *Path) Compile(decl *overlay.Decl, limit int) (*Program, error) {
	g := &Program{decl: decl, text: p.text}
	all, err := g.modifiers(p)
	if err != nil {
		return nil, err
	}
	if limit > 0 && !g.Count && (g.Limit == 0 || limit < g.Limit) {
		g.Limit = limit
	}
	c := &compiler{text: p.text, program: g, static: true}
	g.run, _, err = c.chain(all, structure(decl.Schema), g.Limit)
	if err != nil {
		return nil, err
	}
	return g, nil
}

// Task is the task that holds what the path names a key for. Not named: each task holds a
// part.
func (g *Program) Task(tasks int) (id task.ID, named bool, err error) {
	if g.decl.Global {
		return 0, true, nil
	}
	if g.placed == nil {
		return task.None, false, nil
	}
	id, err = g.placed.schema.Task(&g.placed.key, tasks)
	return id, true, err
}

// modifiers takes the steps off the end that say how much is given.
func (g *Program) modifiers(p *Path) ([]step, error) {
	all := p.steps
	for len(all) > 0 {
		s := &all[len(all)-1]
		var err error
		switch s.name {
		case "count":
			if g.Count || g.Page > 0 || g.Limit > 0 || len(s.args) > 0 {
				return nil, p.wrong(s.at, "count is the last step, without arguments")
			}
			g.Count = true
		case "limit":
			if g.Limit > 0 {
				return nil, p.wrong(s.at, "limit is named twice; name the smaller one")
			}
			g.Limit, err = p.positive(s)
		case "page":
			if g.Page > 0 {
				return nil, p.wrong(s.at, "page is named twice")
			}
			if g.Page, err = p.positive(s); err == nil && g.Page > store.ElementsMax {
				err = p.wrong(s.args[0].at, "a page has at most %d values", store.ElementsMax)
			}
		default:
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		all = all[:len(all)-1]
	}
	return all, nil
}

func (p *Path) wrong(at int, format string, args ...any) *Error {
	return &Error{Path: p.text, At: at, Text: fmt.Sprintf(format, args...), Kind: ErrWrongPath}
}

func (p *Path) positive(s *step) (n int, err error) {
	if len(s.args) != 1 || json.Unmarshal(s.args[0].raw, &n) != nil || n < 1 {
		return 0, p.wrong(s.at, "%s takes one whole number from 1 on", s.name)
	}
	return n, nil
}

// chain compiles steps one behind another. limit is how many places are wanted at most;
// 0: all.
func (c *compiler) chain(all []step, at state, limit int) (run, state, error) {
	out := run(func(_ *walk, from spot, next func(spot) bool) bool { return next(from) })
	ways := 1
	for i := range all {
		s := &all[i]
		kind := steps[s.name]
		if kind.compile == nil {
			return nil, at, c.wrong(s.at, "%s is only at the end of a path", s.name)
		}
		if len(s.args) < kind.min || len(s.args) > kind.max || (s.cond != nil) != kind.conditional || len(s.ways) > kind.ways || (len(s.ways) > 0) != (kind.ways > 0) {
			return nil, at, c.wrong(s.at, "write %s(%s)", s.name, kind.args)
		}
		c.last, c.ways = 0, 1
		if !slices.ContainsFunc(all[i+1:], func(s step) bool { return !steps[s.name].single }) {
			c.last = limit
		}
		do, to, err := kind.compile(c, s, at)
		if err != nil {
			return nil, at, err
		}
		if ways *= c.ways; ways > waysMax {
			return nil, at, c.wrong(s.at, "the path leads along more than %d ways from one place: name fewer in multi, or ask several times", waysMax)
		}
		c.static = c.static && (kind.single || s.name == "must" || kind.conditional && kind.ways == 0)
		before := out
		out = func(w *walk, from spot, next func(spot) bool) bool {
			return before(w, from, func(s spot) bool { return do(w, s, next) })
		}
		at = to
	}
	c.ways = ways
	return out, at, nil
}

func (c *compiler) wrong(at int, format string, args ...any) *Error {
	return &Error{Path: c.text, At: at, Text: fmt.Sprintf(format, args...), Kind: ErrWrongPath}
}

func (c *compiler) wrongType(a argument, err error) *Error {
	return &Error{Path: c.text, At: a.at, Text: err.Error(), Kind: ErrWrongType}
}

// misfit says that a step does not fit, and which do.
func (c *compiler) misfit(s *step, at state) *Error {
	return c.wrong(s.at, "%s does not lead on from %s; from there lead %s", s.name, at.words(), strings.Join(at.steps(), ", "))
}

// words say what a state is.
func (s state) words() string {
	switch {
	case s.schema == nil && s.of != nil && s.whole && opaque(s.of):
		return "a value of the codec " + s.of.Codec + ", which only the module's code reads"
	case s.schema == nil && s.shape != nil:
		return "a value " + s.shape.String()
	case s.schema == nil:
		return "a value"
	case s.part:
		return "a part of a " + s.schema.Kind.String()
	}
	switch s.schema.Kind {
	case overlay.KindMapOf:
		return "a map of structures"
	case overlay.KindListOf:
		return "a list of structures"
	case overlay.KindFixed:
		return "fixed keys"
	}
	return "a " + s.schema.Kind.String()
}

// steps are those that lead on from a state.
func (s state) steps() []string {
	if s.schema == nil {
		if s.of != nil && s.whole && opaque(s.of) {
			return []string{"it"}
		}
		return []string{"field", "key", "must", "nth", "first", "last", "all", "vals", "keys", "entries", "filter", "nullToVal", "submap", "sublist", "len"}
	}
	switch {
	case s.part && ordered(s.schema) && keyed(s.schema):
		return []string{"vals", "keys", "entries"}
	case s.part:
		return []string{"all", "first", "last"}
	}
	switch s.schema.Kind {
	case overlay.KindMap:
		return []string{"key", "must", "vals", "keys", "entries", "submap", "len"}
	case overlay.KindSortedMap:
		return []string{"key", "must", "vals", "keys", "entries", "submap", "range", "rangeFrom", "rangeTo", "rangeFromStart", "rangeToEnd", "len"}
	case overlay.KindMapOf:
		return []string{"key", "must", "vals", "keys", "entries", "range", "rangeFrom", "rangeTo", "rangeFromStart", "rangeToEnd", "len"}
	case overlay.KindSet:
		return []string{"elem", "subset", "len"}
	case overlay.KindSortedSet:
		return []string{"elem", "subset", "all", "first", "last", "range", "rangeFrom", "rangeTo", "rangeFromStart", "rangeToEnd", "len"}
	case overlay.KindList, overlay.KindListOf:
		return []string{"nth", "all", "first", "last", "range", "rangeFrom", "rangeTo", "rangeFromStart", "rangeToEnd", "sublist", "len"}
	case overlay.KindFixed:
		return []string{"field"}
	}
	return []string{"filter"}
}

// keyed reports whether a structure has values under keys.
func keyed(s *overlay.Schema) bool {
	return s.Kind == overlay.KindMap || s.Kind == overlay.KindSortedMap || s.Kind == overlay.KindMapOf
}

// ordered reports whether there are parts of a structure.
func ordered(s *overlay.Schema) bool {
	return s.Kind == overlay.KindSortedMap || s.Kind == overlay.KindMapOf || s.Kind == overlay.KindSortedSet || listed(s)
}

func listed(s *overlay.Schema) bool {
	return s.Kind == overlay.KindList || s.Kind == overlay.KindListOf
}

// element is the state of a structure's elements.
func element(s *overlay.Schema) state {
	switch s.Kind {
	case overlay.KindMapOf, overlay.KindListOf:
		return structure(s.Elem)
	case overlay.KindSet, overlay.KindSortedSet:
		return state{}
	}
	return state{of: s, shape: s.Shape, whole: true}
}

// structure is the state of a structure: a value among fixed keys is a value.
func structure(s *overlay.Schema) state {
	if s.Kind == overlay.KindValue {
		return state{of: s, shape: s.Shape, whole: true}
	}
	return state{schema: s}
}
