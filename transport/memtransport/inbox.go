package memtransport

import (
	"slices"
	"sync"
)

// message is a frame, or the news that the connection with an address ended.
type message struct {
	from  string
	frame []byte // nil: the connection ended
}

// inbox is the unbounded queue of what arrives at a link: hops never wait.
type inbox struct {
	mu     sync.Mutex
	filled sync.Cond
	queue  []message
	closed bool
}

func newInbox() *inbox {
	b := &inbox{}
	b.filled.L = &b.mu
	return b
}

func (b *inbox) put(m message) {
	if m.frame == nil {
		m.frame = []byte{} // an empty frame is no news
	}
	b.push(m)
}

// cut loses the frames of a sender that were not delivered and says so.
func (b *inbox) cut(from string) {
	b.mu.Lock()
	b.queue = slices.DeleteFunc(b.queue, func(m message) bool { return m.from == from })
	b.mu.Unlock()
	b.push(message{from: from})
}

func (b *inbox) push(m message) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	b.queue = append(b.queue, m)
	b.filled.Signal()
}

// take waits for the next message; false when the inbox is closed.
func (b *inbox) take() (message, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.queue) == 0 && !b.closed {
		b.filled.Wait()
	}
	if b.closed {
		return message{}, false
	}
	m := b.queue[0]
	b.queue[0] = message{}
	b.queue = b.queue[1:]
	return m, true
}

func (b *inbox) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.queue = nil
	b.filled.Broadcast()
}
