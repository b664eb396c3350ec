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
	Seed     uint64
	Workload Workload
	// Tasks, Servers and Records are drawn from the seed where they are zero: 2 to
	// 6 tasks, 1 or 2 store servers, 20 records to as many as the workload says.
	Tasks, Servers, Records int
	// Calm leaves all faults out.
	Calm bool
	// Without leaves kinds of faults out.
	Without []Fault
	// Trace, if set, gets a line for everything that happens.
	Trace io.Writer
	// Plant breaks the world or a rule of the protocol on purpose, to show that
	// the checks find it.
	Plant Plant
	// spared are the faults that do not strike, by their number.
	spared map[int]bool
	// lostTail is what tasks do that find output of lost commits.
	lostTail runtime.LostTail
	// programs, if set, is how many of a workload's programs run.
	programs int
}

// Result is what became of a run.
type Result struct {
	Seed       uint64
	Workload   string
	Steps      int // things that happened in the world
	Events     int // events that handlers ran
	Faults     [faultCount]int
	Failures   int // attempts at records that failed
	Records    int
	Acked      int
	Alarms     int // tasks that halted because a slot had lost what another one kept
	Emitted    int // records that topologies appended
	LostTails  int // output found of commits that the store had lost (R31)
	Violations []string
	// Fingerprint is of all that happened: two runs of a seed have the same.
	Fingerprint uint64
	Tasks       int
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
	// Hops says that records have effects on several tasks.
	Hops bool
	// Durability is the level of the commits; nil: drawn.
	Durability *store.Level
	// Fails says that handlers fail on purpose.
	Fails bool
	// Drops says that a source does not retry: a record may end without its effects.
	Drops bool
	// Exact says that hops are exactly once.
	Exact bool
	// Detects has slots lose tails that others keep, also where no level prevents it:
	// nothing may be lost or doubled unless a task says so (R27).
	Detects bool
	// RecordsMax bounds the records of a run, drawn from 20 on; 0: 120.
	RecordsMax int
	New        func() Case
}

// Case is one run of a workload.
type Case interface {
	Module() module.Module
	// Append appends one record to one of the module's depots, as a program would.
	// Numbers count from 0, in the order of the calls.
	Append(a module.Appender, r *rand.Rand, number int) error
	// Acked is told what the append number returned.
	Acked(number int, acks module.Acks) error
	// Check compares the PStates with what was appended; records of numbers for
	// which parked is true were put aside.
	Check(r pstate.Reader, parked func(number int) bool) error
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
	ClockJump                  // an owner's clock jumps ahead
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
	LostAppend                 // an append of a handler is not answered, and perhaps not in the log
	RefusedAppend              // an append of a handler is refused
	LateAppend                 // an append of a handler arrives late, and all behind it
	faultCount
)

var faultNames = [faultCount]string{"crash", "zombie", "lost-reply", "late-exec", "refused", "restart", "split", "reset", "clock-jump", "steal", "stall",
	"tail-loss", "slot-loss", "zombie-write", "rebalance-in-take-over", "double-frame", "double-fetch", "slow", "hand-over", "full-memory",
	"crash-point", "held", "lost-append", "refused-append", "late-append"}

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
	plantCount
)

var plantNames = [plantCount]string{"none", "no-guard", "same-lineage", "lost-is-done", "split-commit", "double-frames"}

func (p Plant) String() string { return plantNames[p] }
