package redisstate

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"go.uber.org/goleak"

	"github.com/coppice-run/coppice/internal/pipe"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// line makes connections to a server in memory, and can spoil them.
type line struct {
	server *miniredis.Miniredis

	mu    sync.Mutex
	conns []*conn
}

// conn is a connection whose replies can be lost and whose writes can be held
// back.
type conn struct {
	net.Conn

	mu   sync.Mutex
	deaf bool // replies do not arrive
	hold bool // writes wait
	held [][]byte
}

func (l *line) dial(context.Context, string, string) (net.Conn, error) {
	l.mu.Lock()
	server := l.server
	l.mu.Unlock()
	raw, err := server.Dial()
	if err != nil {
		return nil, err
	}
	c := &conn{Conn: pipe.Buffered(raw)}
	l.mu.Lock()
	l.conns = append(l.conns, c)
	l.mu.Unlock()
	return c, nil
}

// split has new connections lead to another server, with a copy of what the first one
// holds; those that exist stay where they are.
func (l *line) split(t *testing.T, from *miniredis.Miniredis) error {
	to := miniredis.NewMiniRedis()
	t.Cleanup(to.Close)
	for _, key := range from.Keys() {
		var err error
		switch from.Type(key) {
		case "string":
			var value string
			if value, err = from.Get(key); err == nil {
				err = to.Set(key, value)
			}
		case "hash":
			var fields []string
			fields, err = from.HKeys(key)
			for _, f := range fields {
				to.HSet(key, f, from.HGet(key, f))
			}
		default:
			err = fmt.Errorf("key %s is of type %s", key, from.Type(key))
		}
		if err != nil {
			return err
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.server = to
	return nil
}

// last is the newest connection: that of the session opened last.
func (l *line) last() *conn {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conns[len(l.conns)-1]
}

func (l *line) dials() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns)
}

func (c *conn) set(deaf, hold bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.deaf, c.hold = deaf, hold
}

// Read loses what arrives while the connection is deaf, and ends with the reply to EXEC,
// which is an array: an end before it could come before the server has carried it out.
func (c *conn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		switch lost := c.loses(); {
		case !lost || err != nil:
			return n, err
		case bytes.IndexByte(p[:n], '*') >= 0:
			return 0, net.ErrClosed
		}
	}
}

func (c *conn) loses() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.deaf
}

func (c *conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	if c.hold {
		c.held = append(c.held, append([]byte(nil), p...))
		c.mu.Unlock()
		return len(p), nil
	}
	c.mu.Unlock()
	return c.Conn.Write(p)
}

// Close leaves the server's end open while writes are held: the network still has
// them.
func (c *conn) Close() error {
	c.mu.Lock()
	hold := c.hold
	c.mu.Unlock()
	if hold {
		return nil
	}
	return c.Conn.Close()
}

// deliver sends what was held, as a slow network does, and closes.
func (c *conn) deliver(t *testing.T) {
	t.Helper()
	c.mu.Lock()
	held := c.held
	c.held, c.hold = nil, false
	c.mu.Unlock()
	if err := c.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	drained := make(chan struct{})
	go func() { // the server's replies go nowhere
		defer close(drained)
		buffer := make([]byte, 4096)
		for {
			if _, err := c.Conn.Read(buffer); err != nil {
				return
			}
		}
	}()
	for _, p := range held {
		if _, err := c.Conn.Write(p); err != nil {
			t.Fatal(err)
		}
	}
	_ = c.Conn.Close()
	<-drained
}

// world is a store on a server in memory behind a line. It waits for no reply for long:
// replies get lost.
func world(t *testing.T) (*Store, *line, *miniredis.Miniredis) {
	t.Helper()
	return patientWorld(t, 200*time.Millisecond)
}

// patientWorld is a world that waits so long for a reply.
func patientWorld(t *testing.T, timeout time.Duration) (*Store, *line, *miniredis.Miniredis) {
	t.Helper()
	server := miniredis.NewMiniRedis()
	l := &line{server: server}
	s, err := Open(t.Context(), Config{Addresses: []string{"redis.in-memory:6379"}, Dialer: l.dial, CallTimeout: timeout})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.Close()
		server.Close()
	})
	return s, l, server
}

var slot = store.Slot{Tag: "M.0.0", Head: "{M.0.0}:head"}

func head(owner byte, n uint64) task.Head {
	return task.Head{Mark: task.Mark{Token: task.Token{owner}, Number: n}, Address: "here"}
}

// owned takes the slot.
func owned(t *testing.T, s *Store, owner byte) store.Session {
	t.Helper()
	session, _, err := s.Take(t.Context(), slot, head(owner, 0))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = session.Close() })
	return session
}

var counts = store.Table{Key: "{M.0.0}:p:counts", Kind: store.Map}

func batch(h task.Head, field, value string) *store.Batch {
	b := &store.Batch{Head: h}
	c := b.Open(counts)
	c.Writes = append(c.Writes, store.Write{Field: field, Value: value})
	return b
}

// stored reads a field over the pooled connections.
func stored(t *testing.T, s *Store, field string) (string, bool) {
	t.Helper()
	reads := []store.Read{{Kind: store.Get, Table: counts, Field: field}}
	if _, err := s.Read(t.Context(), slot, reads); err != nil {
		t.Fatal(err)
	}
	return reads[0].Value, reads[0].Found
}
