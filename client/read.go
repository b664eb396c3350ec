package client

import (
	"context"
	"fmt"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// At returns a reader of committed data: each read finds the task of its key and
// goes straight to the store.
func (c *Client) At(ctx context.Context) pstate.Reader { return c.reader(ctx, task.None) }

// AtTask returns a reader of one task's partition, for what has no key: values
// without one, the length or a range of a whole PState.
func (c *Client) AtTask(ctx context.Context, id task.ID) pstate.Reader { return c.reader(ctx, id) }

func (c *Client) reader(ctx context.Context, id task.ID) pstate.Reader {
	return reader{overlay.NewDirect(&direct{c: c, ctx: ctx, task: id})}
}

type reader struct{ view *overlay.View }

func (r reader) StateView() *overlay.View { return r.view }

// direct answers a view's reads from the store.
type direct struct {
	c    *Client
	ctx  context.Context
	task task.ID
}

func (d *direct) Slot(p *overlay.Path) (store.Slot, error) {
	if p.Decl == nil {
		return store.Slot{}, overlay.ErrUndeclared
	}
	b, err := d.c.module(p.Decl.Module)
	if err != nil {
		return store.Slot{}, err
	}
	id := d.task
	if id == task.None || p.Decl.Global {
		if id, err = p.Task(b.tasks); err != nil {
			return store.Slot{}, fmt.Errorf("PState %s: %w", p.Decl.Name, err)
		}
		if id == task.None {
			return store.Slot{}, fmt.Errorf("PState %s has a partition on each task and this read names no key: say which with AtTask", p.Decl.Name)
		}
	}
	if id < 0 || int(id) >= b.tasks {
		return store.Slot{}, fmt.Errorf("module %s has no task %d; it has 0 to %d", b.name, id, b.tasks-1)
	}
	return b.slots[id], nil
}

func (d *direct) Read(slot store.Slot, reads []store.Read) error {
	_, err := d.ReadAt(slot, reads)
	return err
}

// ReadAt is Read, with the commit that the answers are of.
func (d *direct) ReadAt(slot store.Slot, reads []store.Read) (task.Mark, error) {
	head, err := d.c.config.Store.Read(d.ctx, slot, reads)
	return head.Mark, err
}
