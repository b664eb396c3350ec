package client

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/telemetry"
)

// SendRecord appends one record and waits as its level says. It implements
// module.Appender; programs call Append of a depot's handle.
func (c *Client) SendRecord(ctx context.Context, r module.Record) (module.Acks, error) {
	if c.config.Tracing == nil {
		return c.sendRecord(ctx, r)
	}
	ctx, span := telemetry.StartAppend(ctx, c.config.Tracing, r.Module+"."+r.Depot)
	acks, err := c.sendRecord(ctx, r)
	telemetry.EndAppend(span, err)
	return acks, err
}

func (c *Client) sendRecord(ctx context.Context, r module.Record) (module.Acks, error) {
	return c.begin(ctx, r, r.Level == module.AckAll).settle(ctx)
}

// Put appends one record, waits until all in-sync replicas have it (AckNone: for
// nothing, and the place has no offset), and returns where it lies; Await waits for its
// streams. Errors: NotAppendedError, UnknownError.
func (c *Client) Put(ctx context.Context, r module.Record) (Place, error) {
	a := c.begin(ctx, r, false)
	_, err := a.settle(ctx)
	return a.place, err
}

// partition picks where a record goes: by its key, as its depot chooses, or at
// random.
func (b *bound) partition(r *module.Record) (int32, error) {
	d, ok := b.plan.Depot(r.Depot)
	if !ok {
		return 0, fmt.Errorf("module %s, depot %q: %w; it has %s", b.name, r.Depot, ErrNoDepot, names(b.plan.Depots, func(d *module.DepotPlan) string { return d.Name }))
	}
	if d.Disallowed {
		return 0, module.ErrDisallowed
	}
	partitions := d.Partitions(b.tasks)
	switch {
	case r.Key != nil:
		return int32(task.Of(r.Key, partitions)), nil
	case r.Choose != nil:
		p, err := r.Choose(partitions)
		return int32(p), err
	}
	return rand.Int32N(int32(partitions)), nil
}

func appendError(place Place, err error) error {
	if errors.Is(err, depot.ErrUnknown) {
		place.Offset = -1
		return &UnknownError{Place: place, Cause: err}
	}
	return &NotAppendedError{Place: place, Cause: err}
}

// Await waits until every stream of the module is done with a record that is in
// the depot, and returns what they returned. Errors: RejectedError, FailedError,
// ThrottledError, UnknownError; AckError, beside the acks that there are; NoOffsetError if the place has no offset.
func (c *Client) Await(ctx context.Context, place Place) (module.Acks, error) {
	b, err := c.module(place.Module)
	if err != nil {
		return module.Acks{}, err
	}
	if d, ok := b.plan.Depot(place.Depot); !ok {
		return module.Acks{}, fmt.Errorf("%v: %w; module %s has %s", place, ErrNoDepot, b.name, names(b.plan.Depots, func(d *module.DepotPlan) string { return d.Name }))
	} else if n := d.Partitions(b.tasks); place.Partition < 0 || int(place.Partition) >= n {
		return module.Acks{}, fmt.Errorf("%v: %w; the depot has 0 to %d", place, ErrNoPartition, n-1)
	}
	if place.Offset < 0 {
		return module.Acks{}, &NoOffsetError{Place: place}
	}
	ctx, cancel := context.WithTimeout(ctx, c.config.AwaitTimeout)
	defer cancel()
	defer context.AfterFunc(c.open, cancel)()
	request := &wire.Request{Module: place.Module, Task: task.ID(place.Partition), Await: &wire.AwaitRequest{Depot: place.Depot, Offset: place.Offset}}
	answer, err := c.askWhile(ctx, b, request)
	if err != nil {
		return module.Acks{}, &UnknownError{Place: place, Cause: err}
	}
	return outcomeOf(place, answer)
}

// outcomeOf turns an answer into what Append returns.
func outcomeOf(place Place, a *wire.Answer) (module.Acks, error) {
	switch runtime.AnswerKind(a.Kind) {
	case runtime.AnswerDone:
		if a.Text != "" {
			return module.AcksOf(a.Returns), &AckError{Place: place, Topology: a.Topology, Text: a.Text}
		}
		return module.AcksOf(a.Returns), nil
	case runtime.AnswerRejected:
		return module.Acks{}, &RejectedError{Place: place, Topology: a.Topology, Text: a.Text}
	case runtime.AnswerFailed, runtime.AnswerParked:
		return module.Acks{}, &FailedError{Place: place, Topology: a.Topology, Text: a.Text, Attempt: a.Attempt, WillRetry: a.WillRetry, Parked: runtime.AnswerKind(a.Kind) == runtime.AnswerParked}
	case runtime.AnswerThrottled:
		return module.Acks{}, &ThrottledError{Place: place, Topology: a.Topology, Text: a.Text}
	}
	return module.Acks{}, &UnknownError{Place: place, Cause: errors.New(a.Text)}
}
