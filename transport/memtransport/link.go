package memtransport

import (
	"context"
	"fmt"
	"sync"

	"github.com/coppice-run/coppice/transport"
)

// link is one end of the network.
type link struct {
	network *Network
	address string
	handler transport.Handler
	inbox   *inbox
	peers   map[string]bool // whoever exchanged frames with this link; guarded by network.mu
	closed  bool            // guarded by network.mu

	done chan struct{} // closed when the delivering goroutine has ended

	enter sync.Mutex        // guards the following; orders under.Add before under.Wait
	over  bool              // no call begins any more
	last  uint64            // number of a call
	calls map[uint64]func() // how each call that is not answered yet is ended
	under sync.WaitGroup    // in the handler
}

func newLink(n *Network, address string, handler transport.Handler) *link {
	return &link{network: n, address: address, handler: handler, inbox: newInbox(), peers: map[string]bool{}, done: make(chan struct{}), calls: map[uint64]func(){}}
}

func (l *link) Address() string { return l.address }

func (l *link) Send(to string, frame []byte) { l.network.send(l, to, frame) }

// Call runs the other link's handler in the caller's goroutine.
func (l *link) Call(ctx context.Context, to string, request []byte) ([]byte, error) {
	return l.network.call(ctx, l, to, request)
}

// answer has the handler answer, until the caller's context or the link ends.
func (l *link) answer(ctx context.Context, from *link, request []byte) ([]byte, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	number, ok := l.begin(cancel)
	if !ok {
		return nil, fmt.Errorf("%s: %w", l.address, transport.ErrNoListener)
	}
	defer l.under.Done()
	defer l.ended(number)
	return l.handler.Call(ctx, from.address, request)
}

// begin notes how a call is ended when the link closes. It is false if it has.
func (l *link) begin(cancel func()) (number uint64, ok bool) {
	l.enter.Lock()
	defer l.enter.Unlock()
	if l.over {
		return 0, false
	}
	l.last++
	l.calls[l.last] = cancel
	l.under.Add(1)
	return l.last, true
}

func (l *link) ended(number uint64) {
	l.enter.Lock()
	delete(l.calls, number)
	l.enter.Unlock()
}

// deliver hands the handler what arrives, in order.
func (l *link) deliver() {
	defer close(l.done)
	for {
		m, ok := l.inbox.take()
		if !ok {
			return
		}
		if m.frame == nil {
			l.handler.Closed(m.from)
		} else {
			l.handler.Frame(m.from, m.frame)
		}
	}
}

// Close ends the link: its peers hear of it, what was not delivered is lost, and
// no method of the handler runs any more when it returns.
func (l *link) Close() error {
	if !l.network.remove(l) {
		<-l.done
		return nil
	}
	l.inbox.close()
	l.enter.Lock()
	l.over = true
	under := l.calls
	l.calls = nil
	l.enter.Unlock()
	for _, cancel := range under {
		cancel()
	}
	<-l.done
	l.under.Wait()
	return nil
}
