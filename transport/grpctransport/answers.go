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
// of its own, unless the handler answers it later without one (transport.Answerer), and answers
// that are ready at about the same time go out in one message.
type answers struct {
	link  *link
	from  string
	ctx   context.Context
	queue *callQueue

	mu      sync.Mutex
	callers map[uint64]caller // of the calls that are not answered yet
	running sync.WaitGroup
}

// caller waits for an answer.
type caller struct {
	over  func()    // tells who answers that nobody waits any more; nil: the handler has not said how yet
	later bool      // it is answered without a goroutine, and need not be once it is over
	until time.Time // when it is given up, if later; zero: never
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
	a := &answers{link: l, from: from, ctx: ctx, queue: newCallQueue(), callers: map[uint64]caller{}}
	defer a.running.Wait()
	defer a.allOver()
	defer cancel()
	go a.queue.send(ctx, s) // it may hang until the stream ends, which is behind the return
	a.running.Go(func() { a.giveUpLate(ctx) })
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
	switch kind {
	case callBegins:
		p := parser{rest: data}
		left, request := p.uvarint(), p.rest
		if p.err != nil {
			return p.err
		}
		if !a.begin(id) {
			a.queue.add(id, callFailed, fmt.Appendf(nil, "too many calls of this sender are not answered yet: it may have %d", callsMax))
			return nil
		}
		if a.later(id, left, request) {
			return nil
		}
		if len(request) < callAlone {
			request = bytes.Clone(request) // else it keeps those that came with it
		}
		ctx, cancel := a.context(untilOf(left, time.Now()))
		a.set(id, caller{over: cancel})
		a.running.Go(func() {
			defer cancel()
			data, err := a.link.handler.Call(ctx, a.from, request)
			a.answer(id, data, err)
		})
	case callDropped:
		a.dropped(id)
	}
	return nil
}

// begin notes that a call is to be answered; false: the sender has as many as it may have.
func (a *answers) begin(id uint64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.callers) >= callsMax {
		return false
	}
	a.callers[id] = caller{}
	return true
}

// set says how the caller of a call is told that it is over, unless it is answered already.
func (a *answers) set(id uint64, c caller) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if _, open := a.callers[id]; open {
		a.callers[id] = c
	}
}

// later has the handler answer a call without a goroutine, if it can.
func (a *answers) later(id, left uint64, request []byte) bool {
	answerer, ok := a.link.handler.(transport.Answerer)
	if !ok {
		return false
	}
	drop, taken := answerer.Answer(a.from, request, func(data []byte, err error) { a.answer(id, data, err) })
	if taken {
		a.set(id, caller{over: drop, later: true, until: untilOf(left, time.Now())})
	}
	return taken
}

// dropped tells who answers a call that nobody waits any more.
func (a *answers) dropped(id uint64) {
	a.mu.Lock()
	c := a.callers[id]
	if c.later {
		delete(a.callers, id)
	}
	a.mu.Unlock()
	if c.over != nil {
		c.over()
	}
}

// untilOf is when a caller gives up who waits for so long (withTimeLeft); zero: never.
func untilOf(left uint64, now time.Time) time.Time {
	if left == 0 || left > uint64(math.MaxInt64/time.Millisecond) {
		return time.Time{}
	}
	return now.Add(time.Duration(left) * time.Millisecond)
}

// latePeriod is how often those are looked for who have given up: they say so themselves, unless
// they have gone without a word. One timer for each call costs more than it is worth.
const latePeriod = 5 * time.Second

// giveUpLate drops the calls whose callers have given up, until the stream ends.
func (a *answers) giveUpLate(ctx context.Context) {
	ticker := time.NewTicker(latePeriod)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-ticker.C:
			a.dropWhere(func(c caller) bool { return !c.until.IsZero() && now.After(c.until) })
		}
	}
}

// allOver drops the calls that are answered later: the stream is gone.
func (a *answers) allOver() { a.dropWhere(func(caller) bool { return true }) }

// dropWhere drops calls that are answered later.
func (a *answers) dropWhere(which func(caller) bool) {
	a.mu.Lock()
	var open []func()
	for id, c := range a.callers {
		if c.later && which(c) {
			open = append(open, c.over)
			delete(a.callers, id)
		}
	}
	a.mu.Unlock()
	for _, over := range open {
		over()
	}
}

// context is that of a call whose caller gives up then; zero: never.
func (a *answers) context(until time.Time) (context.Context, context.CancelFunc) {
	if until.IsZero() {
		return context.WithCancel(a.ctx)
	}
	return context.WithDeadline(a.ctx, until)
}

// Bounds of what one stream may have a link do. A request that is larger than callAlone has its
// message's bytes to itself, nearly.
const (
	callsMax  = 100_000 // that are not answered yet
	callAlone = callBytesMax / 2
)

// answer sends the answer to a call.
func (a *answers) answer(id uint64, data []byte, err error) {
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
	_, open := a.callers[id]
	delete(a.callers, id)
	a.mu.Unlock()
	if open {
		a.queue.add(id, kind, data)
	}
}
