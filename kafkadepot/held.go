package kafkadepot

import (
	"context"
	"time"

	"github.com/coppice-run/coppice/depot"
)

// held is what came for a partition while it was paused. The client drops what it has
// fetched of a partition that it is told to pause, also what is on its way, and fetches it
// again: a task that reads as fast as it can is paused many times a second, and each time
// would cost a fetch. So what comes is kept here, as much as several fetches bring, before
// the client is told.
type held struct {
	chunks []chunk // as they came: no record is copied
	bytes  int
	fault  error
	full   bool      // the client was told to fetch no more
	since  time.Time // more than its share is held, and the client has not been told; zero: it is not so
}

// chunk is records that came together.
type chunk struct {
	records []depot.Record
	bytes   int
}

// Of all that is held of paused partitions, each may have an equal share before the client is
// told to pause it, but so much at least: a fetch that is compressed well brings several times
// its size.
const (
	heldBytesMax = 4 << 20
	heldBytesMin = 512 << 10
)

// heldShare is how much may be held of one partition. The caller holds r.mu.
func (r *reader) heldShare() int { return max(heldBytesMax/max(len(r.assigned), 1), heldBytesMin) }

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
	if len(d.Records) > 0 {
		c := chunk{d.Records, depot.MemoryBytes(d.Records)}
		h.chunks = append(h.chunks, c)
		h.bytes += c.bytes
	}
	if d.Fault != nil {
		h.fault = d.Fault
	}
	if a.paused && h.bytes > r.heldShare() && !h.full && h.since.IsZero() {
		h.since = time.Now()
	}
	return true
}

// take takes the records that came first together, up to so many of them, and behind the last
// that is held the fault; with 0 all that is held.
func (h *held) take(most int) (d depot.Delivery) {
	if most <= 0 && len(h.chunks) > 1 {
		h.join()
	}
	if len(h.chunks) > 0 {
		first := &h.chunks[0]
		if n := len(first.records); most <= 0 || n <= most {
			d.Records = first.records
			h.bytes -= first.bytes
			*first = chunk{}
			h.chunks = h.chunks[1:]
		} else {
			d.Records = first.records[:most:most]
			part := depot.MemoryBytes(d.Records)
			h.bytes -= part
			*first = chunk{first.records[most:], first.bytes - part}
		}
	}
	if len(h.chunks) == 0 {
		d.Fault = h.fault
		h.chunks, h.fault = nil, nil
	}
	return d
}

// join makes one chunk of all: what a poll without a limit brings of a partition is one
// delivery.
func (h *held) join() {
	var all []depot.Record
	for i := range h.chunks {
		all = append(all, h.chunks[i].records...)
	}
	h.chunks = []chunk{{all, h.bytes}}
}

func (h *held) empty() bool { return len(h.chunks) == 0 && h.fault == nil }

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
		r.refill(at, a)
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
	drain             // until a task has taken what there is too much of, or has had time for it
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
	if r.closed {
		return pollCtx, cancel, ask
	}
	if r.paused == len(r.assigned) {
		return pollCtx, cancel, wait
	}
	for _, a := range r.assigned {
		if !a.held.since.IsZero() {
			return pollCtx, cancel, drain
		}
	}
	return pollCtx, cancel, ask
}

// stir ends the wait of a poll: there may be something else to do. The caller holds r.mu.
func (r *reader) stir() {
	if r.rouse != nil {
		r.rouse()
	}
}
