package eventtree

// State is where an event or a tree is, and so what kind of thing it waits for.
type State string

// The states of records before their trees begin.
const (
	Unread    State = "unread"    // the task has not read the record
	Waiting   State = "waiting"   // it is read, and may not begin yet
	Announced State = "announced" // the number of the attempt is on its way to the slot (R20)
	Starting  State = "starting"  // the task does not run: it is being taken over
	Silent    State = "silent"    // the task does not answer: a handler holds it up
)

// The states of events, in the order in which an event goes through them. Trees of one
// event have them, too.
const (
	Leaving    State = "leaving"    // sent off, and held until the batch of its sender is committed
	Hopping    State = "hopping"    // left its sender, and not seen at its task
	Held       State = "held"       // came, and waits for a look at its sender's head (R16)
	Queued     State = "queued"     // waits on its task for its turn
	Behind     State = "behind"     // waits behind an event of its channel that failed (R28)
	Running    State = "running"    // its handler runs
	Reading    State = "reading"    // its handler waits for what it reads
	Batched    State = "batched"    // has run, and waits for the batch before its own
	Committing State = "committing" // the EXEC of its batch is under way, and WAIT where the level asks for it
	Calling    State = "calling"    // a call to the outside is under way, or waits for room
	Appending  State = "appending"  // the log has not answered what it appends
	Ended      State = "ended"      // committed
)

// The states of trees.
const (
	Open       State = "open"       // events are under way
	Proving    State = "proving"    // all are done, and the heads that they rest on are looked at (R13)
	Retrying   State = "retrying"   // failed, and waits for its next attempt
	Microbatch State = "microbatch" // taken by a microbatch that is not applied
	Done       State = "done"
	Rejected   State = "rejected" // a handler refused the record
	Parked     State = "parked"   // put aside, for somebody to decide
	Dropped    State = "dropped"  // failed in a source that does not retry
	Failed     State = "failed"   // of an event or an attempt: it ended with an error
)

// Over reports whether nothing more happens by itself.
func (s State) Over() bool {
	switch s {
	case Done, Rejected, Parked, Dropped, Ended, Failed:
		return true
	}
	return false
}
