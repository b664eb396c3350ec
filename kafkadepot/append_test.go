package kafkadepot_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"github.com/coppice-run/coppice/depot"
)

// deaf is a connection that hears nothing any more once it is told so, until it is closed.
type deaf struct {
	net.Conn
	now  *atomic.Bool
	over chan struct{}
	once atomic.Bool
}

func (d *deaf) Read(b []byte) (int, error) {
	n, err := d.Conn.Read(b)
	if err == nil && d.now.Load() {
		<-d.over
		return 0, net.ErrClosed
	}
	return n, err
}

func (d *deaf) Close() error {
	if d.once.CompareAndSwap(false, true) {
		close(d.over)
	}
	return d.Conn.Close()
}

// Of a record that is sent when the log is closed, before the broker's answer is heard, nobody
// knows whether it is in the log; of one that comes later it is certain that it is not.
func TestAppendsUnderWayWhenClosed(t *testing.T) {
	t.Parallel()
	_, config := startBroker(t)
	var now atomic.Bool
	reach := config.Dialer
	other := openLog(t, config)
	config.Dialer = func(ctx context.Context, kind, address string) (net.Conn, error) {
		conn, err := reach(ctx, kind, address)
		return &deaf{Conn: conn, now: &now, over: make(chan struct{})}, err
	}
	log := openLog(t, config)
	topic, err := other.Ensure(t.Context(), depot.TopicSpec{Module: "Closing", Depot: "words", Partitions: 1})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	put := func(text string) {
		log.Append(t.Context(), topic.Name, 0, depot.Record{Value: []byte(text)}, depot.Replicated, func(_ int64, err error) { done <- err })
	}
	put("heard")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	now.Store(true)
	put("not heard")
	for end := int64(0); end < 2; {
		if _, end, err = other.Bounds(t.Context(), topic.Name, 0); err != nil {
			t.Fatal(err)
		}
	}
	_ = log.Close()
	if err := <-done; !errors.Is(err, depot.ErrUnknown) {
		t.Errorf("the append under way: %v, want %v: it is in the log", err, depot.ErrUnknown)
	}
	put("late")
	if err := <-done; !errors.Is(err, depot.ErrNotAppended) {
		t.Errorf("the append behind it: %v, want %v", err, depot.ErrNotAppended)
	}
}
