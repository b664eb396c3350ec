package microbatch

import (
	"github.com/coppice-run/coppice/task"
)

// Phase is where a coordinator is.
type Phase uint8

// The phases, in their order.
const (
	Idle       Phase = iota // waits for records
	Resting                 // waits before the next attempt
	Joining                 // id, ranges and token go to the slot; waits for every task, without limit
	Running                 // events run
	Staging                 // every task stores what it is to write
	Verifying               // the seals have been heard of, and are looked at
	Deciding                // the decision is on its way to the slot
	Applying                // every task applies
	Confirming              // the stamps have been heard of, and are looked at
	Broken                  // two slots disagree, or no attempt can succeed
)

var phaseNames = [...]string{"idle", "resting", "joining", "running", "staging", "verifying", "deciding", "applying", "confirming", "broken"}

func (p Phase) String() string { return phaseNames[p] }

// Config is what a coordinator heeds. Times are in nanoseconds.
type Config struct {
	Topology string // its name
	Tasks    int
	// Rounds are those of batch blocks, which follow the round of the records: each begins
	// with one event on every task, when all events of the one before are over.
	Rounds   int
	NewToken func() task.Token
	// PhaseTimeout ends an attempt whose events, or whose stages, take longer. It doubles
	// with each that does, up to 64 times: a microbatch that is slow is not tried for ever.
	PhaseTimeout int64
	// AskAgain is how long it waits for an answer before it asks again.
	AskAgain int64
	// Pause before another attempt, by the number of those that failed.
	Pause func(attempt int) int64
	// MaxAttempts of a source, after which a record that fails is put aside; 0: none is.
	MaxAttempts func(source string) int
	// MaxAttemptsBare is that of batch blocks in a microbatch without ranges.
	MaxAttemptsBare int
	// ForceDelay is the least time between the beginnings of two microbatches.
	ForceDelay int64
}

// Coordinator is the machine of the task that coordinates. Not for concurrent use.
type Coordinator struct {
	config  Config
	state   State
	phase   Phase
	members []member
	have    map[rangeKey]Range // what lies ready behind the latest microbatch
	round   int                // of phase Running
	xor     uint64
	now     int64
	since   int64 // when the phase began
	began   int64 // when the latest microbatch did
	askAt   int64 // when it asks again
	store   bool  // the state is to be stored
	fixed   bool  // the id, the ranges and the token are
	holds   bool  // begins no microbatch: paused, or ends
	word    string
	failed  string // why the latest attempt failed
	failing int    // attempts that failed in a row
	slow    int    // of those, by taking too long
	blocked int    // attempts that a batch block has failed
	stuck   bool   // Broken because no attempt can succeed
}

type rangeKey struct {
	source string
	task   task.ID
	parked string
	offset int64 // of what is put aside
}

func keyOf(r Range) rangeKey {
	k := rangeKey{source: r.Source, task: r.Task, parked: r.Parked}
	if r.Parked != "" {
		k.offset = r.From
	}
	return k
}

// member is a task as the coordinator knows it, in this phase and attempt.
type member struct {
	owner  task.Token // that joined
	joined bool
	staged bool
	ran    bool // an ack of it has come
	stamp  bool
	looked bool      // its head is to be looked at before its stamp is believed:
	proves Name      // the stamp, of a microbatch that is not decided here, or is long past
	proof  task.Mark // of a commit with that stamp
	mark   task.Mark // of the commit that the phase rests on
	shown  bool      // it was seen, or is of the coordinator's own lineage
}

// NewCoordinator returns one that goes on from what its slot holds.
func NewCoordinator(config Config, state State, now int64) *Coordinator {
	c := &Coordinator{config: config, state: state, members: make([]member, config.Tasks), have: map[rangeKey]Range{}, now: now, began: now - config.ForceDelay}
	switch {
	case state.IsZero():
		c.enter(Idle)
	case state.Decided:
		c.enter(Applying)
	default:
		c.fix(state)
	}
	return c
}

// Phase is where it is; Name the latest microbatch, Decided whether it has been decided.
func (c *Coordinator) Phase() Phase { return c.phase }

// Ready is the number of records that lie ready for the next microbatch, as far as the
// tasks have told.
func (c *Coordinator) Ready() (n int64) {
	for _, r := range c.have {
		n += r.To - r.From
	}
	return n
}

