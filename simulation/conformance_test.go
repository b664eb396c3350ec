package simulation

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/store/storetest"
	"github.com/coppice-run/coppice/task"
)

// The simulated server keeps the contract that real ones keep, by the same suite.
func TestStoreConformance(t *testing.T) {
	t.Parallel()
	storetest.Run(t, func(t *testing.T) storetest.Harness {
		s := &calmStore{w: newWorld(Config{Calm: true, Tasks: 1, Servers: 1, Workload: Count()})}
		return storetest.Harness{Store: s, Split: s.split}
	})
}

// calmStore drives connections of a world without faults: every call runs the world
// until it is answered.
type calmStore struct {
	mu sync.Mutex
	w  *world
}

// split puts another server in the place of the one there is.
func (s *calmStore) split(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	server := s.w.servers[0]
	server.current = server.current.successor(s.w.lineage(), 0)
	return nil
}

// dial opens a connection for a slot, and tells where its answers go.
func (s *calmStore) dial(slot store.Slot) *calmSession {
	id := slices.Index(s.w.tags, slot.Tag)
	if id < 0 {
		id = len(s.w.tags)
		s.w.tags = append(s.w.tags, slot.Tag)
	}
	n := &calmSession{store: s, slot: slot}
	o := &owner{w: s.w, id: task.ID(id), alive: true, capture: func(in runtime.Input) { n.answer = in }}
	n.conn = &connection{w: s.w, owner: o, history: s.w.servers[0].current, tag: slot.Tag}
	n.conn.armed = n.conn.history.slot(slot.Tag).version
	n.head = n.conn.history.slot(slot.Tag).head
	return n
}

func (s *calmStore) Check(context.Context) error                               { return nil }
func (s *calmStore) CheckLevel(context.Context, store.Level) ([]string, error) { return nil, nil }
func (s *calmStore) Close() error                                              { return nil }
func (s *calmStore) Memory(context.Context, store.Slot) (store.Memory, error) {
	return store.Memory{}, nil
}

func (s *calmStore) Take(ctx context.Context, slot store.Slot, head task.Head) (store.Session, task.Head, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.dial(slot)
	taken, err := await[*runtime.Taken](ctx, n, func() { n.conn.take(head) })
	if err != nil {
		return nil, task.Head{}, err
	}
	n.head = head
	return n, taken.Previous, taken.Err
}

func (s *calmStore) Join(_ context.Context, slot store.Slot) (store.Session, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dial(slot), nil
}

func (s *calmStore) Read(_ context.Context, slot store.Slot, reads []store.Read) (task.Head, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	state := s.w.servers[0].current.slot(slot.Tag)
	for i := range reads {
		state.answer(&reads[i])
	}
	return state.head, nil
}

// calmSession is one connection.
type calmSession struct {
	store  *calmStore
	slot   store.Slot
	conn   *connection
	head   task.Head
	answer runtime.Input
	over   error
}

// await runs the world until a command is answered.
func await[T runtime.Input](ctx context.Context, n *calmSession, command func()) (answer T, err error) {
	if n.over == nil && ctx.Err() != nil {
		n.over = errors.Join(store.ErrLost, ctx.Err())
	}
	if n.over != nil {
		return answer, errors.Join(store.ErrLost, n.over)
	}
	n.answer = nil
	command()
	for n.answer == nil && n.store.w.next() {
	}
	return n.answer.(T), nil
}

// ended notes an error that ends the session.
func (n *calmSession) ended(err error) error {
	if err != nil {
		n.over = err
	}
	return err
}

func (n *calmSession) Head() task.Head       { return n.head }
func (n *calmSession) Lineage() task.Lineage { return n.conn.history.lineage }

func (n *calmSession) Commit(ctx context.Context, b *store.Batch) error {
	n.store.mu.Lock()
	defer n.store.mu.Unlock()
	done, err := await[*runtime.CommitDone](ctx, n, func() { n.conn.commit(b) })
	if err != nil {
		return err
	}
	if done.Err == nil {
		n.head = b.Head
	}
	return n.ended(done.Err)
}

func (n *calmSession) Read(ctx context.Context, reads []store.Read) error {
	n.store.mu.Lock()
	defer n.store.mu.Unlock()
	done, err := await[*runtime.ReadDone](ctx, n, func() { n.conn.read(slices.Clone(reads)) })
	if err != nil {
		return err
	}
	copy(reads, done.Reads)
	return n.ended(done.Err)
}

func (n *calmSession) Heads(ctx context.Context, slots []store.Slot) ([]task.Head, error) {
	n.store.mu.Lock()
	defer n.store.mu.Unlock()
	ids := make([]task.ID, len(slots))
	for i, slot := range slots {
		ids[i] = n.store.dial(slot).conn.owner.id
	}
	done, err := await[*runtime.HeadsDone](ctx, n, func() { n.conn.heads(ids) })
	if err != nil {
		return nil, err
	}
	return done.Heads, n.ended(done.Err)
}

func (n *calmSession) Close() error {
	n.store.mu.Lock()
	defer n.store.mu.Unlock()
	if n.over == nil {
		n.over = errors.New("closed")
	}
	return nil
}
