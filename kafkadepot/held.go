package kafkadepot

import (
	"context"

	"github.com/coppice-run/coppice/depot"
)

// held is what came for a partition while it was paused. The client drops what it has
// fetched of a partition that it is told to pause, also what is on its way, and fetches it
// again: a task that reads as fast as it can is paused many times a second, and each time
// would cost a fetch. So what comes is kept here, as much as one fetch and the one behind
// it bring, before the client is told.
type held struct {
	records []depot.Record
	bytes   int
	fault   error
	full    bool // the client was told to fetch no more
}

// heldBytesMax is how much of a paused partition is kept before the client is told.
const heldBytesMax = 2 * fetchBytes

// received takes what has come for a partition that is assigned. It keeps it and returns
// true if the partition is paused, or was and what came before has not been delivered yet.
func (r *reader) received(at place, d *depot.Delivery) (kept bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	a := r.assigned[at]
	if a == nil {
		return false
	}
	if n := len(d.Records); n > 0 {
		a.position.Offset = d.Records[n-1].Offset + 1
		a.trouble.over()
	}
	if !a.paused && a.held.empty() {
		return false
	}
	h := &a.held
	h.records = append(h.records, d.Records...)
	for i := range d.Records {
		h.bytes += len(d.Records[i].Key) + len(d.Records[i].Value)
	}
	if d.Fault != nil {
		h.fault = d.Fault
	}
	if a.paused && h.bytes > heldBytesMax && !h.full {
		h.full = true
		r.client.PauseFetchPartitions(at.partitions())
	}
	return true
}

// take takes up to so many records that are held, 0 for all, and behind the last the fault.
func (h *held) take(most int) depot.Delivery {
	n := len(h.records)
	if most > 0 {
		n = min(n, most)
	}
	d := depot.Delivery{Records: h.records[:n:n]}
	h.records = h.records[n:]
	for i := range d.Records {
		h.bytes -= len(d.Records[i].Key) + len(d.Records[i].Value)
	}
	if len(h.records) == 0 {
		d.Fault = h.fault
		h.records, h.fault = nil, nil
	}
	return d
}

func (h *held) empty() bool { return len(h.records) == 0 && h.fault == nil }

// release delivers what was held of partitions that are not paused any more.
func (r *reader) release(recordsMax int, deliver func(depot.Delivery)) bool {
	var all []depot.Delivery
	left := recordsMax
	r.mu.Lock()
	for at, a := range r.assigned {
		if a.paused || a.held.empty() || recordsMax > 0 && left == 0 {
			continue
		}
		d := a.held.take(left)
		d.Topic, d.Partition = at.topic, at.partition
		left -= len(d.Records)
		all = append(all, d)
	}
	r.mu.Unlock()
	var gone []string
	for i := range all {
		gone = r.over(&all[i], gone)
		deliver(all[i])
	}
	if len(gone) > 0 {
		r.purge(gone)
	}
	return len(all) > 0
}

// step is what a poll does next.
type step uint8

const (
	ask   step = iota // have the client poll
	wait              // until somebody wants records: every partition is paused
	again             // something is to be released
)

// listen says what is next. While partitions are paused the ctx that it returns ends when
// one is resumed, too.
func (r *reader) listen(ctx context.Context) (context.Context, context.CancelFunc, step) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rouse = nil
	if r.paused == 0 {
		for _, a := range r.assigned {
			if !a.held.empty() {
				return ctx, func() {}, again
			}
		}
		return ctx, func() {}, ask
	}
	pollCtx, cancel := context.WithCancel(ctx)
	r.rouse = cancel
	for _, a := range r.assigned {
		if !a.paused && !a.held.empty() {
			return pollCtx, cancel, again
		}
	}
	if r.paused == len(r.assigned) && !r.closed {
		return pollCtx, cancel, wait
	}
	return pollCtx, cancel, ask
}

// stir ends the wait of a poll: there may be something else to do. The caller holds r.mu.
func (r *reader) stir() {
	if r.rouse != nil {
		r.rouse()
	}
}
