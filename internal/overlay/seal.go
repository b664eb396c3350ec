package overlay

import (
	"unsafe"

	"github.com/coppice-run/coppice/store"
)

// Arena holds the bytes of one commit. It is used again for a later one.
type Arena struct {
	chunks [][]byte
	at     int
}

const (
	chunkBytesMin = 4 << 10 // of the first chunk; each further one is larger, up to
	chunkBytesMax = 64 << 10
	chunkSpare    = 64 // room for a number; longer values are kept elsewhere
)

// Reset makes all of the arena free.
func (a *Arena) Reset() {
	for i := range a.chunks {
		a.chunks[i] = a.chunks[i][:0]
	}
	a.at = 0
}

// room returns a slice with at least chunkSpare free bytes.
func (a *Arena) room() *[]byte {
	for a.at < len(a.chunks) {
		if c := &a.chunks[a.at]; cap(*c)-len(*c) >= chunkSpare {
			return c
		}
		a.at++
	}
	a.chunks = append(a.chunks, make([]byte, 0, min(chunkBytesMin<<min(len(a.chunks), 8), chunkBytesMax)))
	return &a.chunks[a.at]
}

// value encodes an element's value into the arena.
func (a *Arena) value(e element) (string, error) {
	c := a.room()
	before := len(*c)
	out, err := e.appendValue(*c)
	if err != nil {
		return "", err
	}
	text := out[before:]
	if cap(out) == cap(*c) {
		*c = out
	}
	return unsafe.String(unsafe.SliceData(text), len(text)), nil
}

// Text puts a copy of some bytes into the arena.
func (a *Arena) Text(text []byte) string {
	if len(text) > chunkSpare {
		return string(text)
	}
	c := a.room()
	before := len(*c)
	*c = append(*c, text...)
	return unsafe.String(unsafe.SliceData((*c)[before:]), len(text))
}

// Dirty is how much the open batch has written: elements, and tables that it drops.
// Each is a part of its commit, which holds the server while it runs (R42).
func (v *View) Dirty() int { return len(v.dirtied) - v.light + len(v.changed) }

// Written is about how many bytes the open batch has written; what was written several
// times counts each time.
func (v *View) Written() int { return v.written }

// Recount has Written count each element once, and none of temporary tables, which no commit
// holds. It looks at all that the open batch has written; not while a savepoint is open.
func (v *View) Recount() int {
	v.written = 0
	for _, e := range v.dirtied {
		switch n := e.node(); {
		case n.table.light:
		case n.flags&present == 0:
			v.written += aroundBytes + len(n.field)
		default:
			v.written += e.size()
		}
	}
	return v.written
}

// change puts a table on the list of those that the open batch changes.
func (v *View) change(t *Table) {
	if t.changes != v.open && !t.light {
		t.changes = v.open
		v.changed = append(v.changed, t)
	}
}

// Seal appends the open batch's writes to b and opens the next batch. The
// entries stay: they now are what the store will hold.
func (v *View) Seal(b *store.Batch, a *Arena) error {
	first := len(b.Changes)
	for _, t := range v.changed {
		if t.cleared == v.open {
			t.change = openChange(b, t)
			b.Changes[t.change].Drop = true
		}
	}
	for _, e := range v.dirtied {
		n := e.node()
		n.flags &^= dirty
		n.batch = v.open
		t := n.table
		t.dirty = t.dirty[:0]
		if t.light {
			continue
		}
		if t.change < first || t.change >= len(b.Changes) || b.Changes[t.change].Table.Key != t.Key {
			t.change = openChange(b, t)
		}
		w := store.Write{Field: n.field}
		switch {
		case n.flags&present == 0:
			if t.cleared == v.open {
				continue
			}
			w.Delete = true
		case e.kept():
			w.Value = n.raw
		default:
			value, err := a.value(e)
			if err != nil {
				return err
			}
			w.Value = value
		}
		c := &b.Changes[t.change]
		c.Writes = append(c.Writes, w)
	}
	clear(v.dirtied)
	v.dirtied, v.light, v.written = v.dirtied[:0], 0, 0
	clear(v.changed)
	v.changed = v.changed[:0]
	clear(v.pages)
	v.pages = v.pages[:0]
	clear(v.committed)
	v.open++
	return nil
}

// openChange adds a change for the table and returns its index.
func openChange(b *store.Batch, t *Table) int {
	b.Open(t.Table)
	return len(b.Changes) - 1
}

// Confirm says that all sealed batches are in the store, and evicts entries
// above the limit that no batch holds on to.
func (v *View) Confirm(entriesMax int) {
	v.confirmed = v.open - 1
	steps := 2 * len(v.cached)
	for len(v.cached) > entriesMax && steps > 0 {
		steps--
		if v.hand >= len(v.cached) {
			v.hand = 0
		}
		e := v.cached[v.hand]
		n := e.node()
		if n.batch > v.confirmed || n.flags&(dirty|wanted) != 0 {
			v.hand++
			continue
		}
		if n.flags&used != 0 {
			n.flags &^= used
			v.hand++
			continue
		}
		v.evict(e)
		last := len(v.cached) - 1
		v.cached[v.hand] = v.cached[last]
		v.cached[last] = nil
		v.cached = v.cached[:last]
	}
	v.forgetTables()
}

// evict forgets an entry.
func (v *View) evict(e element) {
	t := e.node().table
	t.noted, t.whole = false, false
	e.forget()
	if t.cached--; t.cached == 0 && t.depth > 0 {
		v.list(t)
	}
}

// Cached is the number of elements in the cache.
func (v *View) Cached() int { return len(v.cached) }

// Changed reports whether the open batch drops a table.
func (v *View) Changed() bool { return len(v.changed) > 0 }
