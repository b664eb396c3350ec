package overlay

import (
	"errors"
	"fmt"

	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
)

// View is one task's window on its slot, or a client's on all slots of a
// module.
type View struct {
	// Suspend is called by a handler's goroutine when needs are pending; it
	// returns when they are supplied. Set by the engine.
	Suspend func()
	// Owner is the topology whose event is running: only it may write.
	Owner string
	// Accesses, if set, counts what handlers do.
	Accesses *Accesses

	tag    string
	direct Direct
	top    []*Table          // by Decl.ID: tables without nesting
	nested map[string]*Table // by Path.appendIdentity

	open      uint32 // number of the open batch
	confirmed uint32 // number of the last batch that is in the store
	savepoint uint32 // the running savepoint
	counter   uint32 // savepoints made
	undo      []undo
	dirtied   []element
	changed   []*Table

	needs []need
	pages []*page

	cached  []element // everything cached, in ring order for eviction
	hand    int
	failure error
	scratch []byte
	field   []byte
}

// Direct reads committed data at once, for clients.
type Direct interface {
	// Slot finds the slot that holds what the path names.
	Slot(p *Path) (store.Slot, error)
	Read(slot store.Slot, reads []store.Read) error
}

// New returns the view of a task with the given hash tag, over the module's
// PStates.
func New(tag string, pstates int) *View {
	return &View{tag: tag, top: make([]*Table, pstates), nested: map[string]*Table{}, open: 1}
}

// NewDirect returns a client's view.
func NewDirect(direct Direct) *View { return &View{direct: direct} }

// Table is one table of the slot as the view knows it.
type Table struct {
	store.Table
	path    Path   // a path of which the table holds the last segment
	fields  any    // *fields[T]
	batch   uint32 // last batch that used the table
	noted   bool   // the parent's field for this table is known to be there
	cleared uint32 // batch that dropped the table
	changes uint32 // batch that has a change for this table
	change  int    // its index
	dirty   []element
	lenOf   uint32 // batch for which lenBase holds
	lenBase int
}

// ErrNotOwner: a handler wrote to a PState of another topology.
var ErrNotOwner = errors.New("only the topology that declares a PState writes it")

// Fail notes the first error of the running event: a read or write that failed
// fails the event, whatever its handler returns.
func (v *View) Fail(err error) {
	if v.failure == nil {
		v.failure = err
	}
}

// Failure returns the error noted since the last savepoint.
func (v *View) Failure() error { return v.failure }

// tableFor returns the table that holds the path's last segment, with its
// elements' type.
func tableFor[T any](v *View, p *Path) (*Table, *fields[T]) {
	var t *Table
	if p.n <= 1 {
		t = v.top[p.Decl.ID]
	} else {
		v.scratch = p.appendIdentity(v.scratch[:0], p.n-1)
		t = v.nested[string(v.scratch)]
	}
	if t == nil {
		t = newTable[T](v, p)
	}
	t.batch = v.open
	return t, t.fields.(*fields[T])
}

func newTable[T any](v *View, p *Path) *Table {
	depth := max(p.n-1, 0)
	t := &Table{Table: p.storeTable(v.tag, depth, p.Kind), path: *p}
	leaf, ok := p.Decl.Leaf.(*codec.Codec[T])
	if !ok {
		// The elements of a set and the notes of nested structures have no value.
		empty := any(noValue).(*codec.Codec[struct{}])
		leaf = any(empty).(*codec.Codec[T])
	}
	t.fields = &fields[T]{codec: leaf, entries: map[string]*Entry[T]{}}
	if depth == 0 {
		v.top[p.Decl.ID] = t
	} else {
		v.nested[string(p.appendIdentity(nil, depth))] = t
	}
	return t
}

// noValue is the codec of elements that only exist or not.
var noValue = &codec.Codec[struct{}]{
	Name:   "none",
	Append: func(dst []byte, _ *struct{}) ([]byte, error) { return dst, nil },
	Decode: func([]byte, *struct{}) error { return nil },
	Plain:  true, Sure: true,
}

// find returns the entry of an element, loaded: from the cache, or from the
// store by suspending the handler.
func find[T any](v *View, p *Path) *Entry[T] {
	t, f := tableFor[T](v, p)
	e := f.entry(v, t, fieldOf(v, p))
	if e.n.flags&loaded == 0 {
		v.want(e)
		v.Suspend()
		if e.n.flags&loaded == 0 {
			v.Fail(fmt.Errorf("%s: read of an element was not answered", t.Key))
			e.n.flags |= loaded
		}
	}
	if e.n.flags&broken != 0 {
		v.Fail(fmt.Errorf("PState %s, element %q: stored value does not decode: %w", p.Decl.Name, e.n.field, e.whyBroken()))
	}
	e.n.batch = v.open
	e.n.flags |= used
	return e
}

// place returns the entry of an element without asking for its value: for
// writes that do not need it.
func place[T any](v *View, p *Path) *Entry[T] {
	t, f := tableFor[T](v, p)
	e := f.entry(v, t, fieldOf(v, p))
	e.n.batch = v.open
	e.n.flags |= used
	return e
}

func fieldOf(v *View, p *Path) string {
	last := p.last()
	if last == nil {
		return ""
	}
	return wire.ElementView(last, &v.field)
}
