package overlay

import (
	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/store"
)

// Table is one table of the slot as the view knows it.
type Table struct {
	store.Table
	path    Path     // of one of its elements
	schema  *Schema  // of the structure whose elements it holds; nil if there is none
	depth   int      // segments that lead to it
	columns []column // its elements, by the type of their values: more than one kind only among fixed keys, and beside a list
	cached  int      // elements in memory
	batch   uint32   // last batch that used the table
	listed  bool     // on the view's list of tables that may hold nothing
	gone    bool     // the view has forgotten it
	light   bool     // it is temporary: never stored
	noted   bool     // the parent's field for this table is known to be there
	cleared uint32   // batch that dropped the table
	changes uint32   // batch that has a change for this table
	change  int      // its index
	dirty   []element
	lenOf   uint32 // batch for which lenBase holds
	lenBase int
	whole   bool // what the store holds of it is all in memory
	asked   bool // whether it is empty in the store was asked
}

// column is fields of any type.
type column interface{ drop(v *View) }

// fields are the elements of a table whose values have one type.
type fields[T any] struct {
	codec   *codec.Codec[T]
	table   *Table
	entries index[T]
	number  uint16 // of the column
	undone  []T    // values before each recorded change, newest last
}

// tableOf returns the table that holds the path's last segment.
func tableOf(v *View, p *Path) *Table {
	var t *Table
	if p.n <= 1 {
		t = v.top[p.Decl.ID]
	} else {
		v.scratch = p.appendIdentity(v.scratch[:0], p.n-1)
		t = v.nested[string(v.scratch)]
	}
	if t == nil {
		t = v.newTable(p)
	}
	t.batch = v.open
	return t
}

func (v *View) newTable(p *Path) *Table {
	depth := max(p.n-1, 0)
	t := &Table{Table: p.storeTable(v.tag, depth, p.Kind), path: *p, schema: p.Schema.holder(), depth: depth}
	if v.keys != nil {
		v.keys[t.Key] = t
	}
	v.others = v.others || v.foreign(p) || p.Decl.Temporary
	if p.Decl.Temporary {
		t.light, t.cleared = true, v.open // as if it had just been emptied
	}
	if depth == 0 {
		v.top[p.Decl.ID] = t
	} else {
		v.nested[string(p.appendIdentity(nil, depth))] = t
		v.list(t)
	}
	return t
}

// tableFor returns the table that holds the path's last segment, with its
// elements' type.
func tableFor[T any](v *View, p *Path) (*Table, *fields[T]) {
	t := tableOf(v, p)
	if p.column < len(t.columns) && t.columns[p.column] != nil {
		return t, t.columns[p.column].(*fields[T])
	}
	for len(t.columns) <= p.column {
		t.columns = append(t.columns, nil)
	}
	f := &fields[T]{codec: codecOf[T](p), table: t, number: uint16(p.column)}
	t.columns[p.column] = f
	return t, f
}

// codecOf returns the codec of the values at the end of a path.
func codecOf[T any](p *Path) *codec.Codec[T] {
	if leaf, ok := p.leaf().(*codec.Codec[T]); ok {
		return leaf
	}
	// The elements of a set and the notes of nested structures have no value; a list's
	// bounds have one of their own.
	if none, ok := any(noValue).(*codec.Codec[T]); ok {
		return none
	}
	return any(boundsCodec).(*codec.Codec[T])
}

// noValue is the codec of elements that only exist or not.
var noValue = &codec.Codec[struct{}]{
	Name:   "none",
	Append: func(dst []byte, _ *struct{}) ([]byte, error) { return dst, nil },
	Decode: func([]byte, *struct{}) error { return nil },
	Plain:  true, Sure: true,
}

var boundsCodec = &codec.Codec[store.Bounds]{
	Name:   "bounds",
	Append: func(dst []byte, b *store.Bounds) ([]byte, error) { return b.AppendText(dst), nil },
	Decode: func(raw []byte, b *store.Bounds) (err error) {
		*b, err = store.ParseBounds(string(raw))
		return err
	},
	Plain: true, Sure: true,
}

// entry finds or makes the entry of a field. The field may lie in scratch.
func (f *fields[T]) entry(v *View, t *Table, field string) *Entry[T] {
	hash := hashOf(field)
	e := f.entries.find(hash, field)
	if e == nil {
		e = f.make(v, hash, field)
	}
	if t.whole && e.n.flags&loaded == 0 {
		e.n.flags |= loaded // and absent: what the store holds is in memory
	}
	if t.cleared == v.open && e.n.flags&loaded == 0 {
		// Known to be absent, as long as the table stays dropped: should the event be
		// rolled back, nothing is known of the element again.
		v.undo = append(v.undo, undo{e: e, raw: e.n.raw, saved: e.n.saved, flags: e.n.flags, base: e.n.base})
		f.undone = append(f.undone, e.value)
		e.n.flags |= loaded
		e.n.base = baseAbsent
	}
	return e
}

// make makes the entry of a field that has none.
func (f *fields[T]) make(v *View, hash uint64, field string) *Entry[T] {
	e := newEntry[T](field)
	e.n.table, e.n.column = f.table, f.number
	f.entries.add(hash, e)
	v.cached = append(v.cached, e)
	f.table.cached++
	return e
}

// drop notes that the table was emptied. It goes in the order of the fields: what a
// run writes follows from its inputs alone.
func (f *fields[T]) drop(v *View) {
	for _, e := range f.entries.sorted() {
		record(v, e)
		e.n.flags = e.n.flags&^(present|broken) | loaded
		e.n.raw = ""
	}
}

// list puts a nested table on the list of those that may hold nothing.
func (v *View) list(t *Table) {
	if !t.listed {
		t.listed = true
		v.idle = append(v.idle, t)
	}
}

// forgetTables drops the nested tables that hold nothing and that no batch holds on
// to: they were only ranged over, counted or dropped.
func (v *View) forgetTables() {
	kept := v.idle[:0]
	for _, t := range v.idle {
		switch {
		case t.cached > 0:
			t.listed = false // its last element puts it back
		case t.batch > v.confirmed:
			kept = append(kept, t)
		default:
			t.gone = true
			v.scratch = t.path.appendIdentity(v.scratch[:0], t.depth)
			delete(v.nested, string(v.scratch))
			delete(v.keys, t.Key)
		}
	}
	clear(v.idle[len(kept):])
	v.idle = kept
}
