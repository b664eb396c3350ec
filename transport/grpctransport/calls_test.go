package grpctransport_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coppice-run/coppice/transport"
	"github.com/coppice-run/coppice/transport/grpctransport"
)

// answering answers calls; those for "hold" when it is released or nobody waits any more.
type answering struct {
	transport.Handler
	held    chan struct{}
	left    chan error
	release chan struct{}
}

func newAnswering() *answering {
	return &answering{held: make(chan struct{}, 100), left: make(chan error, 100), release: make(chan struct{})}
}

func (a *answering) Closed(string) {}

func (a *answering) Call(ctx context.Context, _ string, request []byte) ([]byte, error) {
	if string(request) != "hold" {
		return request, nil
	}
	a.held <- struct{}{}
	select {
	case <-a.release:
		return []byte("released"), nil
	case <-ctx.Done():
		a.left <- ctx.Err()
		return nil, ctx.Err()
	}
}

// Many calls at once have their own answers, while others are not answered yet: small ones,
// and such as are messages of their own.
func TestCallsShareAStream(t *testing.T) {
	t.Parallel()
	a := newAnswering()
	from, to := listen(t, grpctransport.Config{}, newEar()), listen(t, grpctransport.Config{}, a)
	var group sync.WaitGroup
	for n := range 200 {
		group.Go(func() {
			request := []byte("hold")
			want := "released"
			if n >= 10 {
				request = append(bytes.Repeat([]byte{'x'}, n*n*4), fmt.Sprint(n)...) // up to 160 kB
				want = string(request)
			}
			answer, err := from.Call(t.Context(), to.Address(), request)
			if err != nil || string(answer) != want {
				t.Errorf("call %d has an answer of %d bytes (error %v), want %d", n, len(answer), err, len(want))
			}
			if n == 199 { // the others are answered or will be: those that are held, now
				close(a.release)
			}
		})
	}
	group.Wait()
}

// Who does not wait any more has the handler's context end, and the stream goes on.
func TestADroppedCallEndsItsHandler(t *testing.T) {
	t.Parallel()
	a := newAnswering()
	from, to := listen(t, grpctransport.Config{}, newEar()), listen(t, grpctransport.Config{}, a)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		_, err := from.Call(ctx, to.Address(), []byte("hold"))
		ended <- err
	}()
	<-a.held
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("the caller has %v, want that it is canceled", err)
	}
	if err := <-a.left; !errors.Is(err, context.Canceled) {
		t.Errorf("the handler has %v, want that it is canceled", err)
	}
	if answer, err := from.Call(t.Context(), to.Address(), []byte("next")); err != nil || string(answer) != "next" {
		t.Errorf("the next call: %q (error %v)", answer, err)
	}
}

// A handler knows how long its caller waits.
func TestDeadlinesTravel(t *testing.T) {
	t.Parallel()
	until := make(chan time.Time, 1)
	from, to := listen(t, grpctransport.Config{}, newEar()), listen(t, grpctransport.Config{}, told(func(ctx context.Context) {
		at, _ := ctx.Deadline()
		until <- at
	}))
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	if _, err := from.Call(ctx, to.Address(), nil); err != nil {
		t.Fatal(err)
	}
	want, _ := ctx.Deadline()
	if at := <-until; at.Before(want.Add(-time.Minute)) || at.After(want.Add(time.Minute)) {
		t.Errorf("the handler has until %v, its caller waits until %v", at, want)
	}
	if _, err := from.Call(t.Context(), to.Address(), nil); err != nil {
		t.Fatal(err)
	}
	if at := <-until; !at.IsZero() {
		t.Errorf("the handler has until %v, its caller waits as long as it takes", at)
	}
}

// told is a handler that shows its context.
type told func(context.Context)

func (told) Frame(string, []byte) {}
func (told) Closed(string)        {}
func (f told) Call(ctx context.Context, _ string, _ []byte) ([]byte, error) {
	f(ctx)
	return nil, nil
}

// Calls that are under way when the peer goes fail, and later ones find the peer that takes its place.
func TestCallsFailWithTheirPeer(t *testing.T) {
	t.Parallel()
	a := newAnswering()
	from, to := listen(t, grpctransport.Config{}, newEar()), listen(t, grpctransport.Config{}, a)
	ended := make(chan error, 1)
	go func() {
		_, err := from.Call(t.Context(), to.Address(), []byte("hold"))
		ended <- err
	}()
	<-a.held
	_ = to.Close()
	if err := <-ended; !errors.Is(err, transport.ErrNoListener) {
		t.Errorf("the call fails with %v, want %v", err, transport.ErrNoListener)
	}
	again, err := grpctransport.New(grpctransport.Config{}).Listen(to.Address(), newAnswering())
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for {
		answer, err := from.Call(t.Context(), to.Address(), []byte("next"))
		if errors.Is(err, transport.ErrNoListener) {
			continue // not connected again yet
		}
		if err != nil || string(answer) != "next" {
			t.Errorf("the call to the one in its place: %q (error %v)", answer, err)
		}
		return
	}
}

// A peer of a version that knows no stream of calls is called one by one.
func TestFormerPeersAreCalledOneByOne(t *testing.T) {
	t.Parallel()
	address, stop, err := grpctransport.Former()
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	from := listen(t, grpctransport.Config{}, newEar())
	for _, text := range []string{"asked", "asked again"} { // the first finds out
		answered := make(chan error, 1)
		from.Ask(address, []byte(text), time.Minute, func(answer []byte, err error) {
			if err == nil && string(answer) != text {
				err = fmt.Errorf("%s is answered with %q", text, answer)
			}
			answered <- err
		})
		if err := <-answered; err != nil {
			t.Error(err)
		}
	}
	for _, text := range []string{"first", "second"} {
		if answer, err := from.Call(t.Context(), address, []byte(text)); err != nil || string(answer) != text {
			t.Errorf("%s is answered with %q (error %v)", text, answer, err)
		}
	}
}

// A stream of calls that is malformed is refused, and one that gives two calls the same number harms
// nobody.
func TestMalformedCallsAreRefused(t *testing.T) {
	t.Parallel()
	to := listen(t, grpctransport.Config{}, newAnswering())
	hello := append([]byte{1, 4}, "from"...)
	twice := []byte{1, 1, 2, 'h', 'i', 1, 1, 2, 'h', 'i', 1, 2, 0}
	for _, messages := range [][][]byte{{{9, 0}}, {hello[:3]}, {hello, {1}}, {hello, {1, 1, 200}}, {hello, twice, {7, 1, 9}}} {
		if err := grpctransport.Calls(t.Context(), to.Address(), messages...); err == nil || !strings.Contains(err.Error(), "InvalidArgument") {
			t.Errorf("%v is refused with %v", messages, err)
		}
	}
}
