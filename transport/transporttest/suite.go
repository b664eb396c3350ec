// Package transporttest is the conformance suite of package transport: every
// implementation of transport.Network passes it.
package transporttest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/coppice-run/coppice/transport"
)

// Harness is a network and what can be done to it from outside.
type Harness struct {
	Network transport.Network
	// Cut breaks the connection between two links; later frames make a new one.
	Cut func(a, b transport.Link)
}

// patience bounds how long a subtest waits for something that must happen.
const patience = 20 * time.Second

// Run runs the suite; open makes a network of its own for each subtest.
func Run(t *testing.T, open func(t *testing.T) Harness) {
	for name, test := range map[string]func(*testing.T, Harness){
		"frames arrive in order":                    inOrder,
		"frames both ways at a time":                bothWays,
		"an empty frame is a frame":                 emptyFrame,
		"a call is answered":                        called,
		"a call's error comes back":                 callFails,
		"a call ends with its context":              callEnds,
		"a call to nobody":                          callNobody,
		"a frame to nobody is lost, and told":       sendNobody,
		"a closed link is told to its peers":        closeTold,
		"a broken connection is told before frames": cutTold,
		"close waits for what runs":                 closeWaits,
		"an address is taken once":                  taken,
		"a request is answered":                     asked,
		"requests are answered later":               answeredLater,
		"nobody waits for a request":                askDropped,
		"a request to nobody":                       askNobody,
		"a request to a link that closes":           askCloses,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, open(t))
		})
	}
}

// happening is one thing that a link heard.
type happening struct {
	from   string
	frame  []byte
	closed bool
}

// ear is a handler that notes everything.
type ear struct {
	mu    sync.Mutex
	heard []happening
	news  chan struct{}
	call  func(ctx context.Context, from string, request []byte) ([]byte, error)
}

func newEar() *ear { return &ear{news: make(chan struct{}, 1)} }

func (e *ear) note(h happening) {
	e.mu.Lock()
	e.heard = append(e.heard, h)
	e.mu.Unlock()
	select {
	case e.news <- struct{}{}:
	default:
	}
}

func (e *ear) Frame(from string, frame []byte) { e.note(happening{from: from, frame: frame}) }
func (e *ear) Closed(address string)           { e.note(happening{from: address, closed: true}) }
func (e *ear) Call(ctx context.Context, from string, request []byte) ([]byte, error) {
	if e.call == nil {
		return nil, errors.New("nobody answers here")
	}
	return e.call(ctx, from, request)
}

// until waits until what was heard satisfies the condition.
func (e *ear) until(t *testing.T, what string, enough func([]happening) bool) []happening {
	t.Helper()
	timeout := time.NewTimer(patience)
	defer timeout.Stop()
	for {
		e.mu.Lock()
		heard := append([]happening(nil), e.heard...)
		e.mu.Unlock()
		if enough(heard) {
			return heard
		}
		select {
		case <-e.news:
		case <-timeout.C:
			t.Fatalf("waiting in vain: %s; heard %d things", what, len(heard))
		}
	}
}

func listen(t *testing.T, h Harness, address string, e *ear) transport.Link {
	t.Helper()
	l, err := h.Network.Listen(address, e)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func number(i int) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(i)) }

// wantNumbers checks that the frames of a sender are 0, 1, 2, ….
func wantNumbers(t *testing.T, heard []happening, from string) {
	t.Helper()
	next := uint32(0)
	for _, h := range heard {
		if h.from != from || h.closed {
			continue
		}
		if n := binary.LittleEndian.Uint32(h.frame); n != next {
			t.Fatalf("from %s came %d, want %d", from, n, next)
		}
		next++
	}
}

const many = 2000

func inOrder(t *testing.T, h Harness) {
	to := newEar()
	a, b := listen(t, h, "", newEar()), listen(t, h, "", to)
	for i := range many {
		a.Send(b.Address(), number(i))
	}
	wantNumbers(t, to.until(t, "all frames", func(hs []happening) bool { return len(hs) == many }), a.Address())
}

func bothWays(t *testing.T, h Harness) {
	ears := []*ear{newEar(), newEar(), newEar()}
	links := make([]transport.Link, len(ears))
	for i, e := range ears {
		links[i] = listen(t, h, "", e)
	}
	var group sync.WaitGroup
	for _, from := range links {
		group.Go(func() {
			for i := range many {
				for _, to := range links {
					if to != from {
						to := to.Address()
						from.Send(to, number(i))
					}
				}
			}
		})
	}
	group.Wait()
	for _, e := range ears {
		heard := e.until(t, "all frames", func(hs []happening) bool { return len(hs) == many*(len(links)-1) })
		for _, from := range links {
			wantNumbers(t, heard, from.Address())
		}
	}
}

func emptyFrame(t *testing.T, h Harness) {
	to := newEar()
	a, b := listen(t, h, "", newEar()), listen(t, h, "", to)
	a.Send(b.Address(), nil)
	heard := to.until(t, "the frame", func(hs []happening) bool { return len(hs) > 0 })
	if heard[0].closed || len(heard[0].frame) != 0 {
		t.Errorf("heard %+v, want an empty frame", heard[0])
	}
}

