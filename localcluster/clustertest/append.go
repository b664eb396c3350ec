package clustertest

import (
	"context"
	"errors"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// SendRecord appends a record and waits as its level says: by default until all streams
// are done with it, through failures that are tried again and owners that change. It
// makes the kit an Appender. It may be called from any goroutine. Errors: those of
// client.SendRecord that are final: RejectedError, FailedError of a record that was
// parked or dropped, UnknownError when ctx ends.
func (k *Kit) SendRecord(ctx context.Context, r module.Record) (module.Acks, error) {
	place, err := k.Client().Put(ctx, r)
	if err != nil || r.Level != module.AckAll {
		return module.Acks{}, err
	}
	return k.await(ctx, place)
}

// await waits for the outcome of a record. What will be tried again is asked for again
// when something was heard of the record.
func (k *Kit) await(ctx context.Context, place client.Place) (module.Acks, error) {
	key := recordKey{place.Depot, task.ID(place.Partition), place.Offset}
	for {
		k.mu.Lock()
		heard := k.news[key]
		k.mu.Unlock()
		acks, err := k.Client().Await(ctx, place)
		var failed *client.FailedError
		var unknown *client.UnknownError
		switch {
		case errors.As(err, &failed) && failed.WillRetry, errors.Is(err, client.ErrThrottled):
			if !k.until(ctx, func() bool { return k.news[key] != heard }) {
				return acks, err
			}
		case errors.As(err, &unknown) && ctx.Err() == nil && !k.dropping(place.Depot) && !k.stuck():
			// The client's own patience, or the engine's with a record that goes on.
		default:
			return acks, err
		}
	}
}

// stuck reports whether a task has halted.
func (k *Kit) stuck() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.halted() != nil
}

// dropping reports whether a source of the depot does not retry: of a record that its
// owner had begun and lost nobody will ever know more.
func (k *Kit) dropping(depot string) bool {
	for _, s := range k.plan.Streams {
		for _, source := range s.Sources {
			if source.Depot.Name == depot && source.Retry == module.RetriesNone {
				return true
			}
		}
	}
	return false
}

// recordKey names a record.
type recordKey struct {
	depot     string
	partition task.ID
	offset    int64
}

// recordEnded hears how an attempt ended.
func (k *Kit) recordEnded(i runtime.RecordInfo, count func(*Counts)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, s := range k.plan.Streams {
		for _, source := range s.Sources {
			if s.Name == i.Topology && source.Name == i.Source {
				k.news[recordKey{source.Depot.Name, i.Partition, i.Offset}]++
			}
		}
	}
	for _, r := range k.recordings {
		count(&r.counts)
	}
	k.change()
}

// Pending is a record that was appended and that a test has not waited for.
type Pending struct {
	k     *Kit
	Place client.Place
}

// Begin appends a record and returns when it is in its depot: for what a test wants to
// look at while it is under way.
func Begin[T any](k *Kit, d module.Depot[T], v T) *Pending {
	k.t.Helper()
	p := &Pending{k: k}
	if _, err := d.Append(k.t.Context(), putter{p}, v); err != nil {
		k.t.Fatalf("%v", err)
	}
	return p
}

// putter is an Appender that keeps where the record went.
type putter struct{ p *Pending }

func (a putter) SendRecord(ctx context.Context, r module.Record) (acks module.Acks, err error) {
	r.Level = module.AckAppend
	a.p.Place, err = a.p.k.Client().Put(ctx, r)
	return acks, err
}

// Await waits until all streams are done with the record, and returns what an append
// returns that waits from the start. It may be called from any goroutine.
func (p *Pending) Await() (module.Acks, error) { return p.k.await(p.k.t.Context(), p.Place) }
