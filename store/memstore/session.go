package memstore

import (
	"context"
	"errors"
	"fmt"

	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// session is one owner's line to its slot. The store's lock guards it, too.
type session struct {
	store *Store
	at    store.Slot
	head  task.Head
	armed uint64 // the head's version that the guard wants
	over  error
}

func (n *session) Head() task.Head       { return n.head }
func (n *session) Lineage() task.Lineage { return task.Lineage{Run: "memory", Replication: "memory"} }

// usable checks that the session is not over and still owns the slot.
func (n *session) usable(ctx context.Context) error {
	if n.over == nil && ctx.Err() != nil {
		n.over = ctx.Err()
	}
	if n.over != nil {
		return fmt.Errorf("%w: slot %s: %w", store.ErrLost, n.at.Tag, n.over)
	}
	if s := n.store.slot(n.at.Tag); s.version != n.armed {
		n.over = fmt.Errorf("%w: slot %s: the head is %v, ours was %v", store.ErrFenced, n.at.Tag, s.head, n.head)
		return n.over
	}
	return nil
}

func (n *session) Commit(ctx context.Context, b *store.Batch) error {
	n.store.mu.Lock()
	defer n.store.mu.Unlock()
	if err := n.usable(ctx); err != nil {
		return err
	}
	s := n.store.slot(n.at.Tag)
	if key, mixes := s.mixes(b.Changes); mixes {
		n.over = fmt.Errorf("%w: %s", store.ErrCorrupt, key)
		return n.over
	}
	s.apply(b.Changes)
	s.head, n.head = b.Head, b.Head
	s.version++
	n.armed = s.version
	return nil
}

func (n *session) Read(ctx context.Context, reads []store.Read) error {
	n.store.mu.Lock()
	defer n.store.mu.Unlock()
	if err := n.usable(ctx); err != nil {
		return err
	}
	return n.store.answer(n.store.slot(n.at.Tag), reads)
}

func (n *session) Heads(ctx context.Context, slots []store.Slot) ([]task.Head, error) {
	n.store.mu.Lock()
	defer n.store.mu.Unlock()
	if err := n.usable(ctx); err != nil {
		return nil, err
	}
	heads := make([]task.Head, len(slots))
	for i, at := range slots {
		heads[i] = n.store.slot(at.Tag).head
	}
	return heads, nil
}

func (n *session) Close() error {
	n.store.mu.Lock()
	defer n.store.mu.Unlock()
	if n.over == nil {
		n.over = errors.New("the session is closed")
	}
	return nil
}
