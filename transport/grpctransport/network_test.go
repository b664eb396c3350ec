package grpctransport_test

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/coppice-run/coppice/transport"
	"github.com/coppice-run/coppice/transport/grpctransport"
	"github.com/coppice-run/coppice/transport/transporttest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	t.Parallel()
	transporttest.Run(t, func(*testing.T) transporttest.Harness {
		return transporttest.Harness{Network: grpctransport.New(grpctransport.Config{ResumeTimeout: 500 * time.Millisecond}), Cut: grpctransport.Lose}
	})
}

// wires makes connections that a test can cut and stall.
type wires struct {
	mu    sync.Mutex
	conns map[*wire]bool
	stall bool
	moved sync.Cond
}

func newWires() *wires {
	w := &wires{conns: map[*wire]bool{}}
	w.moved.L = &w.mu
	return w
}

type wire struct {
	net.Conn
	w    *wires
	left int // bytes until it is cut; -1: none
}

func (w *wires) dial(ctx context.Context, address string) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	c := &wire{Conn: conn, w: w, left: -1}
	w.conns[c] = true
	return c, nil
}

func (c *wire) Write(b []byte) (int, error) {
	c.w.mu.Lock()
	for c.w.stall && c.w.conns[c] {
		c.w.moved.Wait()
	}
	if !c.w.conns[c] {
		c.w.mu.Unlock()
		return 0, net.ErrClosed
	}
	if c.left >= 0 && len(b) > c.left {
		b = b[:c.left]
		delete(c.w.conns, c)
		c.w.mu.Unlock()
		n, _ := c.Conn.Write(b) // in the middle of a message
		_ = c.Conn.Close()
		return n, net.ErrClosed
	}
	if c.left >= 0 {
		c.left -= len(b)
	}
	c.w.mu.Unlock()
	return c.Conn.Write(b)
}

func (c *wire) Close() error {
	c.w.mu.Lock()
	delete(c.w.conns, c)
	c.w.moved.Broadcast()
	c.w.mu.Unlock()
	return c.Conn.Close()
}

// cut has every connection end after so many further bytes.
func (w *wires) cut(after func() int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.conns {
		c.left = after()
	}
}

func (w *wires) setStall(on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.stall = on
	w.moved.Broadcast()
}

// ear notes what a link hears.
type ear struct {
	frames chan uint64
	closed chan string
	marks  bool // note Closed among the frames, too
}

func newEar() *ear { return &ear{frames: make(chan uint64, 1<<16), closed: make(chan string, 1000)} }

func (e *ear) Frame(_ string, frame []byte) { e.frames <- binary.BigEndian.Uint64(frame) }
func (e *ear) Closed(address string) {
	e.closed <- address
	if e.marks {
		e.frames <- closedMark
	}
}

// closedMark stands among the frames where Closed was told.
const closedMark = 1<<64 - 1

func (e *ear) Call(_ context.Context, _ string, request []byte) ([]byte, error) {
	return request, nil
}

func listen(t testing.TB, config grpctransport.Config, h transport.Handler) transport.Link {
	t.Helper()
	l, err := grpctransport.New(config).Listen("", h)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func frame(n uint64) []byte {
	b := make([]byte, 8+n%200)
	binary.BigEndian.PutUint64(b, n)
	return b
}

func (e *ear) want(t *testing.T, first, last uint64) {
	t.Helper()
	timeout := time.After(30 * time.Second)
	for n := first; n <= last; n++ {
		select {
		case got := <-e.frames:
			if got != n {
				t.Fatalf("frame %d arrived, want %d", got, n)
			}
		case <-timeout:
			t.Fatalf("frame %d did not arrive", n)
		}
	}
}

func (e *ear) wantClosed(t *testing.T, address string) {
	t.Helper()
	select {
	case got := <-e.closed:
		if got != address {
			t.Fatalf("told that %s is closed, want %s", got, address)
		}
	case <-time.After(30 * time.Second):
		t.Fatalf("nobody told that %s is closed", address)
	}
}

// Connections break at any byte: every frame arrives once, in order, both ways,
// and nobody hears of it.
func TestFramesSurviveBrokenConnections(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			const frames, cuts = 10_000, 50
			random := rand.New(rand.NewPCG(seed, 1))
			w := newWires()
			config := grpctransport.Config{Dial: w.dial, ResumeTimeout: 20 * time.Second}
			earA, earB := newEar(), newEar()
			a, b := listen(t, config, earA), listen(t, config, earB)
			var group sync.WaitGroup
			for i := range uint64(cuts) {
				for n := i * frames / cuts; n < (i+1)*frames/cuts; n++ {
					a.Send(b.Address(), frame(n))
					b.Send(a.Address(), frame(n))
				}
				if i%2 == 0 {
					earA.want(t, i*frames/cuts, (i+1)*frames/cuts-1)
					earB.want(t, i*frames/cuts, (i+1)*frames/cuts-1)
				} else {
					w.cut(func() int { return random.IntN(20_000) })
					earB.want(t, i*frames/cuts, (i+1)*frames/cuts-1)
					earA.want(t, i*frames/cuts, (i+1)*frames/cuts-1)
				}
			}
			group.Wait()
			if len(earA.closed)+len(earB.closed) > 0 {
				t.Errorf("%d and %d times told that a connection is closed", len(earA.closed), len(earB.closed))
			}
		})
	}
}