// State is what the slot holds, or is to hold.
func (c *Coordinator) State() *State { return &c.state }

// Failed is why the latest attempt failed, "" if none has.
func (c *Coordinator) Failed() string { return c.failed }

// Hold has it begin no microbatch while it is true; what is under way goes on.
func (c *Coordinator) Hold(yes bool) { c.holds = yes }

// Configure takes other times.
func (c *Coordinator) Configure(config Config) { c.config = config }

func (c *Coordinator) enter(p Phase) {
	c.phase, c.since, c.askAt = p, c.now, 0
	switch p {
	case Joining:
		for i := range c.members {
			c.members[i] = member{}
		}
	case Running:
		c.begins(0)
	case Staging, Applying:
		for i := range c.members {
			m := &c.members[i]
			m.staged, m.stamp, m.mark, m.shown = false, false, task.Mark{}, false
		}
	}
}

// begins has a round run, on every task.
func (c *Coordinator) begins(round int) {
	c.round, c.xor, c.since, c.askAt = round, 0, c.now, 0
	for i := range c.members {
		c.members[i].ran = false
		if round == 0 {
			c.xor ^= c.state.Root(task.ID(i))
		} else {
			c.xor ^= c.state.RoundRoot(c.config.Topology, task.ID(i), round)
		}
	}
}

// Round is the round of phase Running: 0 is that of the records.
func (c *Coordinator) Round() int { return c.round }

// fix begins an attempt under a token of its own. Tasks may join it while it is being
// stored, since that rests on nothing; its events run when it is, so that each attempt has
// the same ranges.
func (c *Coordinator) fix(s State) {
	s.Token = c.config.NewToken()
	s.Attempt++
	c.state, c.store, c.fixed = s, true, false
	c.enter(Joining)
}

// Stored says that a state that Poll handed out is committed, and durable at the level. One
// that is out of date says nothing.
func (c *Coordinator) Stored(s *State) {
	switch {
	case s.Name != c.state.Name:
	case s.Decided && c.phase == Deciding:
		c.failing, c.slow, c.blocked = 0, 0, 0
		c.enter(Applying)
	case !s.Decided:
		c.fixed = true
		c.joined()
	}
}

// Have tells what lies ready on a task behind microbatch id.
func (c *Coordinator) Have(id uint64, r Range) {
	if id == c.state.ID && r.To > r.From {
		c.have[keyOf(r)] = r
	}
}

// current reports whether a message is about the attempt, in one of the phases.
func (c *Coordinator) current(n Name, phases ...Phase) bool {
	if n != c.state.Name {
		return false
	}
	for _, p := range phases {
		if p == c.phase {
			return true
		}
	}
	return false
}

// Joined tells that a task takes part, by its present owner.
func (c *Coordinator) Joined(n Name, from task.ID, owner task.Token) {
	if !c.current(n, Joining, Running, Staging) {
		return
	}
	switch m := &c.members[from]; {
	case !m.joined && c.phase == Joining:
		m.joined, m.owner = true, owner
		c.joined()
	default:
		c.replaced(from, owner)
	}
}

// joined has the events run when all tasks take part, and it is stored which.
func (c *Coordinator) joined() {
	if c.phase == Joining && c.fixed && c.all(func(m *member) bool { return m.joined }) {
		c.enter(Running)
	}
}

// Acked takes acks: the XOR of the ids of events that are over and of those that they
// have sent. Acks of another owner than the one that joined rest on an overlay that is
// gone.
func (c *Coordinator) Acked(n Name, from task.ID, owner task.Token, delta uint64) {
	if !c.current(n, Running) || c.replaced(from, owner) {
		return
	}
	c.members[from].ran = true
	if c.xor ^= delta; c.xor != 0 {
		return
	}
	if c.round < c.config.Rounds {
		c.begins(c.round + 1)
		return
	}
	c.enter(Staging)
}

func (c *Coordinator) anyJoined() bool {
	return !c.all(func(m *member) bool { return !m.joined })
}

// Word is what is wrong in phase Broken; Stuck reports whether it is that no attempt can
// succeed, else two slots disagree.
func (c *Coordinator) Word() string { return c.word }

// Stuck: see Word.
func (c *Coordinator) Stuck() bool { return c.stuck }

func (c *Coordinator) all(which func(*member) bool) bool {
	for i := range c.members {
		if !which(&c.members[i]) {
			return false
		}
	}
	return true
}
