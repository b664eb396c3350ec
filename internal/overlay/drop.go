package overlay

import (
	"fmt"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
)

// StructuresMax bounds how many structures one event deletes: each costs a command of
// the commit, which holds the server while it runs (R42).
const StructuresMax = 10_000

// Drop empties the structure that the path leads to, and frees everything under it:
// a command for each structure, whatever its size. Above StructuresMax structures it
// fails the event; DropPart does it in pieces.
func Drop(v *View, p *Path) {
	if !v.mayWrite(p) {
		return
	}
	left := StructuresMax
	if !drop(v, *p, &left, false) && v.failure == nil {
		_ = v.refuse(p.Decl, fmt.Errorf("%w: there are more than %d; delete them in pieces, with DeletePart and a step that sends itself what is left", ErrTooMany, StructuresMax))
	}
}

// DropPart is Drop of at most so many structures, the first ones. It reports whether
// nothing is left.
func DropPart(v *View, p *Path, most int) (done bool) {
	if !v.mayWrite(p) {
		return true // the event fails
	}
	left := min(max(most, least(p.Schema)+1), StructuresMax)
	return drop(v, *p, &left, true) || v.failure != nil
}

// least is how many structures there are on the way to the first one that keys lead to:
// those of fixed keys are dropped whether or not they are there.
func least(s *Schema) int {
	n := 1
	for _, field := range s.Fields {
		n += least(field)
	}
	if s.Elem != nil {
		n += least(s.Elem)
	}
	return n
}

// drop empties a structure as long as there are structures left to delete. Where that
// may not suffice (parts), the keys of what is gone go with it.
func drop(v *View, p Path, left *int, parts bool) (done bool) {
	if *left <= 0 {
		return false
	}
	switch p.Schema.Kind {
	case KindFixed:
		return dropFixed(v, p, left, parts)
	case KindMapOf, KindListOf:
		if !dropKeys(v, p, left, parts) || *left <= 0 {
			return false
		}
	}
	*left--
	element := p
	if p.Schema.Kind != KindValue {
		element = p.Element(wire.Segment{})
	}
	dropTable(v, &element)
	return true
}

// dropFixed empties the structures of fixed keys; their values are in one table.
func dropFixed(v *View, p Path, left *int, parts bool) bool {
	values := false
	for i, field := range p.Schema.Fields {
		if field.Kind == KindValue {
			values = true
		} else if !drop(v, p.Field(i), left, parts) {
			return false
		}
	}
	if values {
		if *left <= 0 {
			return false
		}
		*left--
		element := p.Element(wire.Segment{})
		dropTable(v, &element)
	}
	return true
}

// dropKeys empties the structures under the keys of another, as they are noted there.
func dropKeys(v *View, p Path, left *int, parts bool) bool {
	keys := p.Element(wire.Segment{})
	var fields []string
	err := Scan(v, &keys, store.Span{Limit: *left + 1}, func(field string, _ struct{}) bool {
		fields = append(fields, field)
		return true
	})
	if err != nil {
		return false // noted in the view: the event fails
	}
	for _, field := range fields {
		key := wire.Segment{Kind: wire.SegmentEncoded, Text: field}
		if !drop(v, p.Into(key), left, parts) {
			return false
		}
		if parts {
			noted := p.Element(key)
			Delete[struct{}](v, &noted)
		}
	}
	return true
}

// dropTable empties the table whose elements the path leads to: p names one of
// them, its last segment does not count.
func dropTable(v *View, p *Path) {
	v.countWrite()
	t := tableOf(v, p)
	for _, c := range t.columns {
		if c != nil {
			c.drop(v)
		}
	}
	v.undo = append(v.undo, undo{table: t, mark: t.cleared})
	t.cleared = v.open
	t.noted = false
	v.change(t)
}
