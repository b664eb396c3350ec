package redisstate

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Take replaces the slot's head, whoever holds it (R2), and arms the guard.
func (s *Store) Take(ctx context.Context, slot store.Slot, head task.Head) (store.Session, task.Head, error) {
	n, err := s.connect(ctx, slot)
	if err != nil {
		return nil, task.Head{}, err
	}
	n.head, n.text = head, head.String()
	pipe := n.client.Pipeline()
	set := pipe.Do(ctx, "SET", slot.Head, n.text, "GET")
	watch, get := pipe.Do(ctx, "WATCH", slot.Head), pipe.Get(ctx, slot.Head)
	_, _ = pipe.Exec(ctx)
	stored, err := set.Text()
	switch {
	case errors.Is(err, redis.Nil):
		stored = ""
	case err != nil:
		s.moved(ctx)
		return nil, task.Head{}, n.failed("taking over", err)
	}
	if err := watch.Err(); err != nil {
		return nil, task.Head{}, n.failed("arming the guard", err)
	}
	if err := n.guarded("taking over", get); err != nil {
		return nil, task.Head{}, err
	}
	previous, err := task.ParseHead(stored)
	if err != nil {
		return nil, task.Head{}, n.over(store.ErrCorrupt, "reading the head that was replaced", err)
	}
	return n, previous, nil
}

// guarded checks that the watched head is still the session's.
func (n *session) guarded(doing string, get *redis.StringCmd) error {
	text, err := get.Result()
	switch {
	case errors.Is(err, redis.Nil):
		return n.fenced(doing, errors.New("the head is gone"))
	case err != nil:
		return n.failed(doing, err)
	case text != n.text:
		return n.fenced(doing, fmt.Errorf("the head is %q, ours was %q", text, n.text))
	}
	return nil
}

// Join opens a session on a slot without taking it.
func (s *Store) Join(ctx context.Context, slot store.Slot) (store.Session, error) {
	n, err := s.connect(ctx, slot)
	if err != nil {
		return nil, err
	}
	pipe := n.client.Pipeline()
	watch, get := pipe.Do(ctx, "WATCH", slot.Head), pipe.Get(ctx, slot.Head)
	_, _ = pipe.Exec(ctx)
	if err := watch.Err(); err != nil {
		s.moved(ctx)
		return nil, n.failed("arming the guard", err)
	}
	if n.text, err = get.Result(); err != nil && !errors.Is(err, redis.Nil) {
		return nil, n.failed("reading the head", err)
	}
	if n.head, err = task.ParseHead(n.text); err != nil {
		return nil, n.over(store.ErrCorrupt, "reading the head", err)
	}
	return n, nil
}
