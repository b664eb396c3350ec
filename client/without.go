package client

import (
	"context"
	"errors"
	"maps"

	"github.com/coppice-run/coppice/task"
)

// withoutKey is where a context has the workers that are not to be asked.
type withoutKey struct{}

// Without has questions to all workers of a module (Trees, Tree, Stuck, Latencies) leave out some,
// by their addresses, and tell of their tasks as missing for the reason that is given: of
// workers that the caller has just found to be gone, each of whom would cost the time of one
// that does not answer.
func Without(ctx context.Context, workers map[string]string) context.Context {
	if len(workers) == 0 {
		return ctx
	}
	gone := goneOf(ctx)
	for address, why := range workers {
		gone[address] = errors.New(why)
	}
	return context.WithValue(ctx, withoutKey{}, gone)
}

// goneOf are those that are left out, as a map of the caller's own.
func goneOf(ctx context.Context) map[string]error {
	gone := map[string]error{}
	if known, ok := ctx.Value(withoutKey{}).(map[string]error); ok {
		maps.Copy(gone, known)
	}
	return gone
}

// leftOut reports whether the owner of a task is not to be asked.
func (c *Client) leftOut(ctx context.Context, b *bound, id task.ID) bool {
	gone := goneOf(ctx)
	if len(gone) == 0 {
		return false
	}
	address, err := c.ownerOf(ctx, b, id)
	return err == nil && gone[address] != nil
}
