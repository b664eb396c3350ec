package grpctransport

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"sync"
)

// What the parts of a message of calls are.
const (
	callBegins  = 1 // a request
	callDropped = 2 // its caller does not wait any more

	callAnswered   = 1
	callFailed     = 2 // with the text of an error
	callNoListener = 3 // the same, of transport.ErrNoListener
)

// callQueue has parts until they are sent: those that come while a message is sent go together
// in the next.
type callQueue struct {
	signal chan struct{} // capacity 1: there is something to send
	mu     sync.Mutex
	parts  []callPart
	bytes  int64
}

type callPart struct {
	id   uint64
	kind byte
	data []byte
}

func newCallQueue() *callQueue { return &callQueue{signal: make(chan struct{}, 1)} }

// add queues a part.
func (q *callQueue) add(id uint64, kind byte, data []byte) {
	q.mu.Lock()
	q.parts = append(q.parts, callPart{id, kind, data})
	q.bytes += int64(len(data))
	q.mu.Unlock()
	select {
	case q.signal <- struct{}{}:
	default:
	}
}

// remove takes a part out that is not sent yet, and reports whether it was there.
func (q *callQueue) remove(id uint64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := slices.IndexFunc(q.parts, func(p callPart) bool { return p.id == id })
	if n < 0 {
		return false
	}
	q.bytes -= int64(len(q.parts[n].data))
	q.parts = slices.Delete(q.parts, n, n+1)
	return true
}

// queuedBytes is what waits to be sent.
func (q *callQueue) queuedBytes() int64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.bytes
}

// take makes the next message, of as many parts as it may have; nil: there is none.
func (q *callQueue) take() []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	n, size := 0, 0
	for n < len(q.parts) {
		more := len(q.parts[n].data) + 2*binary.MaxVarintLen64 + 1
		if n > 0 && size+more > callBytesMax {
			break
		}
		n, size = n+1, size+more
	}
	if n == 0 {
		return nil
	}
	m := make([]byte, 0, size)
	for _, p := range q.parts[:n] {
		m = appendBytes(append(binary.AppendUvarint(m, p.id), p.kind), p.data)
		q.bytes -= int64(len(p.data))
	}
	q.parts = slices.Delete(q.parts, 0, n)
	return m
}

// send sends messages until the stream breaks. Why it does, whoever receives from it is told.
func (q *callQueue) send(ctx context.Context, s interface{ SendMsg(any) error }) {
	for {
		select {
		case <-q.signal:
		case <-ctx.Done():
			return
		}
		for m := q.take(); m != nil; m = q.take() {
			if s.SendMsg(&message{m}) != nil {
				return
			}
		}
	}
}

// callBytesMax bounds a message of several parts; a larger part is a message of its own.
const callBytesMax = 64 << 10

// eachCall reads the parts of a message. They keep its bytes.
func eachCall(data []byte, each func(id uint64, kind byte, data []byte) error) error {
	p := parser{rest: data}
	for len(p.rest) > 0 {
		id, kind, part := p.uvarint(), p.byte(), p.bytes()
		if p.err != nil {
			return fmt.Errorf("calls: %w", p.err)
		}
		if len(p.rest) > 0 && len(data) > callBytesMax {
			return fmt.Errorf("calls: several in a message of %d bytes: %w", len(data), errMalformed)
		}
		if err := each(id, kind, part); err != nil {
			return err
		}
	}
	return nil
}
