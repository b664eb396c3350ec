package microbatch

import (
	"cmp"
	"maps"
	"slices"

	"github.com/coppice-run/coppice/task"
)

// Kind is what a message between the coordinator and a task says.
type Kind uint8

// From the coordinator, and to it.
const (
	Join   Kind = iota + 1 // take part in an attempt
	Run                    // run the records of these ranges
	Stage                  // store what is to be written, and seal it
	Apply                  // it is decided
	Has                    // what lies ready behind a microbatch
	Joins                  // takes part
	Acks                   // events are over
	Fails                  // cannot go on
	Stages                 // sealed
	Stamps                 // has this stamp
)

var kindNames = [...]string{"", "join", "run", "stage", "apply", "has", "joins", "acks", "fails", "stages", "stamps"}

func (k Kind) String() string { return kindNames[k] }

// Order is a message of the coordinator's to one task.
type Order struct {
	To   task.ID
	Kind Kind
	Name Name
}

// Poll lets what is due happen, and says what the coordinator asks for: the state to
// store, or nil; and whom it asks what.
func (c *Coordinator) Poll(now int64) (store *State, orders []Order) {
	c.now = now
	switch c.phase {
	case Idle:
		c.begin()
	case Resting:
		if now >= c.restsUntil() {
			c.fix(c.state)
		}
	case Running, Staging:
		if now >= c.since+c.timeout() {
			c.slow++
			c.fail("phase " + c.phase.String() + " took too long")
		}
	}
	if c.store {
		c.store = false
		s := c.state
		store = &s
	}
	if now < c.askAt {
		return store, nil
	}
	orders = c.ask()
	if len(orders) > 0 {
		c.askAt = now + c.config.AskAgain
	}
	return store, orders
}

func (c *Coordinator) timeout() int64 { return c.config.PhaseTimeout << min(c.slow, 6) }

func (c *Coordinator) restsUntil() int64 { return c.since + c.config.Pause(c.failing) }

// begin fixes the next microbatch, of all that lies ready.
func (c *Coordinator) begin() {
	if len(c.have) == 0 || c.holds || c.now < c.began+c.config.ForceDelay {
		return
	}
	next := State{Name: Name{ID: c.state.ID + 1}, Before: c.state.Token}
	next.Ranges = slices.SortedFunc(maps.Values(c.have), func(a, b Range) int {
		return cmp.Or(cmp.Compare(a.Task, b.Task), cmp.Compare(a.Source, b.Source), cmp.Compare(a.Parked, b.Parked), cmp.Compare(a.From, b.From))
	})
	clear(c.have)
	again := 0
	next.Ranges = slices.DeleteFunc(next.Ranges, func(r Range) bool { // the tasks tell of the rest again
		if r.Parked != "" {
			again++
		}
		return r.Parked != "" && again > againMax
	})
	c.began = c.now
	c.fix(next)
}

// ask lists who is to be asked what in this phase.
func (c *Coordinator) ask() (orders []Order) {
	var kind Kind
	var done func(m *member) bool
	switch c.phase {
	case Joining:
		kind, done = Join, func(m *member) bool { return m.joined }
	case Running:
		kind, done = Run, func(m *member) bool { return m.ran }
	case Staging:
		kind, done = Stage, func(m *member) bool { return m.staged }
	case Applying:
		kind, done = Apply, func(m *member) bool { return m.stamp }
	default:
		return nil
	}
	for i := range c.members {
		if !done(&c.members[i]) {
			orders = append(orders, Order{task.ID(i), kind, c.state.Name})
		}
	}
	return orders
}

// Behind answers a task whose stamp is of an earlier microbatch than the one before this:
// the decision that it lacks; zero if that is not known any more.
func (c *Coordinator) Behind(stamp uint64) Name {
	switch {
	case stamp+1 == c.state.ID && c.state.Decided:
		return c.state.Name
	case stamp+2 == c.state.ID:
		return Name{stamp + 1, c.state.Before}
	}
	return Name{}
}

// NextAt is when Poll has something to do although nothing has come; 0: never.
func (c *Coordinator) NextAt() (at int64) {
	earlier := func(when int64) {
		if when > c.now && (at == 0 || when < at) {
			at = when
		}
	}
	switch c.phase {
	case Idle:
		if len(c.have) > 0 && !c.holds {
			earlier(c.began + c.config.ForceDelay)
		}
	case Resting:
		earlier(c.restsUntil())
	case Running, Staging:
		earlier(c.since + c.timeout())
		earlier(c.askAt)
	case Joining, Applying:
		earlier(c.askAt)
	}
	return at
}
