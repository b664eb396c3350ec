package grpctransport

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// calls is a stream that carries calls to a peer and their answers. A call by itself costs gRPC a
// stream of its own on both ends, with headers, contexts and a goroutine; here what is called for
// at about the same time goes out, and comes back, in one message.
type calls struct {
	peer   *peer
	cancel context.CancelCauseFunc
	queue  *callQueue

	mu      sync.Mutex
	last    uint64
	waiting map[uint64]func(reply)
	broken  error
}

// reply ends a call: err says that it was not answered.
type reply struct {
	kind byte
	data []byte
	err  error
}

// errOneByOne: the peer is of a version that takes no stream of calls.
var errOneByOne = errors.New("the peer takes calls one by one")

// callVia sends a request in the peer's stream of calls and waits for its answer or for ctx.
func (p *peer) callVia(ctx context.Context, request []byte) (reply, error) {
	c, err := p.callStream()
	if err != nil {
		return reply{}, err
	}
	answer := make(chan reply, 1)
	id, err := c.begin(withTimeLeft(ctx, request), func(r reply) { answer <- r })
	if err != nil {
		return reply{}, err
	}
	select {
	case r := <-answer:
		return r, r.err
	case <-ctx.Done():
		c.drop(id)
		return reply{}, ctx.Err()
	}
}

// withTimeLeft puts before a request how long its caller waits.
func withTimeLeft(ctx context.Context, request []byte) []byte {
	if at, ok := ctx.Deadline(); ok {
		return withPatience(time.Until(at), request)
	}
	return append(make([]byte, 1, 1+len(request)), request...) // 0: as long as it takes
}

// withPatience does the same: in milliseconds and one more.
func withPatience(patience time.Duration, request []byte) []byte {
	left := uint64(max(patience.Milliseconds(), 0)) + 1
	return append(binary.AppendUvarint(make([]byte, 0, binary.MaxVarintLen64+len(request)), left), request...)
}

// callStream is the stream of calls that is open, or a new one.
func (p *peer) callStream() (*calls, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls != nil {
		return p.calls, nil
	}
	if p.link.ctx.Err() != nil {
		return nil, fmt.Errorf("link %s is closed", p.link.address)
	}
	ctx, cancel := context.WithCancelCause(p.link.ctx)
	c := &calls{peer: p, cancel: cancel, queue: newCallQueue(), waiting: map[uint64]func(reply){}}
	p.calls = c
	p.link.background.Go(func() { c.fail(c.run(ctx)) })
	return c, nil
}

// begin queues a call. What it is answered with, answer is told, which does not block.
func (c *calls) begin(request []byte, answer func(reply)) (id uint64, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.broken != nil {
		return 0, c.broken
	}
	c.last++
	c.waiting[c.last] = answer
	c.queue.add(c.last, callBegins, request)
	return c.last, nil
}

// drop tells the peer that nobody waits for an answer any more.
func (c *calls) drop(id uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.waiting[id]; !ok {
		return
	}
	delete(c.waiting, id)
	if !c.queue.remove(id) {
		c.queue.add(id, callDropped, nil)
	}
}

// fail ends all calls of a stream that has broken; the next call opens another one.
func (c *calls) fail(err error) {
	c.cancel(err)
	c.peer.mu.Lock()
	if c.peer.calls == c {
		c.peer.calls = nil
	}
	if status.Code(err) == codes.Unimplemented {
		c.peer.oneByOne, err = true, errOneByOne
	}
	c.peer.mu.Unlock()
	c.mu.Lock()
	c.broken = err
	waiting := c.waiting
	c.waiting = nil
	c.mu.Unlock()
	for _, answer := range waiting {
		answer(reply{err: err})
	}
}

// run opens the stream, sends what is queued and takes what comes until it breaks.
func (c *calls) run(ctx context.Context) error {
	s, err := c.peer.conn.NewStream(ctx, &callsStream, callsMethod)
	if err != nil {
		return err
	}
	hello := message{appendBytes([]byte{version}, []byte(c.peer.link.address))}
	if err := s.SendMsg(&hello); err != nil {
		return c.cause(s, err)
	}
	c.peer.link.background.Go(func() { c.queue.send(ctx, s) })
	for {
		var m message
		if err := s.RecvMsg(&m); err != nil {
			return err
		}
		if err := eachCall(m.data, c.answered); err != nil {
			return err
		}
	}
}

// cause is why a stream broke: what was sent last only knows that it did.
func (c *calls) cause(s grpc.ClientStream, err error) error {
	var m message
	if why := s.RecvMsg(&m); why != nil {
		return why
	}
	return err
}

// answered gives an answer to whoever waits for it.
func (c *calls) answered(id uint64, kind byte, data []byte) error {
	c.mu.Lock()
	answer := c.waiting[id]
	delete(c.waiting, id)
	c.mu.Unlock()
	if answer != nil {
		answer(reply{kind: kind, data: data})
	}
	return nil
}
