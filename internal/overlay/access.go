package overlay

import (
	"fmt"
	"maps"
	"slices"

	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
)

// Lookup returns the value of an element and whether it exists.
func Lookup[T any](v *View, p *Path) (value T, found bool, err error) {
	if v.direct != nil {
		return lookupDirect[T](v, p)
	}
	v.countRead()
	e := find[T](v, p)
	if v.failure != nil {
		return value, false, v.failure
	}
	if e.n.flags&present == 0 {
		return value, false, nil
	}
	value, err = e.get()
	if err != nil {
		err = fmt.Errorf("PState %s, element %q: stored value does not decode: %w", p.Decl.Name, e.n.field, err)
		v.Fail(err)
		return value, false, err
	}
	return value, true, nil
}

// Has reports whether an element exists.
func Has(v *View, p *Path) (bool, error) {
	_, found, err := Lookup[struct{}](v, p)
	return found, err
}

// Set writes an element. It does not read it.
func Set[T any](v *View, p *Path, value *T) {
	if !v.mayWrite(p) {
		return
	}
	v.countWrite()
	e := place[T](v, p)
	record(v, e)
	if err := e.set(*value, &v.scratch); err != nil {
		v.Fail(fmt.Errorf("PState %s, element %q: value does not encode: %w", p.Decl.Name, e.n.field, err))
	}
	v.note(e.n.table)
}

// Update replaces an element's value (zero if absent) by f of it and returns
// the new one.
func Update[T any](v *View, p *Path, f func(T) T) (value T) {
	if !v.mayWrite(p) {
		return value
	}
	v.countRead()
	e := find[T](v, p)
	if v.failure != nil {
		return value
	}
	v.countWrite()
	if e.n.flags&present != 0 {
		var err error
		if value, err = e.get(); err != nil {
			v.Fail(fmt.Errorf("PState %s, element %q: stored value does not decode: %w", p.Decl.Name, e.n.field, err))
			return value
		}
	}
	value = f(value)
	record(v, e)
	if err := e.set(value, &v.scratch); err != nil {
		v.Fail(fmt.Errorf("PState %s, element %q: value does not encode: %w", p.Decl.Name, e.n.field, err))
	}
	v.note(e.n.table)
	return value
}

// Delete removes an element, without reading it.
func Delete[T any](v *View, p *Path) {
	if !v.mayWrite(p) {
		return
	}
	v.countWrite()
	e := place[T](v, p)
	record(v, e)
	e.n.flags = e.n.flags&^(present|broken) | loaded
	e.n.raw = ""
}

// DropTable empties the table whose elements the path leads to: p names one of
// them, its last segment does not count.
func DropTable[T any](v *View, p *Path) {
	if !v.mayWrite(p) {
		return
	}
	v.countWrite()
	t, f := tableFor[T](v, p)
	// In the order of the fields: what a run writes follows from its inputs alone.
	for _, field := range slices.Sorted(maps.Keys(f.entries)) {
		e := f.entries[field]
		record(v, e)
		e.n.flags = e.n.flags&^(present|broken) | loaded
		e.n.raw = ""
	}
	v.undo = append(v.undo, undo{table: t, mark: t.cleared})
	t.cleared = v.open
	t.noted = false
	v.change(t)
}

func (v *View) mayWrite(p *Path) bool {
	if v.direct != nil {
		v.Fail(fmt.Errorf("PState %s: a client only reads", p.Decl.Name))
		return false
	}
	if v.Owner != p.Decl.Owner {
		v.Fail(fmt.Errorf("PState %s of topology %q, event of topology %q: %w", p.Decl.Name, p.Decl.Owner, v.Owner, ErrNotOwner))
		return false
	}
	return true
}

// note writes, once per residence in the cache, the fields of the outer levels
// under which a nested table is found again: they make the inner keys
// enumerable, so that dropping an outer structure frees what lies under it.
func (v *View) note(t *Table) {
	if t.noted || t.path.n <= 1 {
		return
	}
	t.noted = true
	outer := t.path
	outer.n--
	outer.Kind = store.SortedSet
	e := place[struct{}](v, &outer)
	if e.n.flags&(loaded|present) != loaded|present {
		record(v, e)
		_ = e.set(struct{}{}, &v.scratch)
		// Should the event fail, a later write must note it again.
		v.undo = append(v.undo, undo{table: t, mark: t.cleared, unnote: true})
	}
	v.note(e.n.table)
}

func lookupDirect[T any](v *View, p *Path) (value T, found bool, err error) {
	slot, err := v.direct.Slot(p)
	if err != nil {
		return value, false, err
	}
	field := ""
	if last := p.last(); last != nil {
		field = string(wire.AppendElement(nil, *last))
	}
	read := [1]store.Read{{Kind: store.Get, Table: p.storeTable(slot.Tag, max(p.n-1, 0), p.Kind), Field: field}}
	if err := v.direct.Read(slot, read[:]); err != nil {
		return value, false, err
	}
	if !read[0].Found {
		return value, false, nil
	}
	leaf, ok := p.Decl.Leaf.(*codec.Codec[T])
	if !ok {
		return value, true, nil
	}
	if err := leaf.Decode(bytesOf(read[0].Value), &value); err != nil {
		return value, false, fmt.Errorf("PState %s, element %q: stored value does not decode: %w", p.Decl.Name, field, err)
	}
	return value, true, nil
}
