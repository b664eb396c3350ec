package grpctransport

import (
	"context"
	"errors"
	"sync"

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
	a.running.Go(func() { a.queue.send(ctx, s) })
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
func (a *answers) take(id uint64, kind byte, request []byte) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch kind {
	case callBegins:
		ctx, cancel := context.WithCancel(a.ctx)
		a.callers[id] = cancel
		a.running.Go(func() {
			defer cancel()
			a.answer(ctx, id, request)
		})
	case callDropped:
		if cancel := a.callers[id]; cancel != nil {
			cancel()
		}
	}
}

// answer has the handler answer a call.
func (a *answers) answer(ctx context.Context, id uint64, request []byte) {
	data, err := a.link.handler.Call(ctx, a.from, request)
	kind := byte(callAnswered)
	if err != nil {
		kind, data = callFailed, []byte(err.Error())
		if errors.Is(err, transport.ErrNoListener) {
			kind = callNoListener
		}
	}
	a.mu.Lock()
	delete(a.callers, id)
	a.mu.Unlock()
	a.queue.add(id, kind, data)
}
