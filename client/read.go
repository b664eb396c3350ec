package client

import (
	"context"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/reading"
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
	return reader{c.direct(ctx, id).View()}
}

func (c *Client) direct(ctx context.Context, id task.ID) *reading.Direct {
	return &reading.Direct{Modules: slotsOf{c}, Store: c.config.Store, Ctx: ctx, Task: id}
}

// slotsOf are the slots of the modules that a client uses.
type slotsOf struct{ c *Client }

func (s slotsOf) Slots(module string) ([]store.Slot, error) {
	b, err := s.c.module(module)
	if err != nil {
		return nil, err
	}
	return b.slots, nil
}

type reader struct{ view *overlay.View }

func (r reader) StateView() *overlay.View { return r.view }
