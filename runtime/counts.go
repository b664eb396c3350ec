package runtime

// Counts counts what a task has done since its worker began to run it. They grow, and go
// back to nothing with the next owner.
type Counts struct {
	Events   uint64 // that ran, also those that failed
	Hops     uint64 // that they sent off
	Records  uint64 // that are done: well, rejected, parked or dropped
	Rejected uint64 // of those
	Parked   uint64 // of those; events of exactly-once streams count here, too
	Dropped  uint64 // of those, by sources that do not retry
	Failed   uint64 // attempts that failed
	Slow     uint64 // trees that took longer than Listener.Slow
	Commits  uint64 // that were confirmed
	Fields   uint64 // that they wrote
	Reads    uint64 // of elements of PStates, by handlers
	Scans    uint64 // of ranges of PStates, by handlers
	Fetches  uint64 // round trips of reads that memory could not answer
	Missed   uint64 // reads in them
	Takes    uint64 // of the slot
	Drops    uint64 // of the connection, with all that was in memory
	Lost     uint64 // times that the store was found behind what it had confirmed

	Microbatches uint64 // that were applied here
}

// countEvent counts the event that ran.
func (t *Task) countEvent() {
	c := &t.counts
	c.Events++
	c.Hops += uint64(t.host.Hopped())
	c.Reads += uint64(t.accesses.PointReads)
	c.Scans += uint64(t.accesses.RangeScans)
}
