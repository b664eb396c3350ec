package runtime

import (
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Input is one thing that happens to a task.
type Input interface{ input() }

// Start begins the task's life: it takes its slot over.
type Start struct{}

// Finish has the task come to an end in good order: it begins no more records,
// commits what is under way with its progress, and reports Finished. Records of
// other tasks may need it beyond that: whoever ends a worker ends its tasks when all
// of them have finished. Nominated takes it back.
type Finish struct{}

// Tick only moves time on.
type Tick struct{}

// Nominated says whether this worker is to own the task (R4). A task starts
// nominated. One that is not goes on until its head is taken, and then stops
// instead of taking it back (R5).
type Nominated struct{ Yes bool }

// Taken answers Effects.Take: the head that was replaced (zero if none) and the
// new connection's lineage; or Err, and nobody knows whether the head was set.
type Taken struct {
	Previous task.Head
	Lineage  task.Lineage
	Err      error
}

// ReadDone answers Effects.Reads, in their order.
type ReadDone struct {
	Reads []store.Read
	Err   error
}

// CommitDone answers Effects.Commit. Err is nil or one of the store's errors of
// a commit.
type CommitDone struct{ Err error }

// HeadsDone answers Effects.Heads.
type HeadsDone struct {
	Tasks []task.ID
	Heads []task.Head
	Err   error
}

// StartsDone answers Effects.Starts, in their order.
type StartsDone struct {
	Starts []Started
	// HadData says that the task had data in its slot once (R22).
	HadData bool
	Err     error
}

// Started is where a new source begins, and in which topic: offsets mean nothing
// in another one of the same name (T23).
type Started struct {
	Offset int64
	Topic  [16]byte
}

// Records are new records of a depot partition, in order. Generation is that of
// the Feed that asked for them: what an earlier one still delivers would look
// like a gap.
type Records struct {
	Depot      string
	Generation uint64
	Records    []depot.Record
}

// DepotFault ends the reading of a depot: going on would lose records. Generation is
// that of the Feed whose position is at fault: what an earlier one still reports says
// nothing of the present position.
type DepotFault struct {
	Depot      string
	Generation uint64
	Err        error
}

// FrameIn is a frame from another task. The engine takes it over.
type FrameIn struct{ Frame *wire.Frame }

// CallDone answers one of Effects.Calls: what its function returned. An error fails
// the event; module.Reject and module.Park say how it ends.
type CallDone struct {
	ID     uint64
	Result []byte
	Err    error
}

// PeerLost says that frames from and to a task may have been lost: its worker
// is gone or the connection broke.
type PeerLost struct{ Task task.ID }

// Spilled answers one of Effects.Spills. With Err it is not kept, and Raw is what it was.
type Spilled struct {
	ID  uint64
	Raw []byte
	Err error
}

// Unspilled answers one of Effects.Unspills. With Err it is lost.
type Unspilled struct {
	ID  uint64
	Raw []byte // handed over
	Err error
}

// Outlet says whether so much waits on the way to another task that what comes behind it
// had better wait where it is. What has left already arrives, and acks leave in any case.
type Outlet struct {
	To   task.ID
	Shut bool
}

// OptionsChanged replaces the options: those of the module, and those of single
// topologies and depots where they differ. It takes effect at once.
type OptionsChanged struct {
	Module     Options
	Topologies map[string]Options
	Depots     map[string]Options
}

// Await asks to be told when every stream is done with a record.
type Await struct {
	Depot  string
	Offset int64
	Waiter uint64 // named in the answer
}

// Parked is what a person has decided about a parked record. The answer comes when
// it is carried out: AnswerDone, or AnswerFailed with the reason, or for a retried
// record that failed again AnswerParked, or for a value that does not decode AnswerWrong.
type Parked struct {
	Order            ParkedOrder
	Topology, Source string
	Offset           int64
	Step, Event      string // of a parked event, else ""
	Value            []byte // of ParkedEdit
	Waiter           uint64 // named in the answer
}

// AwaitOver says that a waiter no longer waits.
type AwaitOver struct {
	Depot  string
	Offset int64
	Waiter uint64
}

func (*Start) input()          {}
func (*Finish) input()         {}
func (*Tick) input()           {}
func (*Nominated) input()      {}
func (*Taken) input()          {}
func (*ReadDone) input()       {}
func (*CommitDone) input()     {}
func (*HeadsDone) input()      {}
func (*StartsDone) input()     {}
func (*Records) input()        {}
func (*DepotFault) input()     {}
func (*FrameIn) input()        {}
func (*CallDone) input()       {}
func (*PeerLost) input()       {}
func (*Parked) input()         {}
func (*Spilled) input()        {}
func (*Unspilled) input()      {}
func (*Outlet) input()         {}
func (*OptionsChanged) input() {}
func (*Await) input()          {}
func (*AwaitOver) input()      {}
