package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Retry is the workload of handlers that fail, panic, reject and park, at the
// root and after a hop: what fails leaves nothing behind from the failed event
// and succeeds in the end; what is put aside is told.
func Retry() Workload {
	return Workload{Name: "retry", Hops: true, Fails: true, New: func() Case { return &retryCase{} }}
}

// mood is how a record behaves.
type mood uint8

const (
	good      mood = iota
	rootFails      // the root event fails on the first attempts
	leafFails      // the event after a hop does
	panics
	rejects
	parks
	moods
)

type trial struct {
	Number int
	Mood   mood
	Fails  int // attempts that fail
	Key    string
}

type trying struct {
	Trials module.Depot[trial]
	Roots  pstate.Map[int, int]                        // by record: how often its root event took effect
	Leaves pstate.MapOf[string, pstate.SortedSet[int]] // by key: records whose leaf took effect
	Bad    pstate.Map[int, int]                        // written by events that fail: must stay empty
	leaf   module.Step[trial]
}

func (m *trying) Define(b *module.Builder) {
	module.HashDepot(b, &m.Trials, "trials", func(t trial) int { return t.Number })
	s := b.Stream("retry")
	s.PState(&m.Roots, "roots")
	s.PState(&m.Leaves, "leaves")
	s.PState(&m.Bad, "bad")
	module.DeclareStep(s, &m.leaf, "leaf", module.At(&m.Leaves, func(t trial) string { return t.Key }), m.onLeaf)
	module.DeclareSource(s, m.Trials, m.onTrial, module.StartFromBeginning(), module.MaxAttempts(0))
}

var errMood = errors.New("not this time")

func (m *trying) onTrial(ev *module.Event, t trial) error {
	if t.Mood == rootFails && ev.Attempt() <= t.Fails {
		m.Bad.Key(t.Number).Set(ev, 1)
		m.leaf.Send(ev, t)
		return errMood
	}
	if t.Mood == rejects {
		m.Bad.Key(t.Number).Set(ev, 1)
		return module.Reject(errMood)
	}
	m.Roots.Key(t.Number).Update(ev, func(n int) int { return n + 1 })
	m.leaf.Send(ev, t)
	return nil
}

func (m *trying) onLeaf(ev *module.Event, t trial) error {
	switch {
	case t.Mood == parks:
		return module.Park(errMood)
	case t.Mood == panics && ev.Attempt() <= t.Fails:
		m.Leaves.Key("bad").Add(ev, t.Number)
		panic("as it was asked")
	case t.Mood == leafFails && ev.Attempt() <= t.Fails:
		m.Leaves.Key(t.Key).Add(ev, -t.Number-1)
		return errMood
	}
	m.Leaves.Key(t.Key).Add(ev, t.Number)
	return nil
}

type retryCase struct {
	m      trying
	trials []trial
}

func (c *retryCase) Module() module.Module { return &c.m }

// ordering has people decide about the records that were parked.
func (c *retryCase) ordering() bool { return true }

func (c *retryCase) Append(a module.Appender, r *rand.Rand, number int) error {
	v := trial{Number: number, Mood: mood(r.IntN(int(moods))), Fails: 1 + r.IntN(3), Key: fmt.Sprintf("k%d", r.IntN(6))}
	c.trials = append(c.trials, v)
	_, err := c.m.Trials.Append(context.Background(), a, v)
	return err
}

// Acked accepts every record: that one was put aside is told to those who ask
// while its owner lives; to later ones it is done.
func (c *retryCase) Acked(int, module.Acks) error { return nil }

func (c *retryCase) Check(r pstate.Reader, parked func(int) bool) error {
	var wrong []error
	fail := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	for _, t := range c.trials {
		aside := t.Mood == rejects || t.Mood == parks
		if parked(t.Number) && !aside {
			fail("record %d of mood %d was put aside", t.Number, t.Mood)
		}
		if n, err := c.m.Bad.Key(t.Number).Get(r); err != nil || n != 0 {
			fail("record %d: a failed event left a write (%d, error %v)", t.Number, n, err)
		}
		if n, err := c.m.Roots.Key(t.Number).Get(r); err != nil || (n > 0) == (t.Mood == rejects) {
			fail("record %d of mood %d: its root took effect %d times (error %v)", t.Number, t.Mood, n, err)
		}
		if has, err := c.m.Leaves.Key(t.Key).Has(r, t.Number); err != nil || has == aside {
			fail("record %d of mood %d: leaf present: %v (error %v)", t.Number, t.Mood, has, err)
		}
		if has, err := c.m.Leaves.Key(t.Key).Has(r, -t.Number-1); err != nil || has {
			fail("record %d: a failed leaf left a write (error %v)", t.Number, err)
		}
	}
	return errors.Join(wrong...)
}
