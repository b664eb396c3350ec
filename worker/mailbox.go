package worker

import (
	"sync"
	"sync/atomic"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/runtime"
)

// message is one input for a task. Answers to store effects carry the number of
// the session that they belong to: those of a dropped one are void.
type message struct {
	in      runtime.Input
	session uint64
	store   bool
	bytes   int64 // of a frame
	// recordBytes is the memory of records, about.
	recordBytes int64
	call        func() // no input: called when the task has taken those before it
}

// mailbox is a task's queue of inputs. It has no bound: hops never wait (R43);
// what bounds it is that sources do.
type mailbox struct {
	mu     sync.Mutex
	queue  []message
	signal chan struct{}
	bytes  atomic.Int64 // of frames that the task has not taken
	// recordBytes is the memory of records that it has not taken.
	recordBytes atomic.Int64
}

func newMailbox() *mailbox { return &mailbox{signal: make(chan struct{}, 1)} }

// put adds an input; it never blocks.
func (m *mailbox) put(msg message) {
	switch in := msg.in.(type) {
	case *runtime.FrameIn:
		msg.bytes = in.Frame.Bytes()
		m.bytes.Add(msg.bytes)
	case *runtime.Records:
		msg.recordBytes = int64(depot.MemoryBytes(in.Records))
		m.recordBytes.Add(msg.recordBytes)
	}
	m.mu.Lock()
	m.queue = append(m.queue, msg)
	first := len(m.queue) == 1
	m.mu.Unlock()
	if first {
		select {
		case m.signal <- struct{}{}:
		default:
		}
	}
}

// take swaps the waiting inputs for an empty slice to fill.
func (m *mailbox) take(empty []message) []message {
	m.mu.Lock()
	full := m.queue
	m.queue = empty[:0]
	m.mu.Unlock()
	return full
}

// look visits the inputs that wait, and leaves them.
func (m *mailbox) look(visit func(runtime.Input)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for i := range m.queue {
		visit(m.queue[i].in)
	}
}
