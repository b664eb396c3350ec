package overlay

import (
	"fmt"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// View is one task's window on its slot, or a client's on all slots of a
// module.
type View struct {
	// Suspend is called by a handler's goroutine when needs are pending; it
	// returns when they are supplied. Set by the engine.
	Suspend func()
	// Owner is the topology whose event is running: only it may write.
	Owner string
	// Tasks is how many the module has: the partitioners of PStates are held to it. 0: they
	// are not.
	Tasks int
	// Sole says that what is written to tables of PStates is written through this view, or
	// told to it (Learn), as long as it is in use: a table that was empty at its first miss
	// is not read again until an element is evicted.
	Sole bool
	// Accesses, if set, counts what handlers do.
	Accesses *Accesses

	tag    string
	task   task.ID // of the tag; task.None if it names none
	direct Direct
	trace  *trace            // of one walk of a client
	top    []*Table          // by Decl.ID: tables without nesting
	nested map[string]*Table // by Path.appendIdentity
	idle   []*Table          // nested tables that may hold nothing
	keys   map[string]*Table // by their keys, if the view learns
	others bool              // it has tables of which the owner is another topology
	light  int               // elements among the dirtied ones that are not stored

	open      uint32 // number of the open batch
	confirmed uint32 // number of the last batch that is in the store
	savepoint uint32 // the running savepoint
	counter   uint32 // savepoints made
	undo      []undo
	dirtied   []element
	written   int // bytes that the open batch has written, about
	changed   []*Table

	needs     []need
	pages     []*page
	committed map[place]*stored // what other topologies read, of the open batch

	expected Expected // of the running event
	keyed    warming  // where one was looked up that an event came with
	warmed   int      // hangs on all that was looked up for it
	hashes   []uint64 // scratch of Warm

	cached  []element // everything cached, in ring order for eviction
	hand    int
	failure error
	scratch []byte
	field   []byte
}

// New returns the view of a task with the given hash tag, over the module's
// PStates.
func New(tag string, pstates int) *View {
	return &View{tag: tag, task: task.OfTag(tag), top: make([]*Table, pstates), nested: map[string]*Table{}, open: 1}
}

// Fail notes the first error of the running event: a read or write that failed
// fails the event, whatever its handler returns.
func (v *View) Fail(err error) {
	if v.failure == nil {
		v.failure = err
	}
}

// Failure returns the error noted since the last savepoint.
func (v *View) Failure() error { return v.failure }

// find returns the entry of an element, loaded: from the cache, or from the
// store by suspending the handler.
func find[T any](v *View, p *Path) *Entry[T] {
	t, f := tableFor[T](v, p)
	field := fieldOf(v, p)
	v.meets(f, field)
	e := f.entry(v, t, field)
	if e.n.flags&loaded == 0 {
		v.want(e)
		v.wantEmpty(t, p)
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

// touch returns the entry of an element without asking for its value: for
// writes that do not need it.
func touch[T any](v *View, p *Path) *Entry[T] {
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
