package runtime

import (
	"fmt"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime/microbatch"
	"github.com/coppice-run/coppice/runtime/stream"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Microbatch topologies (R32 to R39). The machines are in package microbatch; here they
// are given what they need: micro.go loads them and lets them go on, micromail.go takes
// and sends what they say, microrun.go runs the events over a view of the attempt's own,
// microstage.go stores what was written, and applies it.
//
// Task 0 coordinates. Its owner says the same to itself as to the others.
const coordinating task.ID = 0

// askAgain is how long who asked waits for an answer before it asks again. What is lost
// with a connection is asked for at once.
const askAgain = 200e6 // 0.2 s

// micros are the microbatch topologies of a task.
type micros struct {
	all  []*micro
	feed []*feed // that are read for them, apart from those of streams
	mail []*wire.Frame
	own  []wire.Micro // what the task says to itself
	wait bool         // something of them finds no room in a commit with other things (R42)
	// begun: there are events to run that were not there when the task ran what it could.
	begun bool
}

// micro is one microbatch topology on this task.
type micro struct {
	topology    *topology
	coordinator *microbatch.Coordinator // of the coordinating task, else nil
	member      *microbatch.Participant
	run         *run          // the attempt that the task is in, with its overlay
	records     int64         // of all microbatches that are applied here
	applied     *overlay.View // of the microbatch that this owner has applied last
	stage       *stage        // what lies in the slot, or is on its way there
	spare       *stageMemory  // of the stage that was applied last

	store    *microbatch.State // to be stored with the next commit
	sealing  bool              // the stage is to be
	applying bool              // the write set and the stamp are to be

	look     looking         // at the task's own head, before it joins
	decision microbatch.Name // that the task was told of, and has not seen
	told     task.Mark       // the coordinator's head when it told
	seen     microbatch.Name // the decision that it has seen, and has not applied
	prove    looking         // at that head
	asked    []task.ID       // whose heads the coordinator looks at

	phase microbatch.Phase // as the listener knows it
	round int
	step  microbatch.Step

	hasAt   int64             // when what lies ready is told again
	has     []wire.MicroRange // as it was told
	hasSeen int64             // what had been fetched then
	failed  microbatch.Name   // the last attempt that was told that it cannot go on
	failure microFailure      // of the last attempt, if it was here
}

// microDone is what follows from a commit.
type microDone struct {
	micro *micro
	what  microStep
	state *microbatch.State // that is stored
	stage *stage            // that is applied
}

type microStep uint8

const (
	microStored microStep = iota
	microSealed
	microApplied
)

// DisagreeError: two slots disagree about a microbatch: one has lost commits that the
// other one has seen.
type DisagreeError struct{ Topology, What string }

func (e *DisagreeError) Error() string {
	return fmt.Sprintf("microbatch topology %s: %s: one slot has lost commits that another one has seen. Restore both to one moment, or have the module built anew from its depots; store.durability = replicated N prevents it", e.Topology, e.What)
}

// StuckError: a batch block fails at every attempt, and none of the microbatch's records is to
// blame: they have been left out one by one. The microbatch is not applied.
type StuckError struct{ Topology, What string }

func (e *StuckError) Error() string {
	return fmt.Sprintf("microbatch topology %s: %s. Mend the batch block, or what it rests on, and start the module again: nothing of the microbatch has taken effect, and what is put aside of it can run again", e.Topology, e.What)
}

// addMicro makes the part of a microbatch topology.
func (t *Task) addMicro(topo *topology) {
	topo.micro = &micro{topology: topo}
	t.micros.all = append(t.micros.all, topo.micro)
}

func (m *micros) forget(tasks int) {
	m.mail, m.own, m.wait, m.begun = make([]*wire.Frame, tasks), nil, false, false
	for _, one := range m.all {
		one.leave()
		*one = micro{topology: one.topology}
	}
}

// loadMicro takes over what the slot holds of a microbatch topology.
func (t *Task) loadMicro(topo *topology, stored map[string]string, chunks []store.Element) error {
	m := topo.micro
	stamp, err := wire.ParseStamp(stored[wire.StampField])
	if err != nil {
		return fmt.Errorf("stored stamp of topology %s: %w", topo.plan.Name, err)
	}
	seal, err := wire.ParseSeal(stored[wire.StageField])
	if err != nil {
		return fmt.Errorf("stored seal of topology %s: %w", topo.plan.Name, err)
	}
	m.stage, m.records = nil, stamp.Records
	if seal.ID != 0 {
		if m.stage, err = loadStage(&seal, chunks); err != nil {
			return fmt.Errorf("topology %s: %w", topo.plan.Name, err)
		}
		m.stage.ended = stagedOf(m.stage, wire.ParkedTable(t.config.Tag).Key)
	}
	m.member = microbatch.NewParticipant(microbatch.Name{ID: stamp.ID, Token: stamp.Token}, microbatch.Name{ID: seal.ID, Token: seal.Token})
	if t.config.Task != coordinating {
		return nil
	}
	state, err := microbatch.ParseState(stored[wire.CurrentField])
	if err != nil {
		return fmt.Errorf("topology %s: %w", topo.plan.Name, err)
	}
	state.Keep(func(source string) bool { return topo.numberOf(source) >= 0 })
	m.coordinator = microbatch.NewCoordinator(t.coordinatorConfig(topo), state, t.now)
	return nil
}

func (t *Task) coordinatorConfig(topo *topology) microbatch.Config {
	o := &topo.options
	return microbatch.Config{
		Topology: topo.plan.Name, Rounds: len(topo.plan.Rounds),
		Tasks: t.config.Tasks, NewToken: t.config.NewToken, AskAgain: askAgain,
		PhaseTimeout: int64(o.PhaseTimeout), ForceDelay: int64(o.ForceDelay),
		Pause: func(attempt int) int64 {
			return stream.Backoff(uint16(min(attempt+1, 30)), int64(o.RetryBackoff), int64(o.RetryBackoffMax), t.config.Random.Float64())
		},
		MaxAttempts: func(source string) int {
			if n, ok := topo.plan.SourceNumber(source); ok {
				s, _ := topo.plan.Source(n)
				return s.MaxAttempts
			}
			return 0
		},
		MaxAttemptsBare: topo.attemptsMax(),
	}
}

// attemptsMax is the largest number of attempts of the topology's sources; 0: one has no bound.
func (topo *topology) attemptsMax() (most int) {
	for _, s := range topo.plan.Sources {
		if s.MaxAttempts == 0 {
			return 0
		}
		most = max(most, s.MaxAttempts)
	}
	return most
}

// numberOf is the number of a source; -1: this version of the module does not have it.
func (topo *topology) numberOf(source string) int {
	if n, ok := topo.plan.SourceNumber(source); ok {
		return int(n)
	}
	return -1
}

// sourceName is the name of the source of a number.
func (topo *topology) sourceName(number uint16) (string, bool) {
	name := topo.plan.SourceName(number)
	return name, name != ""
}

// pollMicros lets the microbatch topologies go on, until none has anything to say.
func (t *Task) pollMicros() {
	if len(t.micros.all) == 0 || t.phase != running {
		return
	}
	for {
		for _, m := range t.micros.all {
			t.startRun(m)
			t.applySeen(m)
			t.tellAcks(m)
			t.tellReady(m)
			if m.coordinator != nil {
				t.coordinate(m)
			}
		}
		if t.phase != running || len(t.micros.own) == 0 {
			break
		}
		own := t.micros.own
		t.micros.own = nil
		for i := range own {
			t.onMicro(coordinating, t.head.Mark, true, &own[i])
		}
	}
	if t.phase == running {
		t.postMicros()
		t.askHeads()
	}
}

// coordinate lets the coordinator go on.
func (t *Task) coordinate(m *micro) {
	c := m.coordinator
	c.Hold(t.finishing || m.topology.paused())
	state, orders := c.Poll(t.now)
	if state != nil {
		m.store = state
	}
	for _, o := range orders {
		t.order(m, o)
	}
	t.noteMicro(m)
	if c.Phase() == microbatch.Broken && t.doom == nil {
		if c.Stuck() {
			t.haltIfOwner(&StuckError{m.topology.plan.Name, c.Word()})
		} else {
			t.haltIfOwner(&DisagreeError{m.topology.plan.Name, c.Word()})
		}
	}
}

// MicrobatchInfo says how far a task is with a microbatch topology.
type MicrobatchInfo struct {
	TaskInfo
	Topology   string
	Coordinate bool // it is about the coordinator, else about a task that takes part
	ID         uint64
	Phase      string // of the coordinator
	Round      int    // of phase "running": 0 is that of the records, the others are those of batch blocks
	Step       string // of the task
	Applied    uint64 // the last microbatch that the task has applied
	Failed     string // of the coordinator: why the latest attempt failed
}

// noteMicro tells the listener what has changed.
func (t *Task) noteMicro(m *micro) {
	if t.listener.Microbatch == nil || m.member == nil {
		return
	}
	info := MicrobatchInfo{TaskInfo: t.info, Topology: m.topology.plan.Name, Applied: m.member.Stamp().ID}
	if c := m.coordinator; c != nil && (c.Phase() != m.phase || m.phase == microbatch.Running && c.Round() != m.round) {
		m.phase, m.round = c.Phase(), c.Round()
		info.Coordinate, info.ID, info.Phase = true, c.State().ID, m.phase.String()
		if m.phase == microbatch.Running {
			info.Round = m.round
		}
		if m.phase == microbatch.Resting {
			info.Failed = c.Failed()
		}
		t.listener.Microbatch(info)
	}
	if m.member.Step() != m.step {
		m.step = m.member.Step()
		info.Coordinate, info.ID, info.Step, info.Phase, info.Round, info.Failed = false, m.member.Name().ID, m.step.String(), "", 0, ""
		t.listener.Microbatch(info)
	}
}

// order tells a task what the coordinator asks of it.
func (t *Task) order(m *micro, o microbatch.Order) {
	message := wire.Micro{Kind: uint8(o.Kind), ID: o.Name.ID, Token: o.Name.Token}
	if o.Kind == microbatch.Run {
		message.Round = uint16(m.coordinator.Round())
	}
	if o.Kind == microbatch.Run && message.Round == 0 {
		state := m.coordinator.State()
		message.Attempt = uint16(min(state.Attempt, 1<<16-1))
		numbers := state.Numbers()
		for i, r := range state.Ranges {
			if r.Task == o.To {
				message.Ranges = append(message.Ranges, wire.MicroRange{Source: uint16(m.topology.numberOf(r.Source)), From: r.From, To: r.To, Parked: r.Parked, Again: numbers[i]})
			}
		}
		for _, b := range state.Blames {
			if n := m.topology.numberOf(b.Source); b.Parks && b.Task == o.To && n >= 0 {
				message.Parks = append(message.Parks, wire.MicroPark{Source: uint16(n), Offset: b.Offset, Parked: b.Parked, Reason: b.Reason})
			}
		}
	}
	t.sayMicro(m, o.To, message)
}

// nextMicro is when a microbatch topology asks for something.
func (t *Task) nextMicro(earlier func(int64)) {
	for _, m := range t.micros.all {
		if m.coordinator != nil {
			earlier(m.coordinator.NextAt())
		}
		earlier(m.hasAt)
	}
}

// underWay reports whether the task coordinates a microbatch that has begun to run.
func (m *micro) underWay() bool {
	return m.coordinator != nil && m.coordinator.Phase() >= microbatch.Running && m.coordinator.Phase() != microbatch.Broken
}
