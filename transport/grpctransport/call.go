package grpctransport

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/coppice-run/coppice/transport"
)

// Call sends a request and waits for its answer or for ctx. Where nobody listens
// the error wraps transport.ErrNoListener; what the remote handler returned comes
// back as its text, and wraps context.DeadlineExceeded where the time was over.
func (l *link) Call(ctx context.Context, to string, request []byte) ([]byte, error) {
	p, err := l.peer(to)
	if err != nil {
		return nil, err
	}
	if p.together() && len(request) <= callAlone {
		r, err := p.callVia(ctx, request)
		switch {
		case errors.Is(err, errOneByOne):
		case err != nil:
			return nil, l.callError(ctx, to, err)
		case r.kind == callFailed && over(ctx):
			return nil, lateError(to, string(r.data))
		default:
			return r.result(to)
		}
	}
	in := message{append(appendBytes([]byte{version}, []byte(l.address)), request...)}
	var out message
	if err := p.conn.Invoke(ctx, callMethod, &in, &out); err != nil {
		return nil, l.callError(ctx, to, err)
	}
	return out.data, nil
}

// Ask sends a request in the peer's stream of calls. What goes wrong on the way answered is told
// as it is: who wants to know why asks again by Call.
func (l *link) Ask(to string, request []byte, patience time.Duration, answered func([]byte, error)) (drop func()) {
	p, err := l.peer(to)
	if err == nil && (!p.together() || len(request) > callAlone) {
		return l.askAlone(to, request, patience, answered)
	}
	var c *calls
	if err == nil {
		c, err = p.callStream()
	}
	var rest fallback
	var id uint64
	if err == nil {
		id, err = c.begin(withPatience(patience, request), func(r reply) {
			switch {
			case r.err == errOneByOne:
				rest.begin(l.askAlone(to, request, patience, answered))
			case r.err != nil:
				answered(nil, fmt.Errorf("%s: %w", to, r.err))
			default:
				answered(r.result(to))
			}
		})
	}
	if err != nil {
		answered(nil, err)
		return func() {}
	}
	return func() {
		c.drop(id)
		rest.end()
	}
}

// fallback is a request that is asked by itself, since the peer turned out to take no stream of
// calls. It may be over before it begins.
type fallback struct {
	drop atomic.Pointer[func()]
	over atomic.Bool
}

func (f *fallback) begin(drop func()) {
	if f.drop.Store(&drop); f.over.Load() {
		drop()
	}
}

func (f *fallback) end() {
	f.over.Store(true)
	if drop := f.drop.Load(); drop != nil {
		(*drop)()
	}
}

// askAlone makes a call of its own, in a goroutine.
func (l *link) askAlone(to string, request []byte, patience time.Duration, answered func([]byte, error)) (drop func()) {
	ctx, cancel := context.WithTimeout(l.ctx, patience)
	var dropped atomic.Bool
	l.mu.Lock()
	open := l.ctx.Err() == nil
	if open {
		l.background.Go(func() {
			defer cancel()
			if data, err := l.Call(ctx, to, request); !dropped.Load() {
				answered(data, err)
			}
		})
	}
	l.mu.Unlock()
	if !open {
		cancel()
		answered(nil, fmt.Errorf("link %s is closed", l.address))
	}
	return func() {
		dropped.Store(true)
		cancel()
	}
}

// result is what a reply that came says.
func (r *reply) result(to string) ([]byte, error) {
	switch r.kind {
	case callFailed:
		return nil, errors.New(string(r.data))
	case callNoListener:
		return nil, fmt.Errorf("%s: %w (%s)", to, transport.ErrNoListener, r.data)
	}
	return r.data, nil
}

// together reports whether the peer takes a stream of calls, as far as this end knows.
func (p *peer) together() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.oneByOne
}

func (l *link) callError(ctx context.Context, to string, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", to, ctx.Err())
	}
	s := status.Convert(err)
	switch s.Code() {
	case codes.Unavailable, codes.Canceled:
		if l.config.TLS == nil && strings.Contains(s.Message(), "error reading server preface") {
			// It ends like this as well where a process is about to go: whether it speaks TLS is a guess.
			return fmt.Errorf("%s: %w (%s; if that end speaks TLS, give this one a certificate of the same authorities)", to, transport.ErrNoListener, s.Message())
		}
		why := s.Message()
		if mendOf(why) == "" {
			why = l.refused(ctx, to, why)
		}
		if mend := mendOf(why); mend != "" {
			return &AccessError{Address: to, Mend: mend, Cause: errors.New(why)}
		}
		return fmt.Errorf("%s: %w (%s)", to, transport.ErrNoListener, s.Message())
	case codes.DeadlineExceeded:
		return lateError(to, s.Message())
	case codes.Unknown:
		if over(ctx) {
			return lateError(to, s.Message())
		}
		return errors.New(s.Message())
	}
	return fmt.Errorf("%s: %w", to, err)
}

// over reports whether the time of a call is over. The other end knows the deadline, too, and
// what it says then may be here before the timer of ctx has fired.
func over(ctx context.Context) bool {
	at, ok := ctx.Deadline()
	return ok && !time.Now().Before(at)
}

// lateError is what a call ends with whose time is over, with what the other end said.
func lateError(to, said string) error {
	return fmt.Errorf("%s: %w (it said: %s)", to, context.DeadlineExceeded, said)
}

// serveCall hands a request to the handler.
func (l *link) serveCall(ctx context.Context, data []byte) (*message, error) {
	p := parser{rest: data}
	p.version()
	from := string(p.bytes())
	if p.err != nil {
		return nil, status.Error(codes.InvalidArgument, p.err.Error())
	}
	answer, err := l.handler.Call(ctx, from, p.rest)
	switch {
	case err == nil:
		return &message{answer}, nil
	case errors.Is(err, transport.ErrNoListener):
		return nil, status.Error(codes.Unavailable, err.Error())
	}
	return nil, status.Error(codes.Unknown, err.Error())
}
