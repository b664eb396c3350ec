// Package memtransport is a transport.Network within a process: workers and
// clients of one cluster that share memory. Frames of a pair arrive in order;
// a link that closes breaks its connections, and Cut breaks one for a test.
package memtransport

import (
	"context"
	"fmt"
	"sync"

	"github.com/coppice-run/coppice/transport"
)

// Network connects links by their addresses.
type Network struct {
	mu    sync.Mutex
	links map[string]*link
	next  int
}

// New returns a network without links.
func New() *Network { return &Network{links: map[string]*link{}} }

// Listen opens a link. An address that is taken is an error.
func (n *Network) Listen(address string, handler transport.Handler) (transport.Link, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if address == "" {
		n.next++
		address = fmt.Sprintf("mem-%d", n.next)
	}
	if n.links[address] != nil {
		return nil, fmt.Errorf("address %s is taken by another link of this network", address)
	}
	l := newLink(n, address, handler)
	n.links[address] = l
	go l.deliver()
	return l, nil
}

// Cut breaks the connection between two addresses: frames under way are lost
// and both ends hear of it. Later frames make a new connection.
func (n *Network) Cut(a, b string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.breakPair(n.links[a], n.links[b], a, b)
}

// breakPair drops what the two have sent each other and not delivered, and puts
// the news in its place. The caller holds n.mu: no Send comes between.
func (n *Network) breakPair(la, lb *link, a, b string) {
	if la != nil {
		la.inbox.cut(b)
	}
	if lb != nil {
		lb.inbox.cut(a)
	}
}

// find returns the link that listens on an address.
func (n *Network) find(address string) *link {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.links[address]
}

// send puts a frame into the inbox of its receiver; with nobody there it is lost
// like one whose connection broke.
func (n *Network) send(from *link, to string, frame []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	receiver := n.links[to]
	if receiver == nil || from.closed {
		if !from.closed {
			from.inbox.cut(to)
		}
		return
	}
	from.peers[to], receiver.peers[from.address] = true, true
	receiver.inbox.put(message{from: from.address, frame: frame})
}

// remove takes a link off the network.
func (n *Network) remove(l *link) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if l.closed {
		return false
	}
	l.closed = true
	delete(n.links, l.address)
	for peer := range l.peers {
		if other := n.links[peer]; other != nil {
			other.inbox.cut(l.address)
		}
	}
	return true
}

// call finds the handler of an address and has it answer.
func (n *Network) call(ctx context.Context, from *link, to string, request []byte) ([]byte, error) {
	receiver := n.find(to)
	if receiver == nil {
		return nil, fmt.Errorf("%s: %w", to, transport.ErrNoListener)
	}
	return receiver.answer(ctx, from, request)
}
