package grpctransport

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/coppice-run/coppice/transport"
)

// answers is a stream of calls as their receiver has it: each call is answered in a goroutine
// of its own, and answers that are ready at about the same time go out in one message.
type answers struct {
	link  *link
	from  string
	ctx   context.Context
	queue *callQueue

	mu      sync.Mutex
	callers map[uint64]context.CancelFunc
	open    int // calls that are not answered yet
	running sync.WaitGroup
}

// serveCalls carries one stream of calls. It returns when all of them are over.
func (l *link) serveCalls(s grpc.ServerStream) error {
	var hello message
	if err := s.RecvMsg(&hello); err != nil {
		return err
	}
	p := parser{rest: hello.data}
	p.version()
	from := string(p.bytes())
	if err := p.end("hello of calls"); err != nil {
		return status.Error(codes.InvalidArgument, err.Error())
	}
	ctx, cancel := context.WithCancel(s.Context())
	a := &answers{link: l, from: from, ctx: ctx, queue: newCallQueue(), callers: map[uint64]context.CancelFunc{}}
	defer a.running.Wait()
	defer cancel()
	go a.queue.send(ctx, s) // it may hang until the stream ends, which is behind the return
	for {
		var m message
		if err := s.RecvMsg(&m); err != nil {
			return err
		}
		if err := eachCall(m.data, a.take); err != nil {
			return status.Error(codes.InvalidArgument, err.Error())
		}
	}
}

// take begins a call, or ends it for a caller that does not wait any more.
func (a *answers) take(id uint64, kind byte, data []byte) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch kind {
	case callBegins:
		p := parser{rest: data}
		left, request := p.uvarint(), p.rest
		if p.err != nil {
			return p.err
		}
		if len(request) < callAlone {
			request = bytes.Clone(request) // else it keeps those that came with it
		}
		if a.open >= callsMax {
			a.queue.add(id, callFailed, fmt.Appendf(nil, "too many calls of this sender are not answered yet: it may have %d", callsMax))
			return nil
		}
		ctx, cancel := a.context(left)
		a.callers[id] = cancel
		a.open++
		a.running.Go(func() {
			defer cancel()
			a.answer(ctx, id, request)
		})
	case callDropped:
		if cancel := a.callers[id]; cancel != nil {
			cancel()
		}
	}
	return nil
}

// context is that of a call whose caller waits for so long (withTimeLeft).
func (a *answers) context(left uint64) (context.Context, context.CancelFunc) {
	if left == 0 || left > uint64(math.MaxInt64/time.Millisecond) {
		return context.WithCancel(a.ctx)
	}
	return context.WithTimeout(a.ctx, time.Duration(left)*time.Millisecond)
}

// Bounds of what one stream may have a link do. A request that is larger than callAlone has its
// message's bytes to itself, nearly.
const (
	callsMax  = 100_000 // that are not answered yet
	callAlone = callBytesMax / 2
)

// answer has the handler answer a call.
func (a *answers) answer(ctx context.Context, id uint64, request []byte) {
	data, err := a.link.handler.Call(ctx, a.from, request)
	kind := byte(callAnswered)
	if len(data) > messageBytesMax-callBytesMax {
		err = fmt.Errorf("the answer has %d bytes, at most %d are allowed", len(data), messageBytesMax-callBytesMax)
	}
	if err != nil {
		kind, data = callFailed, []byte(err.Error())
		if errors.Is(err, transport.ErrNoListener) {
			kind = callNoListener
		}
	}
	a.mu.Lock()
	delete(a.callers, id)
	a.open--
	a.mu.Unlock()
	a.queue.add(id, kind, data)
}
