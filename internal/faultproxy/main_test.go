package faultproxy

import (
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// hang bounds what must happen, so that a test that fails does not wait for ever.
const hang = 20 * time.Second

// quiet is how long nothing must arrive where nothing may.
const quiet = 40 * time.Millisecond

// server is an upstream whose connections the test handles itself.
type server struct {
	t        *testing.T
	listener net.Listener
}

func listen(t *testing.T) *server {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() }) // some tests close it
	return &server{t, listener}
}

func (s *server) address() string { return s.listener.Addr().String() }

// accept takes the next connection.
func (s *server) accept() peer {
	s.t.Helper()
	if err := s.listener.(*net.TCPListener).SetDeadline(time.Now().Add(hang)); err != nil {
		s.t.Fatal(err)
	}
	conn, err := s.listener.Accept()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	return peer{s.t, conn.(*net.TCPConn)}
}

// start starts a proxy that ends with the test.
func start(t *testing.T, upstream string) *Proxy {
	t.Helper()
	p, err := Listen(upstream)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// peer is an end of a connection.
type peer struct {
	t    *testing.T
	conn *net.TCPConn
}

func dial(t *testing.T, p *Proxy) peer {
	t.Helper()
	conn, err := net.Dial("tcp", p.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return peer{t, conn.(*net.TCPConn)}
}

// pair is a client and the server's end of its connection, through the proxy.
func pair(t *testing.T, p *Proxy, s *server) (client, served peer) {
	t.Helper()
	client = dial(t, p)
	return client, s.accept()
}

func (c peer) send(text string) {
	c.t.Helper()
	if _, err := c.conn.Write([]byte(text)); err != nil {
		c.t.Fatalf("send %q: %v", text, err)
	}
}

// wants reads just this text.
func (c peer) wants(text string) {
	c.t.Helper()
	c.deadline(hang)
	got := make([]byte, len(text))
	n, err := io.ReadFull(c.conn, got)
	if err != nil || string(got) != text {
		c.t.Fatalf("read %q (%v), want %q", got[:n], err, text)
	}
}

// wantsNothing sees that no byte and no end arrive.
func (c peer) wantsNothing() {
	c.t.Helper()
	c.deadline(quiet)
	got := make([]byte, 64)
	if n, err := c.conn.Read(got); !errors.Is(err, os.ErrDeadlineExceeded) {
		c.t.Fatalf("read %q, %v; want nothing", got[:n], err)
	}
}

// wantsEnd reads the rest and sees that it ends as it should.
func (c peer) wantsEnd(rest string, ending error) {
	c.t.Helper()
	c.deadline(hang)
	got, err := io.ReadAll(c.conn)
	if err == nil {
		err = io.EOF
	}
	if !errors.Is(err, ending) || string(got) != rest {
		c.t.Fatalf("the rest is %q and ends with %v; want %q and %v", got, err, rest, ending)
	}
}

func (c peer) deadline(after time.Duration) {
	c.t.Helper()
	if err := c.conn.SetReadDeadline(time.Now().Add(after)); err != nil {
		c.t.Fatal(err)
	}
}

func (c peer) close() {
	c.t.Helper()
	if err := c.conn.Close(); err != nil {
		c.t.Fatal(err)
	}
}

// refused sees that a new connection is reset: as it is made, or at once behind that.
func refused(t *testing.T, p *Proxy) {
	t.Helper()
	conn, err := net.Dial("tcp", p.Address())
	if err != nil {
		if !errors.Is(err, syscall.ECONNRESET) {
			t.Fatal(err)
		}
		return
	}
	defer conn.Close()
	peer{t, conn.(*net.TCPConn)}.wantsEnd("", syscall.ECONNRESET)
}

// happens waits for what a channel tells.
func happens(t *testing.T, what string, event <-chan struct{}) {
	t.Helper()
	select {
	case <-event:
	case <-time.After(hang):
		t.Fatalf("%s has not happened", what)
	}
}
