package clustertest

import (
	"fmt"
	"slices"
	"strings"

	"github.com/coppice-run/coppice/runtime"
)

// Recording is what the module's tasks did from Kit.Record to Stop. Its methods may be
// called while it goes on, from any goroutine; for figures that do not change any more,
// call them behind Settle.
type Recording struct {
	k       *Kit
	counts  Counts
	events  []runtime.EventInfo
	batches []Batch
}

// Counts is what a recording counts, over all tasks.
type Counts struct {
	// Events that ran, and of these FailedEvents that ended with an error or a panic.
	Events       int
	FailedEvents int
	// PointReads, RangeScans, Elements (that scans gave) and Writes are what handlers
	// did with PStates, whether memory answered or the store.
	PointReads int
	RangeScans int
	Elements   int
	Writes     int
	// Hops are the events that were sent off.
	Hops int
	// Fetches are the round trips to the store for what memory did not hold, with so
	// many questions (Fetched).
	Fetches int
	Fetched int
	// Batches are those of events that were confirmed. Execs are the commits that were
	// sent: those of batches that had something to store, the first of every owner, and
	// those of progress alone.
	Batches int
	Execs   int
	// Done, Failed, Parked and Dropped are attempts at records, by how they ended.
	Done    int
	Failed  int
	Parked  int
	Dropped int
}

// String prints what is not zero: "3 events, 2 hops, 1 EXEC".
func (c Counts) String() string {
	var parts []string
	add := func(n int, one, many string) {
		if n > 0 {
			parts = append(parts, number(n, one, many))
		}
	}
	add(c.Events, "event", "events")
	add(c.FailedEvents, "failed event", "failed events")
	add(c.PointReads, "point read", "point reads")
	add(c.RangeScans, "range scan", "range scans")
	add(c.Elements, "element", "elements")
	add(c.Writes, "write", "writes")
	add(c.Hops, "hop", "hops")
	add(c.Fetches, "fetch", "fetches")
	add(c.Batches, "batch", "batches")
	add(c.Execs, "EXEC", "EXECs")
	add(c.Done, "record done", "records done")
	add(c.Failed, "attempt failed", "attempts failed")
	add(c.Parked, "record parked", "records parked")
	add(c.Dropped, "record dropped", "records dropped")
	if len(parts) == 0 {
		return "nothing"
	}
	return strings.Join(parts, ", ")
}

// number words how many of something there are.
func number(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprint(n, " ", many)
}

// Record begins a recording.
func (k *Kit) Record() *Recording {
	k.mu.Lock()
	defer k.mu.Unlock()
	r := &Recording{k: k}
	k.recordings = append(k.recordings, r)
	return r
}

// Stop ends the recording; what it has stays. It ends with the test by itself.
func (r *Recording) Stop() {
	r.k.mu.Lock()
	defer r.k.mu.Unlock()
	r.k.recordings = slices.DeleteFunc(r.k.recordings, func(other *Recording) bool { return other == r })
}

// Counts is what was counted so far.
func (r *Recording) Counts() Counts {
	r.k.mu.Lock()
	defer r.k.mu.Unlock()
	return r.counts
}

// Await waits until the counts satisfy a condition, which what words for the message of
// a test that fails.
func (r *Recording) Await(what string, holds func(Counts) bool) {
	r.k.t.Helper()
	r.k.wait(what, func() bool { return holds(r.counts) })
}

// Events are the events that have ended, those of one task in their order.
func (r *Recording) Events() []runtime.EventInfo {
	r.k.mu.Lock()
	defer r.k.mu.Unlock()
	return slices.Clone(r.events)
}

// eventEnd hears of an event.
func (k *Kit) eventEnd(i runtime.EventInfo) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.gather(i)
	k.change()
	for _, r := range k.recordings {
		r.events = append(r.events, i)
		c, a := &r.counts, &i.Accesses
		c.Events++
		c.PointReads += a.PointReads
		c.RangeScans += a.RangeScans
		c.Elements += a.Elements
		c.Writes += a.Writes
		if i.Err != nil {
			c.FailedEvents++
		} else {
			c.Hops += i.Children
		}
	}
}

func (k *Kit) fetched(i runtime.FetchInfo) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.change()
	for _, r := range k.recordings {
		r.counts.Fetches++
		r.counts.Fetched += i.Reads
	}
}
