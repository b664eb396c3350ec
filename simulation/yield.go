package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/flow"
	"github.com/coppice-run/coppice/pstate"
)

// Yield is the workload of events that give their task up in the middle (promise 11.12), in
// the root event or behind a hop, in a source that tries failed records alone and in one that
// keeps its order; handlers fail in any turn. No record of a key comes between the turns of
// another one, and in the second source the last runs of a key's records are in their order.
func Yield() Workload {
	return Workload{Name: "yield", Hops: true, Fails: true, New: func() Case { return &yieldCase{} }}
}

// errand is a record that takes several turns of a loop.
type errand struct {
	Key           string
	Number, Turns int
	Away          bool // behind a hop
	FailAt, Fails int  // the turn that fails, and how many attempts do
}

// place is where it leaves its turns.
func (c errand) place() string {
	if c.Away {
		return c.Key + " far"
	}
	return c.Key
}

// turned is what a turn leaves.
type turned struct{ Number, Turn int }

type yielding struct {
	Chores module.Depot[errand]
	Duties module.Depot[errand]
	Done   pstate.MapOf[string, pstate.List[turned]] // by place
}

func (m *yielding) Define(b *module.Builder) {
	key := func(c errand) string { return c.Key }
	module.HashDepot(b, &m.Chores, "chores", key)
	module.HashDepot(b, &m.Duties, "duties", key)
	s := b.Stream("yield")
	s.PState(&m.Done, "done")
	flow.Source(s, m.Chores, m.turns, module.StartFromBeginning(), module.MaxAttempts(0))
	flow.Source(s, m.Duties, m.turns, module.StartFromBeginning(), module.MaxAttempts(0), module.RetryAllAfter())
}

func (m *yielding) turns(b *flow.Block, c flow.Var[errand]) {
	flow.IfTrue(b, flow.F1(func(c errand) bool { return c.Away }, c), func(b *flow.Block) {
		flow.HopAt(b, &m.Done, flow.F1(errand.place, c))
	})
	last := flow.Each(b, flow.F1(func(c errand) int { return c.Turns - 1 }, c))
	flow.LoopWith(b, flow.Const(0), func(l flow.Loop[int], b *flow.Block, turn flow.Var[int]) {
		flow.Do2(b, m.turn, c, turn)
		flow.KeepTrue(b, flow.Less(turn, last))
		flow.YieldIfOvertime(b)
		l.Continue(b, flow.F1(func(n int) int { return n + 1 }, turn))
	})
}

func (m *yielding) turn(ev *module.Event, c errand, turn int) error {
	if turn == c.FailAt && ev.Attempt() <= c.Fails {
		return errMood
	}
	m.Done.Key(c.place()).Push(ev, turned{c.Number, turn})
	return nil
}

type yieldCase struct {
	m      yielding
	chores []errand
}

func (c *yieldCase) Module() module.Module { return &c.m }

func (c *yieldCase) Append(a module.Appender, r *rand.Rand, number int) error {
	v := errand{Number: number, Turns: 1 + r.IntN(5), Away: r.IntN(2) == 0}
	if r.IntN(6) == 0 {
		v.FailAt, v.Fails = r.IntN(v.Turns), 1+r.IntN(2)
	}
	depot := c.m.Chores
	v.Key = fmt.Sprint("chore ", r.IntN(2))
	if r.IntN(2) == 0 {
		depot = c.m.Duties
		v.Key = fmt.Sprint("duty ", r.IntN(2))
	}
	c.chores = append(c.chores, v)
	_, err := depot.Append(context.Background(), a, v)
	return err
}

func (c *yieldCase) Acked(int, module.Acks) error { return nil }

// effects must be there when the record is acked.
func (c *yieldCase) effects(r pstate.Reader, number int) error {
	v := c.chores[number]
	done, err := c.done(r, v.place())
	if err != nil || !slices.Contains(done, turned{v.Number, v.Turns - 1}) {
		return fmt.Errorf("its last turn, of %d, has not been at %s (error %v)", v.Turns, v.place(), err)
	}
	return nil
}

func (c *yieldCase) done(r pstate.Reader, place string) (done []turned, err error) {
	for e, err := range c.m.Done.Key(place).Range(r, pstate.All[int]()) {
		if err != nil {
			return nil, err
		}
		done = append(done, e.Val)
	}
	return done, nil
}

func (c *yieldCase) Check(r pstate.Reader, _ func(int) bool) error { return c.CheckLoss(r, Losses{}) }

// CheckLoss wants no turn without the one before it, and all of what the log holds, but for
// what must pass a task that has halted.
func (c *yieldCase) CheckLoss(r pstate.Reader, l Losses) error {
	places := map[string][]errand{}
	for _, v := range c.chores {
		places[v.place()] = append(places[v.place()], v)
	}
	var wrong []error
	for _, place := range sortedKeys(places) {
		done, err := c.done(r, place)
		if err != nil {
			return err
		}
		for i, t := range done {
			if t.Turn > 0 && (i == 0 || done[i-1] != turned{t.Number, t.Turn - 1}) {
				wrong = append(wrong, fmt.Errorf("%s: turn %d of record %d does not follow the one before it: %v", place, t.Turn, t.Number, done[:i+1]))
				break
			}
		}
		wrong = append(wrong, c.ends(place, done, places[place], l)...)
	}
	return errors.Join(wrong...)
}

// ends holds the last runs of a place's records against what they are to be.
func (c *yieldCase) ends(place string, done []turned, chores []errand, l Losses) (wrong []error) {
	before := -1 // the end of the record before, of those that keep their order
	for _, v := range chores {
		if l.Fate(v.Number) != Stands || c.needsHalted(v.Number, l) {
			continue
		}
		end := -1
		for i, t := range done {
			if t == (turned{v.Number, v.Turns - 1}) {
				end = i
			}
		}
		switch {
		case end < 0:
			wrong = append(wrong, fmt.Errorf("%s: record %d has not taken its last turn, of %d: %v", place, v.Number, v.Turns, done))
		case v.keepsOrder() && !l.Any() && end < before:
			wrong = append(wrong, fmt.Errorf("%s: the last run of record %d is before that of one before it: %v", place, v.Number, done))
		}
		before = max(before, end)
	}
	return wrong
}

func (c errand) keepsOrder() bool { return c.Key[0] == 'd' }

// needsHalted reports whether a record has to pass a task that has halted, or one before it
// in its partition, where nothing overtakes.
func (c *yieldCase) needsHalted(number int, l Losses) bool {
	v := c.chores[number]
	if l.HaltedKey(v.place()) {
		return true
	}
	for _, other := range c.chores[:v.Number] {
		if v.keepsOrder() && l.Same(other.Number, v.Number) && l.HaltedKey(other.place()) {
			return true
		}
	}
	return false
}
