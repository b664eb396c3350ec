package virtual

import (
	"context"
	"sync"
	"time"

	"github.com/coppice-run/coppice/transport"
	"github.com/coppice-run/coppice/transport/memtransport"
)

// network is the workers' network, in which two addresses can be parted: nothing
// that one sends reaches the other, and neither is told.
type network struct {
	*memtransport.Network

	mu     sync.Mutex
	parted map[[2]string]chan struct{} // closed when they are together again
	lost   int
}

func newNetwork() *network {
	return &network{Network: memtransport.New(), parted: map[[2]string]chan struct{}{}}
}

// pair is a name for two addresses in either order.
func pair(a, b string) [2]string {
	if a > b {
		a, b = b, a
	}
	return [2]string{a, b}
}

// part parts two addresses until join.
func (n *network) part(a, b string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.parted[pair(a, b)] == nil {
		n.parted[pair(a, b)] = make(chan struct{})
	}
}

// join ends a parting. The connection of before is over: both hear of it before
// anything else arrives, as transport asks for.
func (n *network) join(a, b string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if together := n.parted[pair(a, b)]; together != nil {
		n.Cut(a, b)
		delete(n.parted, pair(a, b))
		close(together)
	}
}

func (n *network) between(a, b string) <-chan struct{} {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.parted[pair(a, b)]
}

// lose reports whether a frame is lost because its ends are parted.
func (n *network) lose(from, to string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.parted[pair(from, to)] == nil {
		return false
	}
	n.lost++
	return true
}

// losses is how many frames were lost.
func (n *network) losses() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.lost
}

// Listen opens a link.
func (n *network) Listen(address string, handler transport.Handler) (transport.Link, error) {
	l, err := n.Network.Listen(address, handler)
	if err != nil {
		return nil, err
	}
	return link{l, n}, nil
}

// link is one end.
type link struct {
	transport.Link
	network *network
}

// Send gives a frame away.
func (l link) Send(to string, frame []byte) {
	if !l.network.lose(l.Address(), to) {
		l.Link.Send(to, frame)
	}
}

// Ask asks, behind the parting if the other end is parted from this one.
func (l link) Ask(to string, request []byte, patience time.Duration, answered func([]byte, error)) (drop func()) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	go func() { answered(l.Call(ctx, to, request)) }()
	return cancel
}

// Call asks, and waits while the other end is parted from this one.
func (l link) Call(ctx context.Context, to string, request []byte) ([]byte, error) {
	if together := l.network.between(l.Address(), to); together != nil {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-together:
		}
	}
	return l.Link.Call(ctx, to, request)
}
