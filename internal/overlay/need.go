package overlay

import "github.com/coppice-run/coppice/store"

// need is one thing that a handler waits for: an element (e), its stored form alone
// (stored), a table's length (table), whether a table is empty (empty) or a page of a range.
type need struct {
	read   store.Read
	e      element
	stored *stored
	table  *Table
	empty  *Table
	page   *page
}

// want asks for an element once per round.
func (v *View) want(e element) {
	n := e.node()
	if n.flags&wanted != 0 {
		return
	}
	n.flags |= wanted
	v.needs = append(v.needs, need{e: e, read: store.Read{Kind: store.Get, Table: n.table.Table, Field: n.field}})
}

// Pending reports whether handlers wait for reads.
func (v *View) Pending() int { return len(v.needs) }

// Reads appends the questions to the store that the pending needs amount to.
func (v *View) Reads(reads []store.Read) []store.Read {
	for i := range v.needs {
		reads = append(reads, v.needs[i].read)
	}
	return reads
}

// Supply takes the answers, in the order of Reads.
func (v *View) Supply(reads []store.Read) {
	for i := range v.needs {
		n, r := &v.needs[i], &reads[i]
		switch {
		case n.e != nil:
			v.supplyElement(n.e, r)
		case n.empty != nil:
			n.empty.whole = r.Count == 0
		case n.stored != nil:
			n.stored.raw, n.stored.found, n.stored.done = r.Value, r.Found, true
		case n.page != nil:
			n.page.elements, n.page.more, n.page.done = r.Elements, r.More && len(r.Elements) > 0, true
			if n.page.walk {
				n.page.to = r.Value
			}
			v.pages = append(v.pages, n.page)
		default:
			n.table.lenBase, n.table.lenOf = r.Count, v.open
		}
	}
	clear(v.needs)
	v.needs = v.needs[:0]
}

func (v *View) supplyElement(e element, r *store.Read) {
	n := e.node()
	n.flags &^= wanted
	n.batch = v.open
	if n.flags&dirty != 0 {
		// Written before it was read: only its presence beneath was asked for.
		n.base = baseAbsent
		if r.Found {
			n.base = basePresent
		}
		return
	}
	if n.flags&loaded == 0 {
		e.load(r.Value, r.Found)
	}
}

// DropNeeds forgets what was asked for: the batch is abandoned.
func (v *View) DropNeeds() {
	for i := range v.needs {
		if e := v.needs[i].e; e != nil {
			e.node().flags &^= wanted
		}
		if t := v.needs[i].empty; t != nil {
			t.asked = false
		}
	}
	clear(v.committed)
	clear(v.needs)
	v.needs = v.needs[:0]
}
