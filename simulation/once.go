package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Once is the workload of a source that does not retry: each record takes effect
// at most once, at its root and behind each hop, whatever happens; one that is
// acked took effect; and one whose root event failed took none.
func Once() Workload {
	return Workload{Name: "once", Hops: true, Fails: true, Drops: true, New: func() Case { return &onceCase{acked: map[int]bool{}} }}
}

type shot struct {
	Number int
	Fails  bool
	Quiet  bool     // its root writes nothing
	Keys   []string // a hop each
}

type landing struct {
	Number int
	Key    string
	Leaps  int // hops still to go
}

type shooting struct {
	Shots module.Depot[shot]
	Roots pstate.Map[int, int]                             // by record
	Lands pstate.MapOf[string, pstate.SortedMap[int, int]] // by key and record
	land  module.Step[landing]
}

func (m *shooting) Define(b *module.Builder) {
	module.HashDepot(b, &m.Shots, "shots", func(s shot) int { return s.Number })
	s := b.Stream("once")
	s.PState(&m.Roots, "roots")
	s.PState(&m.Lands, "lands")
	module.DeclareStep(s, &m.land, "land", module.At(&m.Lands, func(l landing) string { return l.Key }), m.onLand)
	module.DeclareSource(s, m.Shots, m.onShot, module.StartFromBeginning(), module.RetryNone())
}

func (m *shooting) onShot(ev *module.Event, s shot) error {
	if !s.Quiet {
		m.Roots.Key(s.Number).Update(ev, func(n int) int { return n + 1 })
	}
	for i, key := range s.Keys {
		m.land.Send(ev, landing{Number: s.Number, Key: key, Leaps: i % 2})
	}
	if s.Fails {
		return errMood
	}
	return nil
}

func (m *shooting) onLand(ev *module.Event, l landing) error {
	m.Lands.Key(l.Key).Key(l.Number).Update(ev, func(n int) int { return n + 1 })
	if l.Leaps > 0 {
		m.land.Send(ev, landing{Number: l.Number, Key: "over " + l.Key})
	}
	return nil
}

type onceCase struct {
	m     shooting
	shots []shot
	acked map[int]bool
}

func (c *onceCase) Module() module.Module { return &c.m }

func (c *onceCase) Append(a module.Appender, r *rand.Rand, number int) error {
	v := shot{Number: number, Fails: r.IntN(8) == 0, Quiet: r.IntN(3) == 0}
	for i := range r.IntN(4) {
		v.Keys = append(v.Keys, fmt.Sprintf("k%d-%d", i, r.IntN(4)))
	}
	c.shots = append(c.shots, v)
	_, err := c.m.Shots.Append(context.Background(), a, v)
	return err
}

func (c *onceCase) Acked(number int, _ module.Acks) error {
	c.acked[number] = true
	return nil
}

// effects must be there when the record is acked.
func (c *onceCase) effects(r pstate.Reader, number int) error {
	s := c.shots[number]
	if n, err := c.m.Roots.Key(number).Get(r); !s.Quiet && (err != nil || n != 1) {
		return fmt.Errorf("its root took effect %d times (error %v)", n, err)
	}
	for i, key := range s.Keys {
		if i%2 == 1 {
			key = "over " + key
		}
		if n, err := c.m.Lands.Key(key).Key(number).Get(r); err != nil || n != 1 {
			return fmt.Errorf("it landed at %s %d times (error %v)", key, n, err)
		}
	}
	return nil
}

func (c *onceCase) Check(r pstate.Reader, _ func(int) bool) error {
	var wrong []error
	fail := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	for _, s := range c.shots {
		roots, err := c.m.Roots.Key(s.Number).Get(r)
		if err != nil || roots > 1 || s.Fails && roots > 0 {
			fail("record %d (fails: %v): its root took effect %d times (error %v)", s.Number, s.Fails, roots, err)
		}
		if s.Fails && c.acked[s.Number] {
			fail("record %d failed and was acked", s.Number)
		}
		for i, key := range s.Keys {
			for leap := range i%2 + 1 {
				if leap == 1 {
					key = "over " + key
				}
				n, err := c.m.Lands.Key(key).Key(s.Number).Get(r)
				if err != nil || n > 1 || n > roots && !s.Quiet || s.Fails && n > 0 {
					fail("record %d: root %d times, at key %s %d times (error %v)", s.Number, roots, key, n, err)
				}
			}
		}
	}
	return errors.Join(wrong...)
}
