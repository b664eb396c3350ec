package overlay

import (
	"strconv"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Path leads from a PState to one of its structures, or to an element of one. It is
// a value: making one costs no allocation up to four levels.
type Path struct {
	Decl   *Decl
	Schema *Schema    // of the structure; of an element: of that which holds it
	Kind   store.Kind // of an element: of the table that the last segment is a field of
	column int        // of an element: among those of its table
	first  [4]wire.Segment
	rest   []wire.Segment
	n      int
}

// Root leads to a PState's outermost structure.
func Root(d *Decl) Path { return Path{Decl: d, Schema: d.Schema, Kind: store.Value} }

// Extend leads one level further in, where the table at that level is of the given kind.
// A path is large: what makes one for each event extends its own copy in place.
func (p *Path) Extend(s wire.Segment, kind store.Kind) {
	if p.n < len(p.first) {
		p.first[p.n] = s
	} else {
		p.rest = append(p.rest[:len(p.rest):len(p.rest)], s)
	}
	p.n++
	p.Kind = kind
}

// With returns the path one level further in.
func (p Path) With(s wire.Segment, kind store.Kind) Path {
	p.Extend(s, kind)
	return p
}

// Into leads to the structure under a key of a MapOf, or at a position of a ListOf.
func (p Path) Into(key wire.Segment) Path {
	p.Extend(key, store.SortedSet)
	if p.Schema != nil {
		p.Schema = p.Schema.Elem
	}
	return p
}

// Note leads from a structure under a key, to which Into led, to that key: an element of
// the structure around.
func (p Path) Note() Path {
	p.Kind = store.SortedSet
	if p.Schema != nil {
		p.Schema = p.Schema.Parent
	}
	return p
}

// Field leads to the i-th structure of fixed keys.
func (p Path) Field(i int) Path {
	field := p.Schema.Fields[i]
	p.Extend(wire.Segment{Kind: wire.SegmentText, Text: field.Name}, store.Map)
	p.Schema, p.column = field, field.Column
	return p
}

// Element leads to an element of the structure that p leads to.
func (p Path) Element(s wire.Segment) Path { return p.With(s, p.Schema.Table()) }

// Len is the number of segments.
func (p *Path) Len() int { return p.n }

// Segment returns the i-th segment.
func (p *Path) Segment(i int) *wire.Segment {
	if i < len(p.first) {
		return &p.first[i]
	}
	return &p.rest[i-len(p.first)]
}

// last is the segment that names the field; nil for a top-level value.
func (p *Path) last() *wire.Segment {
	if p.n == 0 {
		return nil
	}
	return p.Segment(p.n - 1)
}

// bad returns why a key on the way has no stored form, "" if all have one.
func (p *Path) bad() string {
	for i := range min(p.n, len(p.first)) {
		if p.first[i].Kind == wire.SegmentBad {
			return p.first[i].Text
		}
	}
	for i := range p.rest {
		if p.rest[i].Kind == wire.SegmentBad {
			return p.rest[i].Text
		}
	}
	return ""
}

// leaf is the codec of the values, nil where there are none.
func (p *Path) leaf() any {
	if p.Schema != nil {
		return p.Schema.Leaf
	}
	return p.Decl.Leaf
}

// Task finds the task that holds what the path leads to. It is task.None where every
// task holds a part of its own: the path does not name the key that chooses.
func (p *Path) Task(tasks int) (task.ID, error) {
	if p.Decl.Global {
		return 0, nil
	}
	if p.Schema == nil || p.Schema.Keyed == nil {
		return task.None, nil
	}
	keyed := p.Schema.Keyed
	if keyed.Depth >= p.n || p.Segment(keyed.Depth).Kind == wire.SegmentNone {
		return task.None, nil
	}
	return keyed.Task(p.Segment(keyed.Depth), tasks)
}

// appendIdentity appends bytes that name the table holding the first depth
// segments, unique within one view.
func (p *Path) appendIdentity(dst []byte, depth int) []byte {
	dst = strconv.AppendInt(dst, int64(p.Decl.ID), 10)
	for i := range depth {
		at := len(dst)
		dst = append(dst, 0, 0, 0, 0)
		dst = wire.AppendElement(dst, *p.Segment(i))
		n := len(dst) - at - 4
		dst[at], dst[at+1], dst[at+2], dst[at+3] = byte(n>>24), byte(n>>16), byte(n>>8), byte(n)
	}
	return dst
}

// storeTable names the table that holds the elements behind the first depth
// segments.
func (p *Path) storeTable(tag string, depth int, kind store.Kind) store.Table {
	segments := make([]string, depth)
	for i := range segments {
		segments[i] = string(wire.AppendElement(nil, *p.Segment(i)))
	}
	return wire.PStateTable(tag, p.Decl.Name, kind, segments...)
}

// tableIn names the table that holds the path's last segment in the slot of a tag.
func (p *Path) tableIn(tag string) store.Table { return p.storeTable(tag, max(p.n-1, 0), p.Kind) }

// fieldText is the field that the path's last segment names.
func (p *Path) fieldText() string {
	if last := p.last(); last != nil {
		return string(wire.AppendElement(nil, *last))
	}
	return ""
}
