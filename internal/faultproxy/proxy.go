package faultproxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// dialTimeout bounds a connection to the upstream. On loopback only a server
// whose backlog is full takes longer than moments.
const dialTimeout = 5 * time.Second

const laneCount = 2

// Proxy passes connections on to one upstream. Its methods may be called at any
// time from any goroutine; after Close they do nothing.
type Proxy struct {
	listener net.Listener
	ctx      context.Context // ends with Close
	stop     context.CancelFunc
	group    sync.WaitGroup
	bytes    [laneCount]atomic.Int64

	mu       sync.Mutex // guards what follows; held for moments only
	upstream string
	links    map[*link]struct{}
	gates    [laneCount]gate
	delays   []*delay
	trips    []*trip
	refusals int
	counts   Counts
	closed   bool
}

// Counts tells what a proxy has done since it was started.
type Counts struct {
	Accepted  int64 // connections taken, refused ones not among them
	Refused   int64 // by Refuse
	Unreached int64 // connections ended because the upstream could not be reached
	Cut       int64 // connections ended by Cut and CutAfter
	Open      int   // connections now
	ToServer  int64 // bytes passed on to the upstream
	ToClient  int64 // bytes passed on to clients
}

// Listen starts a proxy on a free port of 127.0.0.1. The upstream is host:port,
// or "" until SetUpstream: connections are reset before that.
func Listen(upstream string) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("faultproxy: listen on a free port of 127.0.0.1: %w", err)
	}
	return Serve(listener, upstream), nil
}

// Serve starts a proxy on a TCP listener, which it closes in the end.
func Serve(listener net.Listener, upstream string) *Proxy {
	ctx, stop := context.WithCancel(context.Background())
	p := &Proxy{listener: listener, ctx: ctx, stop: stop, upstream: upstream, links: map[*link]struct{}{}}
	p.group.Go(p.accept)
	return p
}

// Address is host:port of the proxy itself.
func (p *Proxy) Address() string { return p.listener.Addr().String() }

// Upstream is where new connections lead.
func (p *Proxy) Upstream() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.upstream
}

// SetUpstream leads new connections elsewhere, as a failover does that moves a
// name or an address. Connections that exist stay where they are; Cut ends them.
func (p *Proxy) SetUpstream(address string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.upstream = address
}

// Counts returns the counters as they are now.
func (p *Proxy) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	counts := p.counts
	counts.Open = len(p.links)
	counts.ToServer, counts.ToClient = p.bytes[0].Load(), p.bytes[1].Load()
	return counts
}

// Close ends the proxy and all its connections by RST, and returns when none of
// its goroutines is left. Closing again does nothing.
func (p *Proxy) Close() error {
	p.mu.Lock()
	again := p.closed
	p.closed = true
	links := make([]*link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	p.mu.Unlock()
	var err error
	if !again {
		err = p.listener.Close()
	}
	p.stop()
	for _, l := range links {
		l.end(Reset)
	}
	p.group.Wait()
	if err != nil {
		return fmt.Errorf("faultproxy: close %s: %w", p.Address(), err)
	}
	return nil
}

func (p *Proxy) accept() {
	for {
		conn, err := p.listener.Accept()
		switch {
		case err == nil:
			p.take(conn)
		case errors.Is(err, net.ErrClosed) || p.ctx.Err() != nil:
			return
		default:
			// Too many open files, say: it passes, and until then nothing is gained by asking at once.
			select {
			case <-p.ctx.Done():
			case <-time.After(10 * time.Millisecond):
			}
		}
	}
}

// take makes a link of a new connection, or refuses it.
func (p *Proxy) take(conn net.Conn) {
	client, isTCP := conn.(*net.TCPConn)
	if !isTCP {
		conn.Close()
		return
	}
	p.mu.Lock()
	if p.closed || p.refusals > 0 {
		p.counts.Refused++
		p.mu.Unlock()
		shut(client, Reset)
		return
	}
	p.counts.Accepted++
	l := newLink(p, client)
	p.links[l] = struct{}{}
	upstream := p.upstream
	p.mu.Unlock()
	p.group.Go(func() { l.serve(upstream) })
}
