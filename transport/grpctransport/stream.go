package grpctransport

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc"
)

// errOver: too much waits for the peer.
var errOver = errors.New("too much waits for the peer")

// stream carries the session over one connection until it breaks. connected says
// whether the peer welcomed it.
func (p *peer) stream() (connected bool, err error) {
	ctx, cancel := context.WithCancelCause(p.link.ctx)
	defer cancel(nil)
	// A peer that accepts and stays silent is a broken connection, too.
	watch := time.AfterFunc(p.link.config.ResumeTimeout, func() { cancel(errors.New("no welcome in time")) })
	defer watch.Stop()
	s, err := p.conn.NewStream(ctx, &framesStream, framesMethod)
	if err != nil {
		return false, err
	}
	if err := p.greet(s); err != nil {
		return false, errors.Join(err, context.Cause(ctx))
	}
	watch.Stop()
	read := make(chan error, 1)
	go func() {
		err := p.readAcks(s)
		cancel(err)
		read <- err
	}()
	err = p.write(ctx, s)
	cancel(err)
	return true, errors.Join(err, <-read)
}

// greet opens or resumes the session.
func (p *peer) greet(s grpc.ClientStream) error {
	p.mu.Lock()
	h := hello{from: p.link.address, life: p.link.life, session: p.session, fresh: p.fresh}
	p.mu.Unlock()
	if err := s.SendMsg(&message{h.append(nil)}); err != nil {
		return err
	}
	var m message
	if err := s.RecvMsg(&m); err != nil {
		return err
	}
	w, err := parseWelcome(m.data)
	if err != nil {
		return fmt.Errorf("%s: %w", p.to, err)
	}
	p.mu.Lock()
	other := !p.fresh && w.life != p.life
	p.mu.Unlock()
	if other || !w.known {
		p.giveUp(errors.New("the peer does not know the session: it is another process, or has given it up"))
		return errors.New("session unknown to the peer")
	}
	p.mu.Lock()
	p.fresh, p.life, p.sent = false, w.life, 0
	p.mu.Unlock()
	return p.confirmed(w.last)
}

// write sends what there is, and asks for a sign of life when there is nothing.
func (p *peer) write(ctx context.Context, s grpc.ClientStream) error {
	beat := time.NewTicker(p.link.config.ResumeTimeout / 4)
	defer beat.Stop()
	empty := binary.AppendUvarint(binary.AppendUvarint(nil, 0), 0)
	for {
		for batch := p.next(); batch != nil; batch = p.next() {
			if err := p.sendOrGiveUp(ctx, s, batch); err != nil {
				return err
			}
		}
		select {
		case <-p.signal:
		case <-beat.C:
			if p.overdue() {
				return errors.New("no sign of life")
			}
			if err := p.sendOrGiveUp(ctx, s, empty); err != nil {
				return err
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		p.mu.Lock()
		over := p.over
		p.mu.Unlock()
		if over {
			return errOver
		}
	}
}

// sendOrGiveUp sends a message; a peer that takes nothing for too long has broken
// the connection.
func (p *peer) sendOrGiveUp(ctx context.Context, s grpc.ClientStream, data []byte) error {
	done := make(chan error, 1)
	go func() { done <- s.SendMsg(&message{data}) }()
	check := time.NewTicker(p.link.config.ResumeTimeout / 4)
	defer check.Stop()
	for {
		select {
		case err := <-done:
			return err
		case <-check.C:
			if p.overdue() {
				return errors.New("the peer takes nothing")
			}
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// readAcks takes the peer's confirmations.
func (p *peer) readAcks(s grpc.ClientStream) error {
	for {
		var m message
		if err := s.RecvMsg(&m); err != nil {
			return err
		}
		last, n := binary.Uvarint(m.data)
		if n != len(m.data) {
			return fmt.Errorf("%s: ack: %w", p.to, errMalformed)
		}
		if err := p.confirmed(last); err != nil {
			return err
		}
	}
}
