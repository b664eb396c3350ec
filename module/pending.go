package module

import "context"

// Pending is an append that was begun and is not waited for.
type Pending struct {
	done chan struct{}
	acks Acks
	err  error
}

// NewPending returns a pending append, and what settles it, once. For implementations of
// Starter.
func NewPending() (*Pending, func(Acks, error)) {
	p := &Pending{done: make(chan struct{})}
	return p, func(acks Acks, err error) {
		p.acks, p.err = acks, err
		close(p.done)
	}
}

// Done is closed when the outcome is there.
func (p *Pending) Done() <-chan struct{} { return p.done }

// Wait returns the outcome of the append, as Append does, or the cause of ctx's end: the
// append goes on.
func (p *Pending) Wait(ctx context.Context) (Acks, error) {
	select {
	case <-p.done:
		return p.acks, p.err
	case <-ctx.Done():
		return Acks{}, context.Cause(ctx)
	}
}

// Starter begins appends; a client is one.
type Starter interface {
	StartRecord(context.Context, Record) *Pending
}

// Start begins an append and returns: while the outcome is on its way, more can be begun.
// Records that one goroutine starts go to the log in the order of its calls. Start waits
// only while the log's buffer is full. The append ends with ctx.
func (d Depot[T]) Start(ctx context.Context, s Starter, v T, options ...AppendOption) *Pending {
	r, err := d.Record(v, options...)
	if err != nil {
		p, settle := NewPending()
		settle(Acks{}, err)
		return p
	}
	return s.StartRecord(ctx, r)
}
