package client

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/telemetry"
)

// appending is an append that has begun. Where the streams are to be waited for, the owner of
// the record's task is asked as soon as the log has it, by whoever says so: the goroutine that
// appends sleeps through both, and questions about records that the log confirms together
// travel together.
type appending struct {
	c       *Client
	b       *bound
	place   Place // whoever waits for the outcome sets the offset
	awaits  bool
	err     error        // why nothing was sent; nil: it was
	outcome chan outcome // comes once
	asked   string       // the worker that was asked, if drop says that one was

	mu       sync.Mutex
	appended time.Time // when the log had it; zero: not yet
	offset   int64
	drop     func() // tells who was asked that nobody waits any more; nil: nobody was
	over     bool   // nobody waits any more
}

// outcome is what becomes of an append.
type outcome struct {
	offset int64
	answer *wire.Answer // of the task's owner; nil: it is still to be asked
	err    error        // of the log
}

// begin begins to append a record; settle waits for the outcome.
func (c *Client) begin(ctx context.Context, r module.Record, awaits bool) *appending {
	b, err := c.module(r.Module)
	if err != nil {
		return &appending{err: err}
	}
	r.Headers = telemetry.Inject(ctx, r.Headers)
	a := &appending{c: c, b: b, place: Place{Module: r.Module, Depot: r.Depot, Offset: -1}, awaits: awaits}
	if a.place.Partition, err = b.partition(&r); err == nil {
		err = c.over(ctx)
	}
	if err != nil {
		a.err = &NotAppendedError{Place: a.place, Cause: err}
		return a
	}
	level := depot.Replicated
	if r.Level == module.AckNone {
		level = depot.None
	}
	a.outcome = make(chan outcome, 1)
	topic := depot.TopicName(r.Module, r.Depot)
	c.config.Log.Append(ctx, topic, a.place.Partition, depot.Record{Key: r.Key, Value: r.Value, Headers: r.Headers}, level, a.logged)
	return a
}

// logged takes the log's answer.
func (a *appending) logged(offset int64, err error) {
	address := ""
	if a.awaits && err == nil && offset >= 0 {
		address = a.b.knownOwner(task.ID(a.place.Partition))
	}
	if err == nil {
		a.mu.Lock()
		a.appended, a.offset = time.Now(), offset
		a.mu.Unlock()
	}
	if address == "" {
		a.outcome <- outcome{offset: offset, err: err}
		return
	}
	a.asked = address
	drop := a.c.link.Ask(address, wire.AppendRequest(make([]byte, 0, requestBytes), a.question(offset)), a.c.config.AwaitTimeout, a.answered)
	a.mu.Lock()
	a.drop = drop
	over := a.over
	a.mu.Unlock()
	if over {
		drop()
	}
}

// question asks how the record ended.
func (a *appending) question(offset int64) *wire.Request {
	return &wire.Request{Module: a.place.Module, Task: task.ID(a.place.Partition), Await: &wire.AwaitRequest{Depot: a.place.Depot, Offset: offset}}
}

// answered takes the answer of whom the record's task was last known to belong to. One that
// says nothing has the owner be looked for.
func (a *appending) answered(raw []byte, err error) {
	o := outcome{offset: a.offset} // it was set before anybody was asked
	if err == nil {
		o.answer, err = wire.ParseAnswer(raw)
	}
	owner := task.ID(a.place.Partition)
	switch {
	case err != nil:
		o.answer = nil
		a.b.owned(owner, "")
	case o.answer.NotOwner:
		a.b.owned(owner, o.answer.Address)
		o.answer = nil
	}
	a.outcome <- o
}

// settle waits until it is known what became of an append, and of its record if that is awaited.
func (a *appending) settle(ctx context.Context) (module.Acks, error) {
	if a.err != nil {
		return module.Acks{}, a.err
	}
	o, unknown := a.wait(ctx)
	switch {
	case unknown != nil:
		a.place.Offset = unknown.Place.Offset
		return module.Acks{}, unknown
	case o.err != nil:
		return module.Acks{}, appendError(a.place, o.err)
	}
	a.place.Offset = o.offset
	if !a.awaits {
		return module.Acks{}, nil
	}
	var acks module.Acks
	var err error
	if o.answer != nil {
		acks, err = outcomeOf(a.place, o.answer)
	} else {
		awaiting, cancel := context.WithTimeout(ctx, a.timeLeft())
		acks, err = a.c.Await(awaiting, a.place)
		cancel()
	}
	switch e := err.(type) {
	case *UnknownError:
		e.appended = true
	case *ThrottledError:
		e.appended = true
	}
	return acks, err
}

// wait waits for the outcome, for ctx, for the client's end, and for as long as an answer may take.
func (a *appending) wait(ctx context.Context) (outcome, *UnknownError) {
	var late <-chan time.Time
	if a.awaits {
		timer := time.NewTimer(a.c.config.AwaitTimeout)
		defer timer.Stop()
		late = timer.C
	}
	for {
		select {
		case o := <-a.outcome:
			return o, nil
		case <-ctx.Done():
			select {
			case o := <-a.outcome: // both at once: it is known
				return o, nil
			default:
				return outcome{}, a.unknown(causeOf(ctx))
			}
		case <-a.c.open.Done():
			return outcome{}, a.unknown(ErrClosed)
		case <-late:
			left := a.timeLeft()
			if left <= 0 {
				return outcome{}, a.unknown(context.DeadlineExceeded)
			}
			late = time.After(left)
		}
	}
}

// causeOf is why a context has ended, as it says itself and as whoever ended it says.
func causeOf(ctx context.Context) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, ctx.Err()) {
		return cause
	}
	return fmt.Errorf("%w: %w", ctx.Err(), cause)
}

// timeLeft is how long an answer may still take: that begins when the log has the record.
func (a *appending) timeLeft() time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.appended.IsZero() {
		return a.c.config.AwaitTimeout
	}
	return time.Until(a.appended.Add(a.c.config.AwaitTimeout))
}

// unknown is the error of who waits no longer: what is on its way cannot be called back.
func (a *appending) unknown(cause error) *UnknownError {
	a.mu.Lock()
	drop, appended, place := a.drop, !a.appended.IsZero(), a.place
	a.over = true
	if appended {
		place.Offset = a.offset
	}
	a.mu.Unlock()
	if drop != nil {
		drop()
		cause = fmt.Errorf("asking worker %s: %w", a.asked, cause)
	}
	if appended {
		return &UnknownError{Place: place, Cause: cause, appended: true}
	}
	return &UnknownError{Place: place, Cause: fmt.Errorf("%w: %w", depot.ErrUnknown, cause)}
}