func called(t *testing.T, h Harness) {
	to := newEar()
	a, b := listen(t, h, "", newEar()), listen(t, h, "", to)
	to.call = func(_ context.Context, from string, request []byte) ([]byte, error) {
		return fmt.Appendf(nil, "%s said %s", from, request), nil
	}
	answer, err := a.Call(t.Context(), b.Address(), []byte("hello"))
	if want := a.Address() + " said hello"; err != nil || string(answer) != want {
		t.Errorf("answer %q, %v; want %q", answer, err, want)
	}
}

func callFails(t *testing.T, h Harness) {
	to := newEar()
	a, b := listen(t, h, "", newEar()), listen(t, h, "", to)
	to.call = func(context.Context, string, []byte) ([]byte, error) { return nil, errors.New("no such thing") }
	if _, err := a.Call(t.Context(), b.Address(), nil); err == nil || err.Error() == "" {
		t.Errorf("a failing call returned %v", err)
	}
}

func callEnds(t *testing.T, h Harness) {
	to := newEar()
	a, b := listen(t, h, "", newEar()), listen(t, h, "", to)
	entered, left := make(chan struct{}), make(chan struct{})
	to.call = func(ctx context.Context, _ string, _ []byte) ([]byte, error) {
		close(entered)
		<-ctx.Done()
		close(left)
		return nil, ctx.Err()
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-entered
		cancel()
	}()
	if _, err := a.Call(ctx, b.Address(), nil); err == nil {
		t.Error("a call whose context ended succeeded")
	}
	<-left
}

func callNobody(t *testing.T, h Harness) {
	a := listen(t, h, "", newEar())
	gone := listen(t, h, "", newEar())
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Call(t.Context(), gone.Address(), nil); !errors.Is(err, transport.ErrNoListener) {
		t.Errorf("a call to nobody: %v, want ErrNoListener", err)
	}
}

func sendNobody(t *testing.T, h Harness) {
	from := newEar()
	a := listen(t, h, "", from)
	gone := listen(t, h, "", newEar())
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	a.Send(gone.Address(), number(0))
	from.until(t, "that nobody is there", func(hs []happening) bool {
		return len(hs) > 0 && hs[0].closed && hs[0].from == gone.Address()
	})
}

func closeTold(t *testing.T, h Harness) {
	from, to := newEar(), newEar()
	a, b := listen(t, h, "", from), listen(t, h, "", to)
	a.Send(b.Address(), number(0))
	to.until(t, "the frame", func(hs []happening) bool { return len(hs) == 1 })
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	from.until(t, "the end of the peer", func(hs []happening) bool { return len(hs) > 0 && hs[len(hs)-1].closed })
}

// cutTold: after a break, nothing that was sent before arrives; both ends hear of
// it before anything that was sent after.
func cutTold(t *testing.T, h Harness) {
	if h.Cut == nil {
		t.Skip("this network cannot be cut")
	}
	from, to := newEar(), newEar()
	a, b := listen(t, h, "", from), listen(t, h, "", to)
	for i := range many {
		a.Send(b.Address(), number(i))
	}
	h.Cut(a, b)
	a.Send(b.Address(), number(many))
	heard := to.until(t, "the last frame", func(hs []happening) bool {
		return len(hs) > 0 && !hs[len(hs)-1].closed && binary.LittleEndian.Uint32(hs[len(hs)-1].frame) == many
	})
	if n := len(heard); n < 2 || !heard[n-2].closed {
		t.Errorf("the frame after the break came without news of it: %d things heard", n)
	}
	wantNumbers(t, heard[:len(heard)-1], a.Address())
	from.until(t, "news of the break", func(hs []happening) bool { return len(hs) > 0 && hs[0].closed })
}

// closeWaits: when Close returns, the handler is left alone.
func closeWaits(t *testing.T, h Harness) {
	to := newEar()
	a, b := listen(t, h, "", newEar()), listen(t, h, "", to)
	entered := make(chan struct{})
	var mu sync.Mutex
	inside := 0
	to.call = func(ctx context.Context, _ string, _ []byte) ([]byte, error) {
		mu.Lock()
		inside++
		mu.Unlock()
		close(entered)
		<-ctx.Done()
		mu.Lock()
		inside--
		mu.Unlock()
		return nil, ctx.Err()
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_, _ = a.Call(t.Context(), b.Address(), nil)
	}()
	<-entered
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	defer mu.Unlock()
	if inside != 0 {
		t.Error("the handler still runs after Close")
	}
	<-ended
	if err := b.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}

func taken(t *testing.T, h Harness) {
	a := listen(t, h, "", newEar())
	if l, err := h.Network.Listen(a.Address(), newEar()); err == nil {
		_ = l.Close()
		t.Errorf("two links listen on %s", a.Address())
	}
}
