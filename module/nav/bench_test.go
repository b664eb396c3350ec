package nav_test

import (
	"context"
	"testing"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/store/memstore"
	"github.com/coppice-run/coppice/task"
)

// bench is one task with its slot in memory: what an event and a client need.
type bench struct {
	testing.TB
	store   *memstore.Store
	slot    store.Slot
	session store.Session
	head    task.Head
	view    *overlay.View
	decls   []*overlay.Decl
	last    store.Batch // what the last commit wrote
	before  func()      // each of a client's reads
}

// owner is the topology that declares the PStates of a bench.
const owner = "own"

func newBench(t testing.TB) *bench {
	b := &bench{TB: t, store: memstore.New(), slot: wire.Slot(task.Tag("M", 0, 1))}
	b.take()
	return b
}

// take owns the slot, with nothing in memory.
func (b *bench) take() {
	b.Helper()
	b.head = task.Head{Mark: task.Mark{Token: task.Token{1, b.head.Token[1] + 1}}}
	session, _, err := b.store.Take(context.Background(), b.slot, b.head)
	if err != nil {
		b.Fatal(err)
	}
	b.session = session
	b.view = overlay.New(b.slot.Tag, 16)
	b.view.Suspend = func() {
		reads := b.view.Reads(nil)
		if err := b.session.Read(context.Background(), reads); err != nil {
			b.Fatal(err)
		}
		b.view.Supply(reads)
	}
}

// declare declares a handle and expects no mistakes.
func (b *bench) declare(h pstate.Schema, name string, options ...pstate.Option) {
	b.Helper()
	d := &overlay.Decl{Module: "M", ID: len(b.decls), Name: name, Owner: owner}
	if mistakes := pstate.Declare(h, d, options...); len(mistakes) > 0 {
		b.Fatalf("PState %s: %v", name, mistakes)
	}
	b.decls = append(b.decls, d)
}

// event runs one event of a topology and returns its error; a failed one is rolled back.
func (b *bench) event(topology string, run func(w pstate.Writer)) error {
	b.Helper()
	b.view.Owner = topology
	save := b.view.Begin()
	run(event{b.view})
	err := b.view.Failure()
	if err != nil {
		b.view.Rollback(save)
	} else {
		b.view.Release(save)
	}
	return err
}

// do runs an event of the owner that must not fail.
func (b *bench) do(run func(w pstate.Writer)) {
	b.Helper()
	if err := b.event(owner, run); err != nil {
		b.Fatal(err)
	}
}

// commit commits the open batch.
func (b *bench) commit() {
	b.Helper()
	b.head.Number++
	b.last = store.Batch{Head: b.head}
	if err := b.view.Seal(&b.last, &overlay.Arena{}); err != nil {
		b.Fatal(err)
	}
	if err := b.session.Commit(context.Background(), &b.last); err != nil {
		b.Fatal(err)
	}
	b.view.Confirm(1 << 20)
}

type event struct{ view *overlay.View }

func (e event) StateView() *overlay.View { return e.view }
func (e event) StateWriter()             {}

// client reads what is committed.
func (b *bench) client() pstate.Reader { return client{overlay.NewDirect(direct{b})} }

type client struct{ view *overlay.View }

func (c client) StateView() *overlay.View { return c.view }

type direct struct{ b *bench }

func (d direct) Slot(*overlay.Path) (store.Slot, error) { return d.b.slot, nil }
func (d direct) Read(slot store.Slot, reads []store.Read) error {
	_, err := d.ReadAt(slot, reads)
	return err
}
func (d direct) ReadAt(slot store.Slot, reads []store.Read) (task.Mark, error) {
	if d.b.before != nil {
		d.b.before()
	}
	head, err := d.b.store.Read(context.Background(), slot, reads)
	return head.Mark, err
}

// everywhere runs a check as the owner's event, before and after the commit of what is
// open, with and without a memory of it, as another topology's event, and as a client.
func (b *bench) everywhere(check func(how string, r pstate.Reader)) {
	b.Helper()
	b.do(func(w pstate.Writer) { check("event, open batch", w) })
	b.commit()
	b.do(func(w pstate.Writer) { check("event, committed", w) })
	b.take()
	b.do(func(w pstate.Writer) { check("event, nothing in memory", w) })
	if err := b.event("other", func(w pstate.Writer) { check("another topology", w) }); err != nil {
		b.Error(err)
	}
	check("client", b.client())
}
