package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/google/uuid"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
)

// Exact is the workload of an exactly-once topology over several levels of hops: each
// event counts, so one that is lost or repeated shows (R23 to R29). Some fail a few
// times first, at the root or further down, some are rejected or parked there.
func Exact() Workload {
	return Workload{Name: "exactly-once", Hops: true, Fails: true, Exact: true, New: func() Case { return &exactCase{m: branching{asked: map[uuid.UUID]int{}}} }}
}

// Torn is the same where slots lose tails that others keep, and commits are applied
// only: whatever is lost or doubled then, a task must say so.
func Torn() Workload {
	w := Exact()
	w.Name, w.Detects, w.Durability = "torn", true, &store.Applied
	return w
}

type branch struct {
	Number int
	Path   string // of the event in its tree
	Key    string
	Fails  int    // attempts that fail first
	Asks   bool   // it is sent by way of a call to the outside, which fails at first
	End    ending // how the event ends
	Below  []branch
}

// ending is what the handler of an event does in the end.
type ending int

const (
	counted ending = iota
	rejected
	parkedAside
)

type branching struct {
	Roots  module.Depot[branch]
	Visits pstate.MapOf[string, pstate.Map[string, int]] // by key, by event: how often it took effect
	Totals pstate.Map[string, int]
	Leaves module.Ack[int]

	grow module.Step[branch]
	stay module.Step[branch]
	ask  module.Call[branch]

	asked map[uuid.UUID]int // how often
}

func (m *branching) Define(b *module.Builder) {
	module.HashDepot(b, &m.Roots, "roots", func(v branch) string { return v.Key })
	s := b.Stream("exact", module.ExactlyOnce())
	s.PState(&m.Visits, "visits")
	s.PState(&m.Totals, "totals")
	module.DeclareAck(s, &m.Leaves, agg.Sum[int]())
	module.DeclareStep(s, &m.grow, "grow", module.At(&m.Visits, func(v branch) string { return v.Key }), m.onBranch)
	module.DeclareStep(s, &m.stay, "stay", module.Stay[branch](), m.onBranch)
	module.DeclareCall(s, &m.ask, "ask", m.onAsk, &m.grow)
	module.DeclareSource(s, m.Roots, m.onBranch, module.StartFromBeginning(), module.MaxAttempts(exactAttempts))
}

// exactAttempts is more than an event of the workload fails by itself and by the
// deaths of its owners.
const exactAttempts = 60

func (m *branching) onBranch(ev *module.Event, v branch) error {
	agg.Inc(ev, m.Visits.Key(v.Key).Key(v.name()))
	agg.Inc(ev, m.Totals.Key(v.Key))
	m.Leaves.Return(ev, 1)
	for _, child := range v.Below {
		switch {
		case child.Asks:
			m.ask.Start(ev, child)
		case child.Key == v.Key:
			m.stay.Send(ev, child)
		default:
			m.grow.Send(ev, child)
		}
	}
	return endOf(ev, v)
}

func (m *branching) onAsk(ctx context.Context, v branch) (branch, error) {
	id := module.CallID(ctx)
	m.asked[id]++
	if m.asked[id] <= v.Fails {
		return branch{}, fmt.Errorf("nobody answers: %w", errMood)
	}
	return v, nil
}

func (v *branch) name() string { return fmt.Sprintf("%d%s", v.Number, v.Path) }

type exactCase struct {
	m     branching
	grown []branch
}

func (c *exactCase) Module() module.Module { return &c.m }

func (c *exactCase) Append(a module.Appender, r *rand.Rand, number int) error {
	v := grown(r, number, "", 3)
	c.grown = append(c.grown, v)
	_, err := c.m.Roots.Append(context.Background(), a, v)
	return err
}

func grown(r *rand.Rand, number int, path string, depth int) branch {
	v := branch{Number: number, Path: path, Key: fmt.Sprintf("k%d", r.IntN(8))}
	if r.IntN(12) == 0 {
		v.Fails = 1 + r.IntN(2)
	}
	if r.IntN(40) == 0 {
		v.End = ending(1 + r.IntN(2))
	}
	if depth > 0 {
		for i := range r.IntN(4) {
			child := grown(r, number, fmt.Sprintf("%s.%d", path, i), depth-1)
			if r.IntN(5) == 0 {
				child.Key = v.Key // stays on the task
			}
			child.Asks = r.IntN(10) == 0
			v.Below = append(v.Below, child)
		}
	}
	return v
}

// events calls f for each event that takes effect.
func (v *branch) events(f func(*branch)) {
	if v.End != counted {
		return
	}
	f(v)
	for i := range v.Below {
		v.Below[i].events(f)
	}
}

// ends reports whether an event of the tree that runs is rejected or parked.
func (v *branch) ends() bool {
	if v.End != counted {
		return true
	}
	for i := range v.Below {
		if v.Below[i].ends() {
			return true
		}
	}
	return false
}

func (c *exactCase) Acked(number int, acks module.Acks) error {
	v := &c.grown[number]
	if v.ends() {
		return errors.New("it was acked, and an event of it was rejected or parked")
	}
	n, ok := c.m.Leaves.From(acks)
	if !ok {
		return nil // an earlier owner of the task knew
	}
	want := 0
	v.events(func(*branch) { want++ })
	if n != want {
		return fmt.Errorf("its tree returned %d, it has %d events", n, want)
	}
	return nil
}

func (c *exactCase) Check(r pstate.Reader, _ func(int) bool) error {
	var wrong []error
	totals := map[string]int{}
	for i := range c.grown {
		c.grown[i].events(func(v *branch) {
			totals[v.Key]++
			n, err := c.m.Visits.Key(v.Key).Key(v.name()).Get(r)
			if err != nil || n != 1 {
				wrong = append(wrong, fmt.Errorf("event %s at key %s took effect %d times (error %v)", v.name(), v.Key, n, err))
			}
		})
	}
	for _, key := range sortedKeys(totals) {
		n, err := c.m.Totals.Key(key).Get(r)
		if err != nil || n != totals[key] {
			wrong = append(wrong, fmt.Errorf("key %s has a total of %d (error %v), the log's fold has %d", key, n, err, totals[key]))
		}
	}
	return errors.Join(wrong...)
}
