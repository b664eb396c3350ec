package redisstate

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/store"
)

// Commit writes the batch under the guard and arms the guard again: one write,
// one round trip (R7). Above level Applied it also waits for the level there (R40).
func (n *session) Commit(ctx context.Context, batch *store.Batch) error {
	if err := n.alive(); err != nil {
		return err
	}
	text := batch.Head.String()
	pipe := n.client.Pipeline()
	pipe.Do(ctx, "MULTI")
	n.args.reset()
	for i := range batch.Changes {
		n.args.change(&batch.Changes[i])
	}
	for _, args := range n.args.commands {
		_ = pipe.Process(ctx, redis.NewCmd(ctx, args...))
	}
	pipe.Do(ctx, "SET", n.slot.Head, text)
	exec := redis.NewSliceCmd(ctx, "EXEC")
	_ = pipe.Process(ctx, exec)
	wait := n.await(ctx, pipe, batch.Level)
	watch, get := pipe.Do(ctx, "WATCH", n.slot.Head), pipe.Get(ctx, n.slot.Head)
	replies, _ := pipe.Exec(ctx)
	if err := n.executed(ctx, replies, exec); err != nil {
		return err
	}
	n.head, n.text = batch.Head, text
	// The batch is in. Whether the next one may still be sent is another matter:
	// whoever took the slot since then breaks the session, not this commit.
	err := watch.Err()
	if err != nil {
		err = n.failed("arming the guard", err)
	} else {
		err = n.guarded("arming the guard", get)
	}
	if wait == nil {
		return nil
	}
	if enough, _, failure := reached(wait, batch.Level); err != nil && (failure != nil || !enough) {
		return fmt.Errorf("%w: waiting for level %v: %w", store.ErrLost, batch.Level, errors.Join(err, failure))
	}
	return n.settle(ctx, wait, batch.Level)
}

// executed reads the outcome of a transaction.
func (n *session) executed(ctx context.Context, replies []redis.Cmder, exec *redis.SliceCmd) error {
	err := exec.Err()
	switch {
	case errors.Is(err, redis.Nil):
		return n.fenced("commit", errors.New("the transaction was aborted: the head was written since"))
	case err != nil && !isReply(err):
		return n.lost("commit", err)
	case err != nil:
		n.store.moved(ctx)
		return n.refused("commit", firstRefusal(replies, err))
	}
	for i, reply := range exec.Val() {
		if failure, ok := reply.(error); ok {
			return n.over(store.ErrCorrupt, fmt.Sprintf("command %d of the commit", i+1), failure)
		}
	}
	return nil
}

// firstRefusal finds why a transaction was given up: the reply to the command
// that could not be queued says more than EXEC's.
func firstRefusal(replies []redis.Cmder, exec error) error {
	for _, reply := range replies {
		if err := reply.Err(); err != nil && isReply(err) && err.Error() != exec.Error() {
			return fmt.Errorf("%w: %s %w", exec, reply.Name(), err)
		}
	}
	return exec
}
