package runtime

import (
	"strings"

	"github.com/coppice-run/coppice/internal/wire"
)

// Counts counts what a task has done since its worker began to run it. They grow, and go
// back to nothing with the next owner.
type Counts struct {
	Events  uint64 // that ran, also those that failed
	Hops    uint64 // that they sent off
	Failed  uint64 // attempts that failed
	Slow    uint64 // trees that took longer than Listener.Slow
	Commits uint64 // that were confirmed
	Fields  uint64 // that they wrote
	Reads   uint64 // of elements of PStates, by handlers
	Scans   uint64 // of ranges of PStates, by handlers
	Fetches uint64 // round trips of reads that memory could not answer
	Missed  uint64 // reads in them
	Takes   uint64 // of the slot
	Drops   uint64 // of the connection, with all that was in memory
	Lost    uint64 // times that the store was found behind what it had confirmed

	Microbatches uint64 // that were applied here

	Endings
	EventsParked uint64 // of microbatches, without their records
}

// Endings counts records by how they ended, each where it does: what was put aside has ended,
// and is not counted again when it runs again. The sum is all that are over.
type Endings struct {
	Done     uint64 // that ended well
	Rejected uint64
	Parked   uint64 // also those of exactly-once streams of which an event was
	Dropped  uint64 // by sources that do not retry
}

// of is where an outcome is counted.
func (e *Endings) of(outcome wire.Outcome) *uint64 {
	switch outcome {
	case wire.Rejected:
		return &e.Rejected
	case wire.Parked:
		return &e.Parked
	case wire.Failed, wire.Skipped:
		return &e.Dropped
	}
	return &e.Done
}

// staged counts what a microbatch puts aside or rejects on this task, for when it is applied.
// What runs again in it was counted before.
type staged struct{ rejected, parked, events uint64 }

// stagedOf counts what lies in the slot of a former owner's attempt: that what was put aside
// in it was so before cannot be seen.
func stagedOf(st *stage, parkedTable string) (n staged) {
	for i := range st.Changes {
		c := &st.Changes[i]
		if c.Table.Key != parkedTable {
			continue
		}
		for j := range c.Writes {
			switch w := &c.Writes[j]; {
			case w.Delete:
			case strings.Count(w.Field, "/") == 2: // see wire.ParkedField
				n.parked++
			default:
				n.events++
			}
		}
	}
	n.parked = min(n.parked, uint64(max(st.seal.Records, 0)))
	return n
}

// countStage counts the records of a microbatch that is applied.
func (c *Counts) countStage(records int64, n staged) {
	c.Microbatches++
	c.Rejected += n.rejected
	c.Parked += n.parked
	c.EventsParked += n.events
	c.Done += uint64(max(records, 0)) - n.rejected - n.parked
}

// countEvent counts the event that ran.
func (t *Task) countEvent() {
	c := &t.counts
	c.Events++
	c.Hops += uint64(t.host.Hopped())
	c.Reads += uint64(t.accesses.PointReads)
	c.Scans += uint64(t.accesses.RangeScans)
}
