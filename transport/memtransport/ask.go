package memtransport

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/coppice-run/coppice/transport"
)

// asked is a request that is not answered yet, and that nobody waits for in a call.
type asked struct {
	link     *link // that answers
	answered func([]byte, error)
	cancel   context.CancelFunc

	mu     sync.Mutex
	number uint64 // among the link's calls
	over   bool   // answered, or nobody waits any more
	drop   func() // tells a handler that has taken the request that nobody waits any more
}

// Ask has the other link's handler answer: within this call, if it takes the request as a
// transport.Answerer, else in a goroutine. Nobody goes without a word here: patience has no end.
func (l *link) Ask(to string, request []byte, _ time.Duration, answered func([]byte, error)) (drop func()) {
	receiver := l.network.find(to)
	if receiver == nil {
		answered(nil, fmt.Errorf("%s: %w", to, transport.ErrNoListener))
		return func() {}
	}
	return receiver.take(l.address, request, answered)
}

// take has the handler answer until nobody waits any more or the link ends.
func (l *link) take(from string, request []byte, answered func([]byte, error)) (drop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	a := &asked{link: l, answered: answered, cancel: cancel}
	gone := fmt.Errorf("%s: %w", l.address, transport.ErrNoListener)
	if !a.begin(func() { a.end(gone) }) {
		cancel()
		answered(nil, gone)
		return func() {}
	}
	if h, ok := l.handler.(transport.Answerer); ok {
		if later, taken := h.Answer(from, request, a.answer); taken {
			l.under.Done()
			a.taken(later)
			return func() { a.end(nil) }
		}
	}
	go func() {
		defer l.under.Done()
		a.answer(l.handler.Call(ctx, from, request))
	}()
	return func() { a.end(nil) }
}

// begin notes how the request is ended when the link closes. It is false if it has.
func (a *asked) begin(end func()) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	var ok bool
	a.number, ok = a.link.begin(end)
	return ok
}

// taken notes how the handler is told that nobody waits any more.
func (a *asked) taken(drop func()) {
	a.mu.Lock()
	a.drop = drop
	over := a.over
	a.mu.Unlock()
	if over {
		drop()
	}
}

// answer gives whoever asked the answer, unless nobody waits any more.
func (a *asked) answer(data []byte, err error) {
	if _, late := a.finish(); !late {
		a.answered(data, err)
	}
}

// end has nobody wait any more: who asked, or with an error the link that answers, is gone.
func (a *asked) end(err error) {
	drop, late := a.finish()
	if drop != nil {
		drop()
	}
	if err != nil && !late {
		a.answered(nil, err)
	}
}

// finish notes that it is over; late: it was.
func (a *asked) finish() (drop func(), late bool) {
	a.mu.Lock()
	drop, late, a.over = a.drop, a.over, true
	number := a.number
	a.mu.Unlock()
	a.cancel()
	a.link.ended(number)
	return drop, late
}
