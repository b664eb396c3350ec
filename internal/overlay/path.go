package overlay

import (
	"strconv"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
)

// Decl is a declared PState as the views know it. It does not change after the
// module's Define.
type Decl struct {
	Module string
	ID     int    // position among the module's PStates
	Name   string // part of the Redis keys
	Owner  string // the topology that writes it
	Leaf   any    // *codec.Codec[T] of the values, T being the innermost value type
}

// Path leads from a PState to one of its elements or inner structures. It is a
// value: making one costs no allocation up to four levels.
type Path struct {
	Decl  *Decl
	Kind  store.Kind // of the table that the last segment is a field of
	first [4]wire.Segment
	rest  []wire.Segment
	n     int
}

// With returns the path one level further in, where the table at that level is
// of the given kind.
func (p Path) With(s wire.Segment, kind store.Kind) Path {
	if p.n < len(p.first) {
		p.first[p.n] = s
	} else {
		p.rest = append(p.rest[:len(p.rest):len(p.rest)], s)
	}
	p.n++
	p.Kind = kind
	return p
}

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
