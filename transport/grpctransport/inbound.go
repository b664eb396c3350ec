package grpctransport

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// inbound is the session in which another link sends to this one.
type inbound struct {
	life    incarnation
	session uint64

	deliver sync.Mutex // held while frames go to the handler
	last    uint64     // number of the last frame handed over; under deliver
	gone    bool       // the session is lost; under deliver

	// Under the link's lock.
	stream int // counts the streams that carried the session
	end    context.CancelFunc
	timer  *time.Timer // while no stream does
}

func (in *inbound) stopTimer() {
	if in.timer != nil {
		in.timer.Stop()
		in.timer = nil
	}
}

// serveFrames carries one stream of a session.
func (l *link) serveFrames(s grpc.ServerStream) error {
	var m message
	if err := s.RecvMsg(&m); err != nil {
		return err
	}
	h, err := parseHello(m.data)
	if err != nil {
		l.config.Log.Error("a connection is refused", "cause", err)
		return status.Error(codes.FailedPrecondition, err.Error())
	}
	ctx, cancel := context.WithCancel(s.Context())
	defer cancel()
	in, number := l.enter(&h, cancel)
	if in == nil {
		return s.SendMsg(&message{(&welcome{life: l.life}).append(nil)})
	}
	defer l.leave(h.from, in, number)
	in.deliver.Lock() // the stream before may still deliver
	w := welcome{known: true, life: l.life, last: in.last}
	in.deliver.Unlock()
	if err := s.SendMsg(&message{w.append(nil)}); err != nil {
		return err
	}
	return l.receive(ctx, s, h.from, in)
}

// enter finds or begins the session that a hello names. A session that takes the
// place of another tells that the other is lost. It returns nil for a session that
// is not known any more.
func (l *link) enter(h *hello, cancel context.CancelFunc) (*inbound, int) {
	l.mu.Lock()
	in := l.inbound[h.from]
	same := in != nil && in.life == h.life && in.session == h.session
	if !same && !h.fresh {
		l.mu.Unlock()
		return nil, 0
	}
	var lost *inbound
	if !same {
		lost = in
		in = &inbound{life: h.life, session: h.session}
		l.inbound[h.from] = in
		if lost != nil {
			lost.stopTimer()
			if lost.end != nil {
				lost.end()
			}
		}
	}
	in.stopTimer()
	if in.end != nil {
		in.end()
	}
	in.stream++
	in.end = cancel
	number := in.stream
	l.mu.Unlock()
	if lost != nil {
		l.lose(h.from, lost)
	}
	return in, number
}

// lose ends a session: none of its frames comes after Closed.
func (l *link) lose(from string, in *inbound) {
	in.deliver.Lock()
	told := in.gone
	in.gone = true
	in.deliver.Unlock()
	if !told && l.ctx.Err() == nil {
		l.handler.Closed(from)
	}
}

// forgetInbound ends a session that no stream carries: its sender is gone. Closed
// is told by the caller.
func (l *link) forgetInbound(from string) {
	l.mu.Lock()
	in := l.inbound[from]
	if in == nil || in.end != nil {
		l.mu.Unlock()
		return
	}
	in.stopTimer()
	delete(l.inbound, from)
	l.mu.Unlock()
	in.deliver.Lock()
	in.gone = true
	in.deliver.Unlock()
}

// leave waits for the session's next stream.
func (l *link) leave(from string, in *inbound, number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if in.stream != number || l.inbound[from] != in || l.ctx.Err() != nil {
		return
	}
	in.end = nil
	in.timer = time.AfterFunc(l.config.ResumeTimeout, func() {
		l.mu.Lock()
		if in.stream != number || l.inbound[from] != in {
			l.mu.Unlock()
			return
		}
		delete(l.inbound, from)
		l.mu.Unlock()
		l.lose(from, in)
	})
}

// receive hands frames over and confirms them.
func (l *link) receive(ctx context.Context, s grpc.ServerStream, from string, in *inbound) error {
	for {
		var m message
		if err := s.RecvMsg(&m); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return status.Error(codes.Aborted, "another connection carries the session")
		}
		last, err := l.handOver(from, in, m.data)
		if err != nil {
			return status.Error(codes.DataLoss, err.Error())
		}
		if err := s.SendMsg(&message{binary.AppendUvarint(nil, last)}); err != nil {
			return err
		}
	}
}

// handOver gives the frames of a batch to the handler, those that it has not had.
func (l *link) handOver(from string, in *inbound, batch []byte) (last uint64, err error) {
	in.deliver.Lock()
	defer in.deliver.Unlock()
	if in.gone {
		return 0, fmt.Errorf("the session is lost")
	}
	p := parser{rest: batch}
	number, n := p.uvarint(), p.uvarint()
	for range n {
		frame := p.bytes()
		if p.err != nil {
			break
		}
		switch {
		case number == in.last+1:
			l.handler.Frame(from, frame)
			in.last = number
		case number > in.last+1:
			return 0, fmt.Errorf("frame %d after frame %d: %w", number, in.last, errMalformed)
		}
		number++
	}
	return in.last, p.end("batch")
}
