package overlay

import "github.com/coppice-run/coppice/store"

// A table that the store does not have needs no reads: what it comes to hold is written
// through the view, and stays in memory until it is evicted. Without that, a module that
// begins would ask for each of its keys once, and run what lies behind ahead each time,
// only to hear that there is nothing.

// wantEmpty asks, once, whether the table of an element that is read is empty.
func (v *View) wantEmpty(t *Table, p *Path) {
	if !v.Sole || t.asked || t.depth > 0 || p.Schema == nil || p.Decl.Volatile || v.foreign(p) {
		return
	}
	switch t.Kind {
	case store.Map, store.SortedMap, store.Set, store.SortedSet:
		t.asked = true
		v.needs = append(v.needs, need{empty: t, read: store.Read{Kind: store.Len, Table: t.Table}})
	}
}
