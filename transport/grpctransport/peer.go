package grpctransport

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
)

// peer is an address that this link sends to: its connection, and the session in
// which frames travel there.
type peer struct {
	link *link
	to   string
	conn *grpc.ClientConn

	mu       sync.Mutex
	running  bool          // run is at work
	signal   chan struct{} // capacity 1: there is something to do
	session  uint64
	fresh    bool        // the receiver has not welcomed the session
	life     incarnation // of the peer, once it has
	frames   [][]byte    // not confirmed
	first    uint64      // number of frames[0]
	sent     int         // of frames: handed to the present stream
	bytes    int64       // of frames
	over     bool        // there were more bytes than may be
	refused  bool        // nobody listened when it was dialled last
	calls    *calls      // the stream of calls that is open; nil: none
	oneByOne bool        // the peer takes none

	heard time.Time // when the peer last confirmed something, or had nothing to confirm
}

// peer returns the peer of an address.
func (l *link) peer(to string) (*peer, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p := l.peers[to]; p != nil {
		return p, nil
	}
	if l.ctx.Err() != nil {
		return nil, fmt.Errorf("link %s is closed", l.address)
	}
	creds := insecure.NewCredentials()
	if l.config.TLS != nil {
		creds = credentials.NewTLS(l.config.TLS)
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(creds), grpc.WithDisableServiceConfig(), grpc.WithNoProxy(),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(raw{}), grpc.MaxCallRecvMsgSize(messageBytesMax), grpc.MaxCallSendMsgSize(messageBytesMax)),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 5 * time.Millisecond, Multiplier: 2, Jitter: 0.3, MaxDelay: 500 * time.Millisecond},
			MinConnectTimeout: l.config.ResumeTimeout,
		}),
		grpc.WithInitialWindowSize(windowBytes), grpc.WithInitialConnWindowSize(4 * windowBytes), grpc.WithIdleTimeout(0),
	}
	p := &peer{link: l, to: to, signal: make(chan struct{}, 1)}
	options = append(options, grpc.WithContextDialer(p.dial))
	conn, err := grpc.NewClient("passthrough:///"+to, options...)
	if err != nil {
		return nil, fmt.Errorf("grpctransport: %s: %w", to, err)
	}
	p.conn = conn
	p.renew()
	l.peers[to] = p
	return p, nil
}

// dial connects, and notes whether nobody listens there: a process that is gone
// will not resume anything.
func (p *peer) dial(ctx context.Context, address string) (conn net.Conn, err error) {
	if p.link.config.Dial != nil {
		conn, err = p.link.config.Dial(ctx, address)
	} else {
		conn, err = new(net.Dialer).DialContext(ctx, "tcp", address)
	}
	p.mu.Lock()
	p.refused = errors.Is(err, syscall.ECONNREFUSED)
	p.oneByOne = false // another program may listen there now
	p.mu.Unlock()
	return conn, err
}

// renew begins another session. The peer is locked, or nobody else has it.
func (p *peer) renew() {
	p.session, p.fresh, p.over = rand.Uint64(), true, false
	p.frames, p.first, p.sent, p.bytes = nil, 1, 0, 0
	p.heard = time.Now()
}

func (p *peer) close() { _ = p.conn.Close() }

func (p *peer) queuedBytes() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.calls != nil {
		return p.bytes + p.calls.queue.queuedBytes()
	}
	return p.bytes
}

// Send queues the frame; the caller no longer touches it.
func (l *link) Send(to string, frame []byte) {
	p, err := l.peer(to)
	if err != nil {
		l.config.Log.Warn("frame lost", "to", to, "cause", err)
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.frames) == 0 {
		p.heard = time.Now()
	}
	p.frames = append(p.frames, frame)
	p.bytes += int64(len(frame))
	p.over = p.over || p.bytes > l.config.QueueBytesMax
	if !p.running && l.ctx.Err() == nil {
		p.running = true
		l.background.Go(p.run)
	}
	p.wake()
}

func (p *peer) wake() {
	select {
	case p.signal <- struct{}{}:
	default:
	}
}

// run keeps the session going until the link closes.
func (p *peer) run() {
	pause := firstPause
	for p.link.ctx.Err() == nil {
		p.mu.Lock()
		idle := p.fresh && len(p.frames) == 0
		if idle {
			p.running = false // the next frame begins again
		}
		p.mu.Unlock()
		if idle {
			return
		}
		connected, err := p.stream()
		if p.link.ctx.Err() != nil {
			return
		}
		if connected {
			pause = firstPause
		}
		if p.overdue() {
			p.giveUp(fmt.Errorf("the connection did not come back: %w", err))
			continue
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)):
		case <-p.link.ctx.Done():
		}
		pause = min(2*pause, lastPause)
	}
}

// Pauses before a session is resumed.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = 250 * time.Millisecond
)

// overdue reports whether the peer has been silent for too long, or too much waits
// for it.
func (p *peer) overdue() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.over || p.refused && !p.fresh || time.Since(p.heard) > p.link.config.ResumeTimeout
}

// giveUp loses the session and all that waits in it, and says so.
func (p *peer) giveUp(cause error) {
	p.mu.Lock()
	lost := len(p.frames)
	if p.over {
		cause = fmt.Errorf("%d bytes wait for it, the limit is %d", p.bytes, p.link.config.QueueBytesMax)
	}
	p.renew()
	p.mu.Unlock()
	p.link.config.Log.Warn("session lost: frames may be lost", "from", p.link.address, "to", p.to, "frames", lost, "cause", cause)
	p.link.forgetInbound(p.to)
	p.link.handler.Closed(p.to)
}

// next is the batch to send on the present stream; empty if there is nothing new.
func (p *peer) next() []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sent == len(p.frames) {
		return nil
	}
	n, size := 0, 0
	for _, f := range p.frames[p.sent:] {
		if n > 0 && size+len(f) > batchBytesMax {
			break
		}
		n++
		size += len(f) + binary.MaxVarintLen32
	}
	batch := make([]byte, 0, size+2*binary.MaxVarintLen64)
	batch = binary.AppendUvarint(batch, p.first+uint64(p.sent))
	batch = binary.AppendUvarint(batch, uint64(n))
	for _, f := range p.frames[p.sent : p.sent+n] {
		batch = appendBytes(batch, f)
	}
	p.sent += n
	return batch
}

// confirmed forgets the frames up to a number.
func (p *peer) confirmed(last uint64) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = time.Now()
	if last+1 < p.first || last >= p.first+uint64(len(p.frames)) {
		return fmt.Errorf("%s confirms frame %d, sent were %d to %d: %w", p.to, last, p.first, p.first+uint64(len(p.frames))-1, errMalformed)
	}
	n := int(last + 1 - p.first)
	for _, f := range p.frames[:n] {
		p.bytes -= int64(len(f))
	}
	clear(p.frames[:n])
	p.frames = p.frames[n:]
	p.first += uint64(n)
	p.sent = max(p.sent-n, 0)
	if len(p.frames) == 0 {
		p.frames = nil
	}
	return nil
}
