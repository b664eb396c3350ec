package transporttest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/coppice-run/coppice/transport"
)

// later is a handler that takes all requests, to answer them when the test does.
type later struct {
	*ear
	taken   chan request
	dropped chan string
}

// request is one that a later has taken.
type request struct {
	text     string
	answered func([]byte, error)
}

func newLater() *later {
	return &later{ear: newEar(), taken: make(chan request, 10), dropped: make(chan string, 10)}
}

// Answer takes a request, unless it is one for Call.
func (l *later) Answer(_ string, data []byte, answered func([]byte, error)) (drop func(), taken bool) {
	text := string(data)
	switch text {
	case "call":
		return nil, false
	case "at once":
		answered([]byte("so it is"), nil)
		return func() {}, true
	}
	l.taken <- request{text, answered}
	return func() { l.dropped <- text }, true
}

// told is what somebody who asked was answered.
type told struct {
	data string
	err  error
}

// ask asks, and returns where the answer comes. One that comes twice fails the test.
func ask(t *testing.T, from transport.Link, to, text string) (answer <-chan told, drop func()) {
	ch := make(chan told, 1)
	return ch, from.Ask(to, []byte(text), time.Minute, func(data []byte, err error) {
		select {
		case ch <- told{string(data), err}:
		default:
			t.Errorf("%s was answered twice", text)
		}
	})
}

func asked(t *testing.T, h Harness) {
	to := newEar()
	a, b := listen(t, h, "", newEar()), listen(t, h, "", to)
	to.call = func(_ context.Context, from string, request []byte) ([]byte, error) {
		if string(request) == "fail" {
			return nil, errors.New("no such thing")
		}
		return fmt.Appendf(nil, "%s said %s", from, request), nil
	}
	answer, _ := ask(t, a, b.Address(), "hello")
	if got, want := <-answer, a.Address()+" said hello"; got.err != nil || got.data != want {
		t.Errorf("answer %q, %v; want %q", got.data, got.err, want)
	}
	answer, _ = ask(t, a, b.Address(), "fail")
	if got := <-answer; got.err == nil || got.err.Error() != "no such thing" {
		t.Errorf("a failing request was answered with %q, %v", got.data, got.err)
	}
}

// answeredLater: requests that a handler takes are answered in any order, and those that it does
// not take go to Call.
func answeredLater(t *testing.T, h Harness) {
	to := newLater()
	a, b := listen(t, h, "", newEar()), listenAs(t, h, to)
	to.call = func(_ context.Context, _ string, request []byte) ([]byte, error) { return request, nil }
	first, _ := ask(t, a, b.Address(), "first")
	one := <-to.taken
	second, _ := ask(t, a, b.Address(), "second")
	two := <-to.taken
	two.answered([]byte("2"), nil)
	if got := <-second; got.err != nil || got.data != "2" {
		t.Errorf("the second was answered with %q, %v", got.data, got.err)
	}
	one.answered(nil, errors.New("gone wrong"))
	if got := <-first; got.err == nil || got.err.Error() != "gone wrong" {
		t.Errorf("the first was answered with %q, %v", got.data, got.err)
	}
	for text, want := range map[string]string{"at once": "so it is", "call": "call"} {
		answer, _ := ask(t, a, b.Address(), text)
		if got := <-answer; got.err != nil || got.data != want {
			t.Errorf("%s was answered with %q, %v", text, got.data, got.err)
		}
	}
}

// askDropped: the handler hears that nobody waits any more, and its answer goes nowhere.
func askDropped(t *testing.T, h Harness) {
	to := newLater()
	a, b := listen(t, h, "", newEar()), listenAs(t, h, to)
	answer, drop := ask(t, a, b.Address(), "dropped")
	one := <-to.taken
	drop()
	if got := <-to.dropped; got != "dropped" {
		t.Errorf("%s was dropped", got)
	}
	one.answered([]byte("late"), nil)
	next, _ := ask(t, a, b.Address(), "at once")
	if got := <-next; got.err != nil {
		t.Errorf("the next was answered with %q, %v", got.data, got.err)
	}
	select {
	case got := <-answer:
		t.Errorf("what was dropped was answered with %q, %v", got.data, got.err)
	default:
	}
	drop() // once more does no harm
}

func askNobody(t *testing.T, h Harness) {
	a := listen(t, h, "", newEar())
	gone := listen(t, h, "", newEar())
	if err := gone.Close(); err != nil {
		t.Fatal(err)
	}
	answer, _ := ask(t, a, gone.Address(), "hello")
	if got := <-answer; got.err == nil {
		t.Errorf("nobody answered %q", got.data)
	}
}

// askCloses: who asked a link that closes is told, whichever way it was to be answered.
func askCloses(t *testing.T, h Harness) {
	to := newLater()
	a, b := listen(t, h, "", newEar()), listenAs(t, h, to)
	entered := make(chan struct{})
	to.call = func(ctx context.Context, _ string, _ []byte) ([]byte, error) {
		close(entered)
		<-ctx.Done()
		return nil, ctx.Err()
	}
	open, _ := ask(t, a, b.Address(), "open")
	<-to.taken
	called, _ := ask(t, a, b.Address(), "call")
	<-entered
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	for _, answer := range []<-chan told{open, called} {
		if got := <-answer; got.err == nil {
			t.Errorf("a link that is closed answered %q", got.data)
		}
	}
	if got := <-to.dropped; got != "open" {
		t.Errorf("%s was dropped", got)
	}
}

func listenAs(t *testing.T, h Harness, handler transport.Handler) transport.Link {
	l, err := h.Network.Listen("", handler)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}
