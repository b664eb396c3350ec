package pstate_test

import (
	"context"
	"slices"
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
}

// owner is the topology that declares the PStates of a bench.
const owner = "own"

func newBench(t testing.TB) *bench {
	b := &bench{TB: t, store: memstore.New()}
	b.take(task.Tag("M", 0, 1))
	return b
}

// take owns the slot of a tag, with nothing in memory.
func (b *bench) take(tag string) {
	b.Helper()
	b.slot = wire.Slot(tag)
	b.head = task.Head{Mark: task.Mark{Token: task.Token{1, byte(b.head.Number)}}}
	session, _, err := b.store.Take(context.Background(), b.slot, b.head)
	if err != nil {
		b.Fatal(err)
	}
	b.session = session
	b.view = overlay.New(tag, 16)
	b.view.Suspend = func() {
		reads := b.view.Reads(nil)
		if err := b.session.Read(context.Background(), reads); err != nil {
			b.Fatal(err)
		}
		b.view.Supply(reads)
	}
}

// declare declares a handle and expects no mistakes.
func (b *bench) declare(h pstate.Schema, name string, options ...pstate.Option) *overlay.Decl {
	b.Helper()
	d := &overlay.Decl{Module: "M", ID: len(b.decls), Name: name, Owner: owner}
	if mistakes := pstate.Declare(h, d, options...); len(mistakes) > 0 {
		b.Fatalf("PState %s: %v", name, mistakes)
	}
	b.decls = append(b.decls, d)
	return d
}

// event runs one event of a topology and returns its error; a failed one is rolled
// back.
func (b *bench) event(topology string, run func(w pstate.Writer)) error {
	b.Helper()
	b.view.Owner = topology
	save := b.view.Begin()
	run(writer{b.view})
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
	if err := b.view.Seal(&b.last, new(overlay.Arena)); err != nil {
		b.Fatal(err)
	}
	if err := b.session.Commit(context.Background(), &b.last); err != nil {
		b.Fatal(err)
	}
	b.view.Confirm(1000)
}

// keys are the stored keys, without their tag.
func (b *bench) keys() []string {
	var keys []string
	for _, key := range b.store.Keys(b.slot.Tag) {
		keys = append(keys, key[len(b.slot.Tag)+3:])
	}
	slices.Sort(keys)
	return keys
}

// client reads what is committed.
func (b *bench) client() pstate.Reader { return reader{overlay.NewDirect(direct{b})} }

type writer struct{ view *overlay.View }

func (w writer) StateView() *overlay.View { return w.view }
func (writer) StateWriter()               {}

type reader struct{ view *overlay.View }

func (r reader) StateView() *overlay.View { return r.view }

type direct struct{ b *bench }

func (d direct) Slot(*overlay.Path) (store.Slot, error) { return d.b.slot, nil }

func (d direct) Read(slot store.Slot, reads []store.Read) error {
	_, err := d.b.store.Read(context.Background(), slot, reads)
	return err
}

// got checks what a read gave.
func got[T comparable](t testing.TB, what string, value T, err error, want T) {
	t.Helper()
	if err != nil || value != want {
		t.Errorf("%s: %v, %v; want %v", what, value, err, want)
	}
}
