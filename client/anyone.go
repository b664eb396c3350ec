package client

import (
	"context"
	"errors"
	"slices"

	"github.com/coppice-run/coppice/task"
)

// anyone calls workers of a module until one has answered, which call says: those that are
// known first, then those that the heads name, since tasks move. Who could not be reached is
// called once. It begins at the owner of a task, and returns the last error where nobody
// answered.
func (c *Client) anyone(ctx context.Context, b *bound, first uint64, call func(id task.ID, address string) (answered bool, err error)) error {
	var last error
	var gone []string
	for i := range 2 * uint64(b.tasks) {
		id := task.ID((first + i) % uint64(b.tasks))
		address, err := c.ownerOf(ctx, b, id)
		answered := err != nil && !errors.Is(err, ErrNoOwner) // the store did not answer
		if err == nil && !slices.Contains(gone, address) {
			answered, err = call(id, address)
			gone = append(gone, address)
		}
		switch {
		case ctx.Err() != nil:
			return c.over(ctx)
		case answered:
			return err
		case err != nil:
			last = err
		}
		b.owned(id, "")
	}
	return last
}
