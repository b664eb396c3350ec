// Package memstore is a store in memory: for tests of what stands on the seam, without
// a server. It loses everything with the process, and has one history (R13).
package memstore

import (
	"context"
	"fmt"
	"sync"

	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Store is a store.Store in memory. Its zero value is empty and ready.
type Store struct {
	mu    sync.Mutex
	slots map[string]*slot
	asked Asked
}

// Asked is what a store was asked for: for tests of what reads cost.
type Asked struct {
	Reads    int // questions
	Elements int // elements that were answered, of ranges and alone
}

var _ store.Store = (*Store)(nil)

// New returns an empty store.
func New() *Store { return &Store{} }

// Asked returns what was asked for so far.
func (s *Store) Asked() Asked {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}

// Keys lists the keys of everything that is stored under a tag, heads apart.
func (s *Store) Keys(tag string) (keys []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, t := range s.slot(tag).tables {
		keys = append(keys, key)
		if t.Index != "" {
			keys = append(keys, t.Index)
		}
	}
	return keys
}

func (s *Store) slot(tag string) *slot {
	if s.slots == nil {
		s.slots = map[string]*slot{}
	}
	n := s.slots[tag]
	if n == nil {
		n = &slot{tables: map[string]*table{}}
		s.slots[tag] = n
	}
	return n
}

// Check finds nothing wrong.
func (s *Store) Check(context.Context) error { return nil }

// CheckLevel takes level Applied alone.
func (s *Store) CheckLevel(_ context.Context, level store.Level) ([]string, error) {
	if level != store.Applied {
		return nil, fmt.Errorf("a store in memory reaches no level but %v, not %v", store.Applied, level)
	}
	return nil, nil
}

// Memory has no limit.
func (s *Store) Memory(context.Context, store.Slot) (store.Memory, error) {
	return store.Memory{}, nil
}

// Take replaces a slot's head.
func (s *Store) Take(ctx context.Context, at store.Slot, head task.Head) (store.Session, task.Head, error) {
	if err := ctx.Err(); err != nil {
		return nil, task.Head{}, fmt.Errorf("%w: %w", store.ErrLost, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.slot(at.Tag)
	previous := n.head
	n.head = head
	n.version++
	return &session{store: s, at: at, head: head, armed: n.version}, previous, nil
}

// Join opens a session without taking the slot.
func (s *Store) Join(_ context.Context, at store.Slot) (store.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.slot(at.Tag)
	return &session{store: s, at: at, head: n.head, armed: n.version}, nil
}

// Read answers reads of committed data.
func (s *Store) Read(ctx context.Context, at store.Slot, reads []store.Read) (task.Head, error) {
	if err := ctx.Err(); err != nil {
		return task.Head{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.slot(at.Tag).head, s.answer(s.slot(at.Tag), reads)
}

func (s *Store) answer(n *slot, reads []store.Read) error {
	for i := range reads {
		r := &reads[i]
		if err := n.answer(r); err != nil {
			return err
		}
		s.asked.Reads++
		s.asked.Elements += len(r.Elements)
		if r.Found {
			s.asked.Elements++
		}
	}
	return nil
}

// Close keeps everything.
func (s *Store) Close() error { return nil }