// A peer that is another process than before is told, and later frames arrive.
func TestAnotherProcessIsTold(t *testing.T) {
	t.Parallel()
	config := grpctransport.Config{ResumeTimeout: 5 * time.Second}
	earA, earB, earC := newEar(), newEar(), newEar()
	a := listen(t, config, earA)
	b := listen(t, config, earB)
	a.Send(b.Address(), frame(1))
	earB.want(t, 1, 1)
	address := b.Address()
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	c, err := grpctransport.New(config).Listen(address, earC)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	earA.wantClosed(t, address)
	a.Send(address, frame(2))
	earC.want(t, 2, 2)
}

// A connection that stands still for longer than a session waits is told on both
// ends, before any later frame.
func TestStallIsTold(t *testing.T) {
	t.Parallel()
	w := newWires()
	config := grpctransport.Config{Dial: w.dial, ResumeTimeout: 300 * time.Millisecond}
	earA, earB := newEar(), newEar()
	earB.marks = true
	a, b := listen(t, config, earA), listen(t, config, earB)
	a.Send(b.Address(), frame(1))
	earB.want(t, 1, 1)
	w.setStall(true)
	a.Send(b.Address(), frame(2))
	earA.wantClosed(t, b.Address())
	w.setStall(false)
	a.Send(b.Address(), frame(3))
	// Frame 2 may arrive before B hears of the loss, and not after it.
	got := <-earB.frames
	if got == 2 {
		got = <-earB.frames
	}
	if got != closedMark {
		t.Fatalf("frame %d arrived and nobody told of the loss", got)
	}
	earB.want(t, 3, 3)
}

// More bytes than may wait for a peer end the session (R43).
func TestQueueBound(t *testing.T) {
	t.Parallel()
	w := newWires()
	config := grpctransport.Config{Dial: w.dial, ResumeTimeout: 20 * time.Second, QueueBytesMax: 100_000}
	earA, earB := newEar(), newEar()
	a, b := listen(t, config, earA), listen(t, config, earB)
	a.Send(b.Address(), frame(1))
	earB.want(t, 1, 1)
	w.setStall(true)
	defer w.setStall(false)
	for n := range uint64(2000) {
		a.Send(b.Address(), frame(n))
	}
	earA.wantClosed(t, b.Address())
}

// Who speaks another version is refused, and the log says so.
func TestOtherVersionIsRefused(t *testing.T) {
	t.Parallel()
	var log logged
	l := listen(t, grpctransport.Config{Log: slog.New(slog.NewTextHandler(&log, nil))}, newEar())
	err := grpctransport.Hello(t.Context(), l.Address(), []byte{9, 1})
	if err == nil || !strings.Contains(err.Error(), "version 9, this program speaks 1") {
		t.Errorf("the caller is told %v", err)
	}
	if text := log.String(); !strings.Contains(text, "version 9") {
		t.Errorf("the log says %q", text)
	}
}

type logged struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// Frames of 200 bytes over loopback.
func BenchmarkFrames(b *testing.B) {
	e := newEar()
	from, to := listen(b, grpctransport.Config{}, newEar()), listen(b, grpctransport.Config{}, e)
	b.SetBytes(200)
	b.ReportAllocs()
	b.ResetTimer()
	room := make(chan struct{}, 4096) // less than what ends a session
	go func() {
		for n := range uint64(b.N) {
			room <- struct{}{}
			f := make([]byte, 200)
			binary.BigEndian.PutUint64(f, n)
			from.Send(to.Address(), f)
		}
	}()
	for range b.N {
		<-e.frames
		<-room
	}
}

// One call and its answer over loopback.
func BenchmarkCall(b *testing.B) {
	from, to := listen(b, grpctransport.Config{}, newEar()), listen(b, grpctransport.Config{}, newEar())
	request := make([]byte, 100)
	for b.Loop() {
		if _, err := from.Call(b.Context(), to.Address(), request); err != nil {
			b.Fatal(err)
		}
	}
}
