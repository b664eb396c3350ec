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

	ctx    context.Context // ends when the link closes
	cancel context.CancelFunc
	done   chan struct{}  // closed when the delivering goroutine has ended
	calls  sync.WaitGroup // under way in the handler
	enter  sync.Mutex     // orders calls.Add before calls.Wait
}

func newLink(n *Network, address string, handler transport.Handler) *link {
	l := &link{network: n, address: address, handler: handler, inbox: newInbox(), peers: map[string]bool{}, done: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

func (l *link) Address() string { return l.address }

func (l *link) Send(to string, frame []byte) { l.network.send(l, to, frame) }

// Call runs the other link's handler in the caller's goroutine.
func (l *link) Call(ctx context.Context, to string, request []byte) ([]byte, error) {
	return l.network.call(ctx, l, to, request)
}

// answer has the handler answer, until the caller's context or the link ends.
func (l *link) answer(ctx context.Context, from *link, request []byte) ([]byte, error) {
	l.enter.Lock()
	if l.ctx.Err() != nil {
		l.enter.Unlock()
		return nil, fmt.Errorf("%s: %w", l.address, transport.ErrNoListener)
	}
	l.calls.Add(1)
	l.enter.Unlock()
	defer l.calls.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(l.ctx, cancel)()
	return l.handler.Call(ctx, from.address, request)
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
	l.cancel()
	l.enter.Unlock()
	<-l.done
	l.calls.Wait()
	return nil
}
