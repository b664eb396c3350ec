package grpctransport

import (
	"context"
	"crypto/rand"
	"fmt"
	"net"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/coppice-run/coppice/transport"
)

// Network makes links that talk over TCP. For concurrent use.
type Network struct{ config Config }

var _ transport.Network = (*Network)(nil)

// New returns a network.
func New(config Config) *Network { return &Network{config.withDefaults()} }

// Listen opens a link on host:port; port 0 and the empty address ask for one that
// is free, the latter on 127.0.0.1.
func (n *Network) Listen(address string, handler transport.Handler) (transport.Link, error) {
	if address == "" {
		address = "127.0.0.1:0"
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("grpctransport: %w", err)
	}
	l := &link{
		config: n.config, handler: handler, address: n.advertised(listener.Addr()),
		peers: map[string]*peer{}, inbound: map[string]*inbound{},
	}
	_, _ = rand.Read(l.life[:]) // never fails
	l.ctx, l.cancel = context.WithCancel(context.Background())
	options := []grpc.ServerOption{
		grpc.ForceServerCodecV2(raw{}), grpc.MaxRecvMsgSize(messageBytesMax), grpc.MaxSendMsgSize(messageBytesMax),
		grpc.InitialWindowSize(windowBytes), grpc.InitialConnWindowSize(4 * windowBytes), grpc.WaitForHandlers(true),
	}
	if n.config.TLS != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(n.config.TLS)))
	}
	l.server = grpc.NewServer(options...)
	l.server.RegisterService(&service, l)
	l.background.Go(func() {
		if err := l.server.Serve(listener); err != nil && l.ctx.Err() == nil {
			l.config.Log.Error("the link no longer listens", "address", l.address, "cause", err)
		}
	})
	return l, nil
}

// windowBytes is how much a peer may send ahead of what the handler has taken.
const windowBytes = 1 << 20

// advertised is what others are told of an address that is listened on.
func (n *Network) advertised(listening net.Addr) string {
	if n.config.Advertise == "" {
		return listening.String()
	}
	if _, _, err := net.SplitHostPort(n.config.Advertise); err == nil {
		return n.config.Advertise
	}
	_, port, _ := net.SplitHostPort(listening.String())
	return net.JoinHostPort(n.config.Advertise, port)
}

// link is one end.
type link struct {
	config  Config
	handler transport.Handler
	address string
	life    incarnation
	server  *grpc.Server

	ctx        context.Context
	cancel     context.CancelFunc
	background sync.WaitGroup
	end        sync.Once

	mu      sync.Mutex
	peers   map[string]*peer    // by address: where this link sends to
	inbound map[string]*inbound // by address: who sends to this link
}

// Address is where others reach this link.
func (l *link) Address() string { return l.address }

// Close ends the link at once.
func (l *link) Close() error {
	l.end.Do(func() {
		l.cancel()
		l.server.Stop()
		l.mu.Lock()
		peers := l.peers
		l.peers = map[string]*peer{}
		for _, in := range l.inbound {
			in.stopTimer()
		}
		l.mu.Unlock()
		for _, p := range peers {
			p.close()
		}
		l.background.Wait()
	})
	return nil
}

// Backlog is what waits in memory for one peer.
func (l *link) Backlog(to string) int64 {
	l.mu.Lock()
	p := l.peers[to]
	l.mu.Unlock()
	if p == nil {
		return 0
	}
	return p.queuedBytes()
}

// QueuedBytes is what waits in memory for all peers (R43).
func (l *link) QueuedBytes() int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	var sum int64
	for _, p := range l.peers {
		sum += p.queuedBytes()
	}
	return sum
}
