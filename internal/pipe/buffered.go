// Package pipe gives connections in memory the room that sockets have.
package pipe

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// buffered is a connection in memory with room for what has not been read. A pipe
// has none: a client that writes many commands before it reads the first reply
// would wait for a server that waits for it. Sockets have that room.
type buffered struct {
	net.Conn // the pipe

	mu       sync.Mutex
	changed  *sync.Cond
	data     []byte
	err      error // why no more will come
	deadline time.Time
	timer    *time.Timer
	pumped   chan struct{} // closed when the pump has ended
}

// Buffered returns a connection that takes in what the pipe's other end writes
// before anyone reads it. It ends, and the pipe with it, when it is closed.
func Buffered(pipe net.Conn) net.Conn {
	b := &buffered{Conn: pipe, pumped: make(chan struct{})}
	b.changed = sync.NewCond(&b.mu)
	go b.pump()
	return b
}

func (b *buffered) pump() {
	defer close(b.pumped)
	chunk := make([]byte, 32<<10)
	for {
		n, err := b.Conn.Read(chunk)
		b.mu.Lock()
		b.data = append(b.data, chunk[:n]...)
		b.err = err
		b.changed.Broadcast()
		b.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// Read returns what has come, or waits for something until the deadline.
func (b *buffered) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.data) == 0 {
		switch {
		case b.err == io.ErrClosedPipe:
			return 0, net.ErrClosed
		case b.err != nil:
			return 0, b.err
		case !b.deadline.IsZero() && !time.Now().Before(b.deadline):
			return 0, os.ErrDeadlineExceeded
		}
		b.changed.Wait()
	}
	n := copy(p, b.data)
	if b.data = b.data[n:]; len(b.data) == 0 {
		b.data = nil
	}
	return n, nil
}

// SetDeadline sets both deadlines.
func (b *buffered) SetDeadline(t time.Time) error {
	if err := b.SetReadDeadline(t); err != nil {
		return err
	}
	return b.Conn.SetWriteDeadline(t)
}

// SetReadDeadline bounds Read; the pump reads on.
func (b *buffered) SetReadDeadline(t time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.deadline = t
	if b.timer != nil {
		b.timer.Stop()
		b.timer = nil
	}
	if !t.IsZero() {
		b.timer = time.AfterFunc(time.Until(t), func() {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.changed.Broadcast()
		})
	}
	return nil
}

// Close ends the connection and its pump.
func (b *buffered) Close() error {
	err := b.Conn.Close()
	<-b.pumped
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.timer != nil {
		b.timer.Stop()
	}
	b.changed.Broadcast()
	return err
}
