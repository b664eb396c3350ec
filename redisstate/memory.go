package redisstate

import (
	"context"
	"strconv"
	"sync"
	"time"

	"github.com/coppice-run/coppice/store"
)

// memoryFor is how long an answer about a server's memory serves all who ask.
const memoryFor = 500 * time.Millisecond

// memories are the last answers, by address.
type memories struct {
	mu   sync.Mutex
	last map[string]*memory
}

type memory struct {
	turn chan struct{} // full while the server is asked: one question for all
	at   time.Time
	used store.Memory
}

func (m *memories) of(address string) *memory {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.last == nil {
		m.last = map[string]*memory{}
	}
	if m.last[address] == nil {
		m.last[address] = &memory{turn: make(chan struct{}, 1)}
	}
	return m.last[address]
}

// Memory tells how full the master of a slot is, as its own limit counts: what
// replicas and the append-only file wait for does not.
func (s *Store) Memory(ctx context.Context, slot store.Slot) (store.Memory, error) {
	master, err := s.master(ctx, slot)
	if err != nil {
		return store.Memory{}, err
	}
	m := s.memories.of(master.Options().Addr)
	select {
	case m.turn <- struct{}{}:
		defer func() { <-m.turn }()
	case <-ctx.Done():
		return store.Memory{}, ctx.Err()
	}
	if time.Since(m.at) < memoryFor {
		return m.used, nil
	}
	text, err := info(ctx, master, "memory")
	if err != nil {
		s.moved(ctx)
		return store.Memory{}, err
	}
	used := number(text, "used_memory") - number(text, "mem_not_counted_for_evict")
	m.used, m.at = store.Memory{Address: master.Options().Addr, UsedBytes: max(used, 0), MaxBytes: number(text, "maxmemory")}, time.Now()
	return m.used, nil
}

// number reads a field of INFO; 0 where the server hides it.
func number(info, name string) int64 {
	n, _ := strconv.ParseInt(infoField(info, name), 10, 64)
	return n
}
