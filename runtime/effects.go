package runtime

import (
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Effects is what the driver of a task has to do after a step. The value and
// its slices are valid until the next step; what the fields point to is handed
// over where the field says so.
//
// Store effects (Take, Commit, Reads, Heads) are carried out in the order of the
// steps that asked for them, one connection after another.
type Effects struct {
	// Drop: close the session with the slot, if there is one, before anything
	// else of this step (R10).
	Drop bool
	// Take: take the slot over with this head, on a new connection (R2); answer
	// with Taken. At most one is under way.
	Take *task.Head
	// Commit: send this batch (R7); answer with CommitDone. It stays valid until
	// then. At most one is under way.
	Commit *store.Batch
	// Reads: answer with ReadDone. At most one is under way; a commit may be, too,
	// and was sent before.
	Reads []store.Read
	// Heads: read the heads of these tasks (R13); answer with HeadsDone. At most
	// one is under way.
	Heads []task.ID
	// Starts: find out where new sources begin; answer with StartsDone.
	Starts []StartQuery
	// OpenObjects: open the task's objects; answer with ObjectsOpened, once. They are closed
	// with Halt and Stopped, and when the driver ends; not with Drop.
	OpenObjects bool
	// Feeds: what to read of which depot from now on.
	Feeds []Feed
	// Frames: send them; each is handed over. Their batch is committed.
	Frames []*wire.Frame
	// Calls to make, beside the task; each is answered with CallDone. Drop ends those
	// under way: their answers count for nothing any more.
	Calls []Call
	// Spills: keep these in a store of this process's own (R43); answer each with
	// Spilled. They are gone with Drop, and with the process.
	Spills []Spill
	// Unspills: give back what was kept under these ids, and forget it; answer each with
	// Unspilled. Each was confirmed by Spilled.
	Unspills []uint64
	// Unwanted: forget what is kept under these ids.
	Unwanted []uint64
	// Appends: write these records to depots, those of one partition in this order;
	// answer each with AppendDone. Their batch is committed.
	Appends []Append
	// OpenTopics: give up the task's transactor if it has one, open another (R30), and
	// answer with TopicsOpened and this number; 0: nothing is asked for. At most one is
	// under way in an ownership period.
	OpenTopics uint64
	// Transaction: write it with the transactor that is open; answer with
	// TransactionDone. At most one is under way. Its commits are done.
	Transaction *Transaction
	// Answers to Await.
	Answers []Answer
	// Halt: the task has stopped for good, and why. Nothing else follows.
	Halt error
	// Crash: the task ends here as if its process had been killed (CrashAt). What else
	// this step asks for has happened; then its driver forgets it, and tells nobody.
	Crash bool
	// Finished: the task was told to finish, and all records that it had begun are
	// done and their progress is in the slot. It goes on running the events of other
	// tasks' records until its driver ends it. Told once for each Finish.
	Finished bool
	// Stopped: another owner has the slot, and this worker is not to have it. Only
	// Nominated starts the task again.
	Stopped bool
	// WakeAt: send a Tick at this time or soon after (nanoseconds, as handed to
	// Step), unless another step comes first: its WakeAt stands then. 0: not needed.
	WakeAt int64
}

// StartQuery asks for the offset at which a new source begins.
type StartQuery struct {
	Topology, Source string
	Depot            string
	Start            module.Start
}

// FeedOrder says what to do with a depot partition.
type FeedOrder uint8

const (
	FeedFrom   FeedOrder = iota // read from Offset on, whatever was read before
	FeedPause                   // stop delivering
	FeedResume                  // deliver again
	FeedStop                    // end reading
)

// Feed is an order to the reader of the task's partition of a depot.
type Feed struct {
	Depot string
	// Strand tells two readings of one partition apart: 0 is the front, 1 reads for
	// sources that have to catch up.
	Strand int
	Order  FeedOrder
	// Generation numbers the FeedFrom orders of a depot; deliveries name it, and
	// FeedStop names that which it ends.
	Generation uint64
	Offset     int64
	// Back is how many offsets before Offset are read, too, as far as the log has them:
	// they tell which appends come again.
	Back    int64
	Topic   [16]byte // id that the topic must have; zero if unknown
	Epoch   int32    // the oldest of the sources' newest leader epochs, -1 if unknown
	Reached int64    // offset behind the last record that was read before
}

// Spill is what does not find room in memory: events on their way, in their stored form.
type Spill struct {
	ID  uint64
	Raw []byte // handed over
}

// AnswerKind says how a record ended.
type AnswerKind uint8

const (
	AnswerDone      AnswerKind = iota // every stream is done with it; Text, if any, says what of the returns is left out
	AnswerFailed                      // a stream failed; see WillRetry
	AnswerRejected                    // a handler rejected it
	AnswerParked                      // it was parked
	AnswerHalted                      // the task has halted and will not get to it
	AnswerThrottled                   // it is in the depot and has not begun: too many are under way (promise 3.89)
	AnswerUnknown                     // nobody knows how it ends: it takes longer than the timeout of an exactly-once stream, and goes on, or an earlier owner began it and its source does not retry
	AnswerWrong                       // of an order: the value is nothing that a handler takes, and nothing was done
)

// Answer is what an appender waits for.
type Answer struct {
	Waiter    uint64
	Kind      AnswerKind
	Topology  string // that failed, rejected or parked it
	Text      string
	Attempt   int
	WillRetry bool
	Returns   []wire.Returned // by topology
}

// stop takes back what asks for the slot.
func (e *Effects) stop() {
	e.Take, e.Commit = nil, nil
	e.Reads, e.Heads, e.Starts = e.Reads[:0], e.Heads[:0], e.Starts[:0]
	e.Spills, e.Unspills, e.Unwanted = e.Spills[:0], e.Unspills[:0], e.Unwanted[:0]
}

func (e *Effects) reset() {
	*e = Effects{
		Reads: e.Reads[:0], Heads: e.Heads[:0], Starts: e.Starts[:0], Feeds: e.Feeds[:0], Calls: e.Calls[:0],
		Frames: e.Frames[:0], Appends: e.Appends[:0], Answers: e.Answers[:0],
		Spills: e.Spills[:0], Unspills: e.Unspills[:0], Unwanted: e.Unwanted[:0],
	}
}
