package faultproxy

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// pieceBytesMax is what one read takes.
	pieceBytesMax = 32 << 10
	// piecesMax is how many reads of one connection and direction are held.
	piecesMax = 64
)

// link is one connection of a client and the one to the upstream that belongs to it.
type link struct {
	proxy  *Proxy
	client *net.TCPConn
	server *net.TCPConn // nil until it is reached; guarded by proxy.mu
	ctx    context.Context
	cancel context.CancelFunc
	ended  bool         // guarded by proxy.mu
	silent atomic.Int32 // lanes that have passed on a FIN
}

func newLink(p *Proxy, client *net.TCPConn) *link {
	ctx, cancel := context.WithCancel(p.ctx)
	return &link{proxy: p, client: client, ctx: ctx, cancel: cancel}
}

// serve reaches the upstream and passes bytes on until the link ends.
func (l *link) serve(upstream string) {
	dialer := net.Dialer{Timeout: dialTimeout}
	conn, err := dialer.DialContext(l.ctx, "tcp", upstream)
	if err != nil {
		if l.ctx.Err() == nil {
			l.proxy.mu.Lock()
			l.proxy.counts.Unreached++
			l.proxy.mu.Unlock()
		}
		l.end(Reset)
		return
	}
	server := conn.(*net.TCPConn) // by the network "tcp"
	if !l.attach(server) {
		shut(server, Reset)
		return
	}
	var lanes sync.WaitGroup
	for _, lane := range []struct {
		direction Direction
		from, to  *net.TCPConn
	}{{ToServer, l.client, server}, {ToClient, server, l.client}} {
		pieces := make(chan piece, piecesMax)
		lanes.Go(func() { l.read(lane.from, lane.direction, pieces) })
		lanes.Go(func() { l.write(lane.to, lane.direction, pieces) })
	}
	lanes.Wait()
}

// attach gives the link its upstream connection, unless it has ended meanwhile.
func (l *link) attach(server *net.TCPConn) bool {
	l.proxy.mu.Lock()
	defer l.proxy.mu.Unlock()
	if l.ended {
		return false
	}
	l.server = server
	return true
}

// end closes both connections, once.
func (l *link) end(ending Ending) {
	l.proxy.mu.Lock()
	if l.ended {
		l.proxy.mu.Unlock()
		return
	}
	l.ended = true
	delete(l.proxy.links, l)
	server := l.server
	l.proxy.mu.Unlock()
	l.cancel()
	shut(l.client, ending)
	if server != nil {
		shut(server, ending)
	}
}

// shut closes a connection so that its peer sees the ending. Errors say that it is closed already.
func shut(conn *net.TCPConn, ending Ending) {
	if ending == Finish {
		// Close alone sends an RST where bytes have come that nobody has read.
		_ = conn.CloseWrite()
	} else {
		_ = conn.SetLinger(0)
	}
	_ = conn.Close()
}

// piece is what one read gave: bytes, or the end that came behind them.
type piece struct {
	data   []byte
	due    time.Time
	last   bool
	ending Ending // where last
}

// read takes what one side sends, ahead of the writer by no more than piecesMax.
func (l *link) read(from *net.TCPConn, direction Direction, pieces chan<- piece) {
	buffer := make([]byte, pieceBytesMax)
	for {
		n, err := from.Read(buffer)
		if n > 0 && !l.push(pieces, piece{data: append([]byte(nil), buffer[:n]...), due: l.proxy.due(direction)}) {
			return
		}
		if err != nil {
			ending := Reset
			if errors.Is(err, io.EOF) {
				ending = Finish
			}
			l.push(pieces, piece{due: l.proxy.due(direction), last: true, ending: ending})
			return
		}
	}
}

func (l *link) push(pieces chan<- piece, next piece) bool {
	select {
	case pieces <- next:
		return true
	case <-l.ctx.Done():
		return false
	}
}

// write passes pieces on, each when it is due and its direction flows.
func (l *link) write(to *net.TCPConn, direction Direction, pieces <-chan piece) {
	for {
		select {
		case next := <-pieces:
			if !l.hold(direction, next.due) || !l.pass(to, direction, next) {
				return
			}
		case <-l.ctx.Done():
			return
		}
	}
}

// hold waits until a piece may go, and says false if the link ends before.
func (l *link) hold(direction Direction, due time.Time) bool {
	if wait := time.Until(due); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-l.ctx.Done():
			return false
		}
	}
	for {
		opened := l.proxy.stalled(direction)
		if opened == nil {
			return l.ctx.Err() == nil
		}
		select {
		case <-opened:
		case <-l.ctx.Done():
			return false
		}
	}
}

// stalled returns what is closed when the direction flows again, or nil if it flows.
func (p *Proxy) stalled(direction Direction) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, i := range direction.lanes() {
		if gate := &p.gates[i]; gate.holds > 0 {
			return gate.opened
		}
	}
	return nil
}

// pass writes one piece and says whether more may follow.
func (l *link) pass(to *net.TCPConn, direction Direction, next piece) bool {
	if next.last {
		l.passEnd(to, next.ending)
		return false
	}
	size, hit := l.proxy.spend(direction, len(next.data))
	passed := &l.proxy.bytes[direction.lanes()[0]]
	passed.Add(int64(size)) // before: who has read them finds them counted
	n, err := to.Write(next.data[:size])
	passed.Add(int64(n - size))
	if hit != nil {
		l.end(hit.ending)
		close(hit.tripped)
		return false
	}
	if err != nil {
		// Who does not take bytes any more has closed; the sender learns it as of a server that is gone.
		l.end(Reset)
		return false
	}
	return true
}

// passEnd passes an end on: an RST ends the link, a FIN half of it.
func (l *link) passEnd(to *net.TCPConn, ending Ending) {
	if ending == Reset {
		l.end(Reset)
		return
	}
	_ = to.CloseWrite() // fails where it is closed already
	if l.silent.Add(1) == laneCount {
		l.end(Finish)
	}
}
