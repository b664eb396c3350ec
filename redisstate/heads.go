package redisstate

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Heads reads the heads of other slots: of the same server over the session's own
// connection (R13), of others from their masters (R15). Asked for its own slot, it looks
// who is the slot's master now (R18).
func (n *session) Heads(ctx context.Context, slots []store.Slot) ([]task.Head, error) {
	if err := n.alive(); err != nil {
		return nil, err
	}
	own := n.client.Pipeline()
	gets := make([]*redis.StringCmd, len(slots))
	for i, slot := range slots {
		master, err := n.store.master(ctx, slot)
		if err != nil {
			return nil, n.refused("reading heads", err)
		}
		if master.Options().Addr == n.address {
			gets[i] = own.Get(ctx, slot.Head)
		} else {
			gets[i] = master.Get(ctx, slot.Head)
		}
	}
	guard := own.Get(ctx, n.slot.Head)
	_, _ = own.Exec(ctx)
	heads := make([]task.Head, len(slots))
	for i, get := range gets {
		text, err := get.Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			n.store.moved(ctx)
			return nil, n.failed("reading the head of slot "+slots[i].Tag, err)
		}
		if heads[i], err = task.ParseHead(text); err != nil {
			return nil, n.over(store.ErrCorrupt, "reading the head of slot "+slots[i].Tag, err)
		}
	}
	if err := n.guarded("reading heads", guard); err != nil {
		return nil, fmt.Errorf("heads: %w", err)
	}
	if slices.Contains(slots, n.slot) {
		if err := n.present(ctx); err != nil {
			return nil, err
		}
	}
	return heads, nil
}
