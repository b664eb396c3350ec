package overlay

import "fmt"

// Lookup returns the value of an element and whether it exists.
func Lookup[T any](v *View, p *Path) (value T, found bool, err error) {
	if err := v.mayRead(p); err != nil {
		return value, false, err
	}
	if v.direct != nil {
		return lookupDirect[T](v, p)
	}
	v.countRead()
	if v.Owner != p.Decl.Owner {
		return lookupCommitted[T](v, p)
	}
	return lookup[T](v, p)
}

// lookup reads the view's own element.
func lookup[T any](v *View, p *Path) (value T, found bool, err error) {
	e := find[T](v, p)
	if v.failure != nil {
		return value, false, v.failure
	}
	if e.n.flags&present == 0 {
		return initial[T](v, p)
	}
	value, err = e.get()
	if err != nil {
		err = undecoded(p, e.n.field, err)
		v.Fail(err)
		return value, false, err
	}
	return value, true, nil
}

// initial is what is there where nothing was written: nothing, unless the PState
// was declared with an initial value.
func initial[T any](v *View, p *Path) (value T, found bool, err error) {
	if p.Decl.Initial == nil || p.n > 0 {
		return value, false, nil
	}
	if err = codecOf[T](p).Decode(bytesOf(*p.Decl.Initial), &value); err != nil {
		err = undecoded(p, "", err)
		v.Fail(err)
	}
	return value, err == nil, err
}

// Has reports whether an element of a set, or a structure in a structure, exists.
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
	e := touch[T](v, p)
	record(v, e)
	if err := e.set(*value, &v.scratch); err != nil {
		v.Fail(unencoded(p, e.n.field, err))
	}
	v.written += e.size()
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
	var err error
	if e.n.flags&present == 0 {
		value, _, err = initial[T](v, p)
	} else if value, err = e.get(); err != nil {
		v.Fail(undecoded(p, e.n.field, err))
	}
	if err != nil {
		return value
	}
	value = f(value)
	record(v, e)
	if err := e.set(value, &v.scratch); err != nil {
		v.Fail(unencoded(p, e.n.field, err))
	}
	v.written += e.size()
	v.note(e.n.table)
	return value
}

func unencoded(p *Path, field string, err error) error {
	return fmt.Errorf("PState %s, element %q: value does not encode: %w", p.Decl.Name, field, err)
}

// Delete removes an element, without reading it.
func Delete[T any](v *View, p *Path) {
	if !v.mayWrite(p) {
		return
	}
	v.countWrite()
	e := touch[T](v, p)
	record(v, e)
	e.n.flags = e.n.flags&^(present|broken) | loaded
	e.n.raw = ""
	v.written += aroundBytes + len(e.n.field)
}

// note writes, once per residence in the cache, the fields of the outer levels
// under which a nested table is found again: they make the inner keys
// enumerable, so that dropping an outer structure frees what lies under it. What
// lies under fixed keys is found by the schema.
func (v *View) note(t *Table) {
	if t.noted || t.depth == 0 {
		return
	}
	t.noted = true
	s, depth := t.schema, t.depth
	for s.Parent != nil && s.Parent.Kind == KindFixed {
		s, depth = s.Parent, depth-1
	}
	if s.Parent == nil {
		return
	}
	outer := t.path
	outer.n, outer.Schema, outer.column = depth, s.Parent, 0
	outer.Kind = s.Parent.Table()
	e := touch[struct{}](v, &outer)
	if e.n.flags&(loaded|present) != loaded|present {
		record(v, e)
		_ = e.set(struct{}{}, &v.scratch)
		// Should the event fail, a later write must note it again.
		v.undo = append(v.undo, undo{table: t, mark: t.cleared, unnote: true})
	}
	v.note(e.n.table)
}
