package runtime

import (
	"time"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Listener hears what a task does: logs, traces, metrics, the console and tests
// attach to it. Any field may be nil. The functions run inside Step: they must
// be quick and must not call the engine. A Listener shared by several tasks is
// called concurrently.
type Listener struct {
	// Every is of how many records one is followed, beside those that carry a sampled trace
	// or are tried again; 0: none. Which ones hangs on partition and offset alone, so it is
	// the same on all tasks; see Sampled.
	Every int
	// Slow is how long a record may take, from the beginning of its root event to its end, before
	// TreeOver is called for it, whether it is followed or not; 0: as long as it likes.
	Slow time.Duration
	// EventBegin is called before an event of a followed record runs; the trace that
	// it returns travels with the event's hops.
	EventBegin func(EventInfo) *wire.Trace
	// EventKept is called after an event of a followed record ran, before its commit, and
	// after any that failed.
	EventKept func(EventInfo)
	// EventEnd is called after an event ran, traced or not, before its commit.
	EventEnd func(EventInfo)
	// Panicked is called when a handler panicked, with its stack.
	Panicked func(EventInfo, *PanicError)
	// Fetched is called when the store has answered what handlers, also those that ran
	// ahead, wanted to read and memory did not hold: one round trip.
	Fetched func(FetchInfo)
	// BatchSent is called when a batch's commit goes out: one EXEC. The first commit of
	// an ownership period and those that hold nothing but progress have no events.
	BatchSent func(BatchInfo)
	// BatchCommitted is called when a batch with events is confirmed; and, without
	// BatchSent before it, for one of events that had nothing to store.
	BatchCommitted func(BatchInfo)
	// BatchFailed is called when an event that failed took its batch with it.
	BatchFailed func(BatchFailedInfo)
	// Spilled is called when events that found no room in memory are kept on the
	// worker's machine, or cannot be kept there.
	Spilled func(SpillInfo)
	// RecordDone is called when a record's tree is complete.
	RecordDone func(RecordInfo)
	// TreeOver is called when a record ended well that is followed, or took longer than Slow.
	TreeOver func(RecordInfo)
	// RecordFailed is called when an attempt failed.
	RecordFailed func(RecordInfo)
	// RecordRetried is called when a microbatch whose attempt failed begins another one, on the
	// task where it failed, and about the record whose event did; Took is the pause.
	RecordRetried func(RecordInfo)
	// RecordParked is called when a record is put aside.
	RecordParked func(RecordInfo)
	// RecordDropped is called when a source that does not retry gives up a record:
	// it failed, was lost with its worker, or was skipped at the limit.
	RecordDropped func(RecordInfo)
	// AppendDone is called when the log has answered an append of a handler: it has
	// the record, or AppendInfo.Err says what happened. Those under way when the task
	// gives up its connection are not told of.
	AppendDone func(AppendInfo)
	// AppendDropped is called when a source drops the record of an append that it has
	// met before.
	AppendDropped func(AppendDroppedInfo)
	// MigrationFailed is called when a value of a PState cannot be migrated; the task comes back to
	// it after a while.
	MigrationFailed func(MigrationInfo)
	// LostTail is called when the log has what was appended by commits that the store
	// has lost (R31): the task halts then, or goes on.
	LostTail func(LostTailInfo)
	// Microbatch is called when a task has come further with a microbatch, or back.
	Microbatch func(MicrobatchInfo)
	// Rewound is called when a source that retries all after went back.
	Rewound func(RewoundInfo)
	// Joined is called when sources that were far behind have caught up with the
	// others of their depot.
	Joined func(JoinedInfo)
	// Strayed is called when an ack comes for records that the task does not know: one
	// of two tasks was built anew.
	Strayed func(StrayedInfo)
	// Took is called when the task owns its slot and is about to run.
	Took func(TookInfo)
	// Regressed is called when the slot was found behind what this owner had
	// committed: the store lost its tail.
	Regressed func(RegressedInfo)
	// Dropped is called when the task gives up its connection and all that it has
	// in memory.
	Dropped func(DroppedInfo)
}

// TaskInfo says which task speaks, and where: while a task is handed over, its former owner
// and its nominee both run it, and both speak.
type TaskInfo struct {
	Module  string
	Task    task.ID
	Address string // of the worker
}

// EventInfo is about one event.
type EventInfo struct {
	TaskInfo
	Topology string
	Step     string // the step's or, for a root event, the source's name
	Root     bool
	// Microbatch is the id of the microbatch that it belongs to; 0: none.
	Microbatch uint64
	Source     string // of the record, within the topology
	Depot      string // of the record; "" of what descends from none
	Offset     int64  // of the record, in partition RootTask of its depot
	RootTask   task.ID
	Attempt    int
	Tree       uint64   // the attempt's tree; 0 for a record of which nothing hopped
	Seed       uint64   // the event's place in the tree; acker.Child gives its children's
	Children   int      // events sent off
	Accesses   Accesses // of EventEnd: what the handler did with PStates
	Err        error
	Trace      *wire.Trace
}

// Accesses counts what a handler did with PStates.
type Accesses = overlay.Accesses

// FetchInfo is about one round trip of reads.
type FetchInfo struct {
	TaskInfo
	Reads    int // elements, lengths and pages of ranges that were asked for
	Elements int // that came
}

// BatchInfo is about one batch.
type BatchInfo struct {
	TaskInfo
	Head   task.Mark // of its commit; zero where it had nothing to store
	Events int
	Fields int // written
	Frames int // sent off
	// Followed are its events that are followed, or failed. They are to be read only, and
	// only during the call.
	Followed []Followed
	// Bytes are those of the events that it sends off, and Level what its commit waits for.
	Bytes int64
	Level store.Level
	// Gathered is how long ago the batch began.
	Gathered time.Duration
	// Commit is what is written, nil where nothing is. It is to be read only, and only
	// during the call.
	Commit *store.Batch
	// Queued are the events that wait on the task, and Pending the records that it has
	// begun and not finished.
	Queued, Pending int
}

// BatchFailedInfo is about a batch that failed as one.
type BatchFailedInfo struct {
	TaskInfo
	Topology string
	Step     string // whose event failed
	Err      error
	Others   int // events that did not fail
}

// SpillInfo is about events that found no room in memory.
type SpillInfo struct {
	TaskInfo
	Events int
	Bytes  int64 // of their stored form
	Err    error // why they could not be kept: their records fail
}

// RecordInfo is about one record.
type RecordInfo struct {
	TaskInfo
	Topology  string
	Source    string
	Depot     string
	Partition task.ID // of the depot; of an event that failed in an exactly-once topology not the task that speaks
	Offset    int64
	Attempt   int
	// Microbatch is the id of the microbatch that it is a part of; 0: none.
	Microbatch uint64
	Err        string
	Trace      *wire.Trace
	// Took is how long it is since the attempt's root event began; of a record of an exactly-once
	// topology that a former owner began, since this one knows of it. 0: not known.
	Took time.Duration
	Slow bool
	// Pause is that before the next attempt, of one that failed; 0: there is none, or it
	// hangs on other records.
	Pause time.Duration
	// Tree is the attempt's, 0 if nothing hopped, and Tasks those that its events went to;
	// RecordDone, which is called for every record, does without them.
	Tree  uint64
	Tasks []task.ID
	// Alone, of TreeOver: the record's root event was all of it, and the commit of that its end.
	Alone bool
}

// RewoundInfo says where a source begins again.
type RewoundInfo struct {
	TaskInfo
	Topology   string
	Source     string
	Offset     int64
	Generation uint64
}

// JoinedInfo says where sources that caught up join the others.
type JoinedInfo struct {
	TaskInfo
	Depot   string
	Sources int // that joined
	Offset  int64
}

// StrayedInfo is about an ack that belongs to nothing.
type StrayedInfo struct {
	TaskInfo
	Group uint64
}

// TookInfo is about a take-over.
type TookInfo struct {
	TaskInfo
	Head     task.Mark
	Replaced task.Mark
}

// RegressedInfo is about a lost tail.
type RegressedInfo struct {
	TaskInfo
	From, To task.Mark
}

// DroppedInfo says why a task started anew.
type DroppedInfo struct {
	TaskInfo
	Cause error
}

// fetchInfo counts the answers of one round trip.
func (t *Task) fetchInfo(reads []store.Read) FetchInfo {
	info := FetchInfo{TaskInfo: t.info, Reads: len(reads)}
	for i := range reads {
		info.Elements += len(reads[i].Elements)
		if reads[i].Found {
			info.Elements++
		}
	}
	return info
}

// sourceName names the source of a record's topology; "" where this version of the
// module does not have it.
func (t *Task) sourceName(topology int, source uint16) string {
	return t.plan.Streams[topology].SourceName(source)
}

// depotName names the depot of a record; "" where this version of the module does not have
// its source.
func (t *Task) depotName(topology int, source uint16) string {
	if s, ok := t.plan.Streams[topology].Source(source); ok {
		return s.Depot.Name
	}
	return ""
}
