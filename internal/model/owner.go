package model

import (
	"context"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// owner is a task's side of the store: its view, and the session that it commits on.
// It takes the view through everything that the engine does with one.
type owner struct {
	x       *run
	ctx     context.Context
	slot    store.Slot
	session store.Session
	head    task.Head
	view    *overlay.View
	arenas  [2]overlay.Arena
	late    bool // a commit is in the store, and the view does not know it yet
	periods byte
}

// cacheEntriesMax is so few that elements are evicted all the time.
const cacheEntriesMax = 150

func newOwner(ctx context.Context, x *run) (*owner, error) {
	o := &owner{x: x, ctx: ctx, slot: wire.Slot(x.config.Name + ".0.1")}
	return o, o.begin()
}

// begin takes the slot over and starts with an empty view, as after a lost connection.
func (o *owner) begin() error {
	o.close()
	o.periods++
	o.head = task.Head{Mark: task.Mark{Token: task.Token{1, o.periods}}}
	session, _, err := o.x.config.Store.Take(o.ctx, o.slot, o.head)
	if err != nil {
		return err
	}
	o.session, o.late = session, false
	o.view = overlay.New(o.slot.Tag, len(o.x.shelf.decls))
	o.view.Suspend = o.suspend
	return nil
}

func (o *owner) close() {
	if o.session != nil {
		_ = o.session.Close()
	}
}

// unwound leaves an operation that runs ahead and meets what is not in memory.
type unwound struct{}

// suspend answers what the view needs; sometimes another event runs ahead before.
func (o *owner) suspend() {
	x := o.x
	if x.ahead {
		panic(unwound{})
	}
	if len(x.shelf.subjects) > 0 && x.one(30) {
		x.runAhead()
	}
	reads := o.view.Reads(nil)
	x.result.Reads += len(reads)
	if err := o.session.Read(o.ctx, reads); err != nil {
		x.fail(err)
	}
	o.view.Supply(reads)
}

// commit seals the open batch and commits it. The view hears of it at once, or while
// the next batch is open.
func (o *owner) commit() error {
	o.confirm()
	arena := &o.arenas[o.head.Number%2]
	arena.Reset()
	o.head.Number++
	b := &store.Batch{Head: o.head}
	if err := o.view.Seal(b, arena); err != nil {
		return err
	}
	o.x.result.Batches++
	if err := o.session.Commit(o.ctx, b); err != nil {
		return err
	}
	o.late = true
	return nil
}

// confirm tells the view of the last commit.
func (o *owner) confirm() {
	if o.late {
		o.late = false
		o.view.Confirm(cacheEntriesMax)
		o.x.result.CachedMax = max(o.x.result.CachedMax, o.view.Cached())
	}
}

// StateView makes the owner the events of the run.
func (o *owner) StateView() *overlay.View { return o.view }

// StateWriter is for package pstate.
func (o *owner) StateWriter() {}

// client reads what is committed.
type client struct{ *owner }

func (c client) StateView() *overlay.View { return overlay.NewDirect(c) }

// Slot is the same for all keys: there is one task.
func (c client) Slot(*overlay.Path) (store.Slot, error) { return c.slot, nil }

func (c client) Read(slot store.Slot, reads []store.Read) error {
	_, err := c.x.config.Store.Read(c.ctx, slot, reads)
	return err
}
