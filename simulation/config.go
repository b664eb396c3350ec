package simulation

import (
	"io"
	"math/rand/v2"
	"time"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

// Config says what to run.
type Config struct {
	// Seed is what the whole run follows from: the same seed, the same run.
	Seed     uint64
	Workload Workload // what is done, and what has to hold
	// Tasks, Servers and Records are drawn from the seed where they are zero: 2 to
	// 6 tasks, 1 or 2 store servers, 10 records to as many as the workload says.
	Tasks, Servers, Records int
	// Calm leaves all faults out.
	Calm bool
	// Without leaves kinds of faults out.
	Without []Fault
	// QueueBytesMax is the memory that events waiting on a task may take
	// (topology.stream.tree.bytes.max); 0: drawn from the seed, often very little.
	QueueBytesMax int64
	// Trace, if set, gets a line for everything that happens.
	Trace io.Writer
	// TraceEngine has the trace show the engine's own tables in commits, too.
	TraceEngine bool
	// Plant breaks the world or a rule of the protocol on purpose, to show that
	// the checks find it.
	Plant Plant
	// spared are the faults that do not strike, by their number.
	spared map[int]bool
	// unchecked leaves out what the workload says of the PStates.
	unchecked bool
	// programs, if set, is how many of a workload's programs run.
	programs int
}

// Result is what became of a run.
type Result struct {
	Seed         uint64
	Workload     string
	Steps        int // things that happened in the world
	Events       int // events that handlers ran
	Faults       [faultCount]int
	Failures     int   // attempts at records that failed
	Halts        int   // of tasks whose log had lost what they needed
	Wholes       int   // batches that failed as one
	Spilled      int   // times that events were written to a process's disk
	QueuedMax    int64 // bytes that events on their way took in one process's memory at most
	Records      int
	Acked        int
	Alarms       int            // tasks that halted because a slot had lost what another one, or the log, kept
	Emitted      int            // records that topologies appended
	LostTails    int            // output found of commits that the store had lost (R31)
	PhaseCrashes map[string]int // owners that ended in a phase or step of a microbatch, by its name
	Violations   []string
	// Fingerprint is of all that happened: two runs of a seed have the same.
	Fingerprint uint64
	Tasks       int
	differs     bool          // from another run of its seed
	programs    int           // that ran
	struck      []int         // numbers of the faults that struck by themselves
	Took        time.Duration // of the virtual clock
}

// FaultTotal is the number of faults of all kinds.
func (r *Result) FaultTotal() int {
	n := 0
	for _, f := range r.Faults {
		n += f
	}
	return n
}

// Workload is a module with what is appended to it and what must come out.
type Workload struct {
	Name string
	// Hops says that records have effects on several tasks. That a module has steps or
	// microbatches says it, too.
	Hops bool
	// Durability is the level of the commits; nil: drawn.
	Durability *store.Level
	// LostTail is what tasks do that find output of commits which the store has lost, at
	// level Applied (R31). One that halts ends its run, and counts as an alarm.
	LostTail runtime.LostTail
	// Fails says that handlers fail on purpose: return errors of their own, or panic.
	Fails bool
	// FewAttempts says that a record is parked after few failures: handlers fail on purpose
	// only, and no event with another one's (topology.stream.fail.whole.batch).
	FewAttempts bool
	// Ordered says that records must begin in the order of their depot: no source fails
	// where others overtake the record that fails. Steps do, and sources that retry all after.
	Ordered bool
	// Drops says that a record may end without its effects, as those of a source do that
	// does not retry.
	Drops bool
	// Exact says that hops are exactly once: an append may be told that its outcome is not
	// known yet. That a stream is declared so says it for its depots.
	Exact bool
	// Detects has slots lose tails that others keep, also where no level prevents it:
	// nothing may be lost or doubled unless a task says so (R27).
	Detects bool
	// LossPerMille is in how many of 1,000 runs the log loses records, where a workload can
	// tell what is right then (Survivor); 0: 400. WholePerMille is in how many a batch
	// fails as one (topology.stream.fail.whole.batch); 0: 300. A workload that is about one of them has more.
	LossPerMille, WholePerMille int
	// RecordsMax bounds the records of a run, drawn from 10 on; 0: 50.
	RecordsMax int
	// TreeTimeout is drawn where it is zero: 0.5 to 5 s.
	TreeTimeout time.Duration
	New         func() Case
}

// Case is one run of a workload.
type Case interface {
	// Module returns a value of the case's own: it is forgotten with the run
	// (module.Forget).
	Module() module.Module
	// Append appends one record to one of the module's depots, as a program would.
	// Numbers count from 0, in the order of the calls.
	Append(a module.Appender, r *rand.Rand, number int) error
	// Acked is told what the append number returned.
	Acked(number int, acks module.Acks) error
	// Check compares the PStates with what was appended; records of numbers for
	// which parked is true were put aside or rejected. r is a [State].
	Check(r pstate.Reader, parked func(number int) bool) error
}

// Programmed is a [Case] whose records programs append, which wait for their answers,
// instead of Append.
type Programmed interface {
	// Programs says how many there are, and what each of them does. An error is a
	// violation.
	Programs() (count int, program func(*Program) error)
}

// Fault is a kind of fault.
type Fault uint8

// The faults of the world.
const (
	Crash         Fault = iota // an owner is gone, and its memory
	Zombie                     // an owner stands still, is replaced, and goes on
	LostReply                  // the store did it, nobody hears of it
	LateExec                   // the reply is given up, the command arrives after that
	Refused                    // the server refuses, and nothing is written
	Restart                    // a server restarts and has lost its tail
	Split                      // a server is replaced by one with a shorter tail, and goes on answering
	Reset                      // the connection of two workers breaks
	ClockJump                  // an owner's clock jumps ahead, or the brokers' to and fro
	Steal                      // another worker takes a task that has a healthy owner
	Stall                      // a connection delivers nothing for a while, and then everything
	TailLoss                   // a server that restarts or is replaced has lost its last writes
	SlotLoss                   // one slot loses its last writes, the others keep theirs
	ZombieWrite                // a commit of an owner that was replaced reaches the store
	Rebalance                  // a task moves again while it is being taken over
	DoubleFrame                // a frame is delivered again, behind later ones
	DoubleFetch                // the log delivers records again
	Slow                       // an owner takes its time, and nobody replaces it
	HandOver                   // a nominee asks a healthy owner to finish, and takes the task then, later, or never
	FullMemory                 // a server takes no writes for a while
	CrashPoint                 // an owner is gone at a moment of an event: around its commit, before its acks
	Held                       // a handler's events wait on a task, and the others go on
	Election                   // another broker leads a partition, with all of its records
	Truncation                 // the broker that leads a partition lacks its last records, and gives their offsets to others
	Retention                  // the oldest records of a partition are deleted
	Recreation                 // a topic is deleted and made again
	HandlerError               // a handler fails behind all that it did, by no fault of its own
	FullDisk                   // a process cannot keep events that find no room in its memory
	BadDisk                    // … or not read them back
	LostAppend                 // an append of a handler is not answered, and perhaps not in the log
	RefusedAppend              // an append of a handler is refused
	LateAppend                 // an append of a handler arrives late, and all behind it
	PhaseCrash                 // an owner is gone at a moment of a microbatch: its coordinator's, or its own
	faultCount
)

var faultNames = [faultCount]string{"crash", "zombie", "lost-reply", "late-exec", "refused", "restart", "split", "reset", "clock-jump", "steal", "stall",
	"tail-loss", "slot-loss", "zombie-write", "rebalance-in-take-over", "double-frame", "double-fetch", "slow", "hand-over", "full-memory",
	"crash-point", "held", "election", "truncation", "retention", "recreation", "handler-error", "full-disk", "bad-disk", "lost-append", "refused-append", "late-append", "phase-crash"}

func (f Fault) String() string {
	if f >= faultCount {
		return "none"
	}
	return faultNames[f]
}

// Plant is a bug on purpose.
type Plant uint8

// The planted bugs.
const (
	NoPlant      Plant = iota
	NoGuard            // the store does not check the head at commit (against R7)
	SameLineage        // all servers claim one lineage, so nothing is ever proven (against R13)
	LostIsDone         // a lost reply is taken for success (against R11)
	SplitCommit        // progress is kept although the data of its commit is not (against R7)
	DoubleFrames       // the network delivers frames twice under new numbers (against T30)
	StaleMaster        // nobody who is connected with a demoted server ever finds out (against R18)
	plantCount
)

var plantNames = [plantCount]string{"none", "no-guard", "same-lineage", "lost-is-done", "split-commit", "double-frames", "stale-master"}

func (p Plant) String() string { return plantNames[p] }
