package redisstate

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/store"
)

// levelWait is how long one WAIT or WAITAOF waits before the head is looked at and it
// waits again: well below the patience with a reply.
func (c Config) levelWait() time.Duration { return min(c.CallTimeout/2, time.Second) }

// await adds the command that waits for a level to a pipeline, behind the write
// that it counts for (R41); nil for Applied. Inside MULTI it would not wait, and on
// another connection it would count nothing.
func (n *session) await(ctx context.Context, pipe redis.Pipeliner, l store.Level) *redis.Cmd {
	most := n.store.config.levelWait().Milliseconds()
	switch {
	case l.Fsynced:
		return pipe.Do(ctx, "WAITAOF", 1, l.Replicas, most)
	case l.Replicas > 0:
		return pipe.Do(ctx, "WAIT", l.Replicas, most)
	default:
		return nil
	}
}

// reached reads the answer: whether the level is reached, and how far it is from it.
func reached(wait *redis.Cmd, l store.Level) (enough bool, have string, err error) {
	if !l.Fsynced {
		n, err := wait.Int()
		return n >= l.Replicas, fmt.Sprintf("%d of %d replicas have it", n, l.Replicas), err
	}
	counts, err := wait.Int64Slice()
	if err != nil || len(counts) != 2 {
		return false, "", errors.Join(err, errAnswer)
	}
	enough = counts[0] >= 1 && counts[1] >= int64(l.Replicas)
	return enough, fmt.Sprintf("%d of 1 master's disk and %d of %d replicas' disks have it", counts[0], counts[1], l.Replicas), nil
}

var errAnswer = errors.New("WAITAOF answers two numbers")

// settle waits until the level of what was written last is reached. While too few
// servers have it, it is waited for again on the same connection, and the head is
// looked at (decision 0009): nothing that rests on the commit may leave before (R40).
// It ends with the session: someone took the slot, the connection broke, another server
// has become the slot's master (R18), or ctx is over.
func (n *session) settle(ctx context.Context, wait *redis.Cmd, l store.Level) error {
	looked := time.Now()
	for try := 1; ; try++ {
		enough, have, err := reached(wait, l)
		switch {
		case err != nil:
			// What was written is in; whether it is safe, nobody knows.
			return n.lost("waiting for level "+l.String(), explained(err))
		case enough:
			if try > 1 {
				n.store.config.Logger.Info("commits reach their durability level again", "slot", n.slot.Tag, "address", n.address, "level", l)
			}
			return nil
		}
		if try&(try-1) == 0 { // the 1st time, the 2nd, the 4th, …
			n.store.config.Logger.Warn("a commit does not reach its durability level; its task waits, and nothing of the commit leaves it", "slot", n.slot.Tag, "address", n.address, "level", l, "have", have)
		}
		if time.Since(looked) >= lookEvery {
			if err := n.present(ctx); err != nil {
				return err
			}
			looked = time.Now()
		}
		if wait, err = n.waitAgain(ctx, l); err != nil {
			return err
		}
	}
}

// waitAgain waits for what the session wrote last. Writing the head anew before that
// would put off the end: with appendfsync everysec each write waits for the next sync.
func (n *session) waitAgain(ctx context.Context, l store.Level) (*redis.Cmd, error) {
	pipe := n.client.Pipeline()
	wait := n.await(ctx, pipe, l)
	get := pipe.Get(ctx, n.slot.Head)
	_, _ = pipe.Exec(ctx)
	// Whatever goes wrong, the commit itself is in: the head on a new connection
	// tells, as after any lost reply (R11).
	if err := n.guarded("waiting for level "+l.String(), get); err != nil {
		return nil, fmt.Errorf("%w: %w", store.ErrLost, err)
	}
	return wait, nil
}
