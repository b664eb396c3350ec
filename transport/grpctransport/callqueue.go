package grpctransport

import (
	"context"
	"encoding/binary"
	"fmt"
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

// callQueue has parts in messages until they are sent: what comes while one is sent goes
// together in the next.
type callQueue struct {
	signal   chan struct{} // capacity 1: there is something to send
	mu       sync.Mutex
	messages [][]byte
}

func newCallQueue() *callQueue { return &callQueue{signal: make(chan struct{}, 1)} }

// add appends a part to the last message, or to another one if that is full.
func (q *callQueue) add(id uint64, kind byte, data []byte) {
	q.mu.Lock()
	n := len(q.messages)
	if n == 0 || len(q.messages[n-1])+len(data) > callBytesMax {
		q.messages = append(q.messages, nil)
		n++
	}
	q.messages[n-1] = appendBytes(append(binary.AppendUvarint(q.messages[n-1], id), kind), data)
	q.mu.Unlock()
	select {
	case q.signal <- struct{}{}:
	default:
	}
}

// take takes the first message; nil: there is none.
func (q *callQueue) take() []byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.messages) == 0 {
		return nil
	}
	m := q.messages[0]
	q.messages[0] = nil
	q.messages = q.messages[1:]
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
func eachCall(data []byte, each func(id uint64, kind byte, data []byte)) error {
	p := parser{rest: data}
	for len(p.rest) > 0 {
		id, kind, part := p.uvarint(), p.byte(), p.bytes()
		if p.err != nil {
			return fmt.Errorf("calls: %w", p.err)
		}
		each(id, kind, part)
	}
	return nil
}
