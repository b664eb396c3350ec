package overlay

// undo is the state of one node before a savepoint's first change to it; the
// typed value lies on the table's own stack.
type undo struct {
	e     element
	raw   string
	saved uint32
	flags flags
	base  base
	table *Table // set for the record of a dropped table; e is nil then
	mark  uint32
	// unnote: the table's note in the outer table was first written here.
	unnote bool
}

// Savepoint is a state of the view to which it can return. Savepoints nest:
// look-ahead runs later events on savepoints above that of the waiting one.
type Savepoint struct {
	undo, dirtied int
	outer, id     uint32
	failure       error
	written       int
	changes       int
}

// Since is how much was written behind a savepoint: elements with dropped tables, and
// about how many bytes.
func (v *View) Since(s Savepoint) (changes, bytes int) {
	return v.Dirty() - s.changes, v.written - s.written
}

// Begin starts a savepoint.
func (v *View) Begin() Savepoint {
	v.counter++
	s := Savepoint{undo: len(v.undo), dirtied: len(v.dirtied), outer: v.savepoint, id: v.counter, failure: v.failure, written: v.written, changes: v.Dirty()}
	v.savepoint = v.counter
	v.failure = nil
	return s
}

// Release keeps what was written since the savepoint.
func (v *View) Release(s Savepoint) {
	v.savepoint = s.outer
	v.failure = s.failure
	if s.outer != 0 {
		return // an outer savepoint may still want to go back
	}
	for i := len(v.undo) - 1; i >= 0; i-- {
		if u := &v.undo[i]; u.e != nil {
			u.e.drop()
		}
	}
	clear(v.undo)
	v.undo = v.undo[:0]
}

// Rollback undoes everything since the savepoint.
func (v *View) Rollback(s Savepoint) {
	for i := len(v.undo) - 1; i >= s.undo; i-- {
		u := &v.undo[i]
		if u.e == nil {
			u.table.cleared = u.mark
			if u.unnote {
				u.table.noted = false
			}
			continue
		}
		n := u.e.node()
		u.e.restore()
		// What was read meanwhile stays known, unless the element was written
		// without being known before.
		keep := n.flags & (used | wanted)
		n.flags = u.flags&^(used|wanted) | keep
		n.raw, n.saved, n.base = u.raw, u.saved, u.base
	}
	clear(v.undo[s.undo:])
	v.undo = v.undo[:s.undo]
	for i := len(v.dirtied) - 1; i >= s.dirtied; i-- {
		t := v.dirtied[i].node().table
		t.dirty = t.dirty[:len(t.dirty)-1]
		if t.light {
			v.light--
		}
	}
	clear(v.dirtied[s.dirtied:])
	v.dirtied = v.dirtied[:s.dirtied]
	v.written = s.written
	v.savepoint = s.outer
	v.failure = s.failure
}

// record saves an entry's state before its first change in the running
// savepoint, and puts it on the dirty list.
func record[T any](v *View, e *Entry[T]) {
	n := &e.n
	if n.saved != v.savepoint {
		v.undo = append(v.undo, undo{e: e, raw: n.raw, saved: n.saved, flags: n.flags, base: n.base})
		f := e.in()
		f.undone = append(f.undone, e.value)
		n.saved = v.savepoint
	}
	if n.flags&dirty == 0 {
		n.flags |= dirty
		if n.flags&loaded == 0 {
			n.base = baseUnknown
		} else if n.flags&present != 0 {
			n.base = basePresent
		} else {
			n.base = baseAbsent
		}
		v.dirtied = append(v.dirtied, e)
		n.table.dirty = append(n.table.dirty, e)
		if n.table.light {
			v.light++
		}
	}
}

// drop forgets the newest recorded value.
func (e *Entry[T]) drop() {
	f := e.in()
	var zero T
	last := len(f.undone) - 1
	f.undone[last] = zero
	f.undone = f.undone[:last]
}
