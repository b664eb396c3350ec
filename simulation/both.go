package simulation

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Both is the workload of two streams that read one depot and keep its order, and of a
// third that does not: each fails at records of its own, and some records of the first
// take a detour over other tasks, so that later ones are done before them. In the two
// the last writer of a group is its last record, in all three none is left out, and a
// record that is acked has taken effect in all.
func Both() Workload {
	return Workload{Name: "both", Hops: true, Fails: true, WholePerMille: 750, New: func() Case { return &bothCase{groups: map[string][]int{}} }}
}

// ordered is how many of the streams keep the order.
const ordered = 2

type note struct {
	Group  string
	Number int
	Fails  [3]int // attempts that fail, by stream
	Detour int    // hops that write nothing
	Trips  int    // attempts that fail at the last of them
	Home   bool   // they stay on the record's own task, where they may share its batch
}

// detour is a record on its way over other tasks.
type detour struct {
	Number, Left, Trips int
	Home                string // the group whose task it stays on
}

// by is what a detour is placed by.
func (d detour) by() string { return cmp.Or(d.Home, fmt.Sprint(d.Number, d.Left, d.Trips)) }

type noting struct {
	Notes module.Depot[note]
	Last  [3]pstate.Map[string, int]
	All   [3]pstate.MapOf[string, pstate.SortedSet[int]]
	pass  module.Step[detour]
}

func (m *noting) Define(b *module.Builder) {
	module.HashDepot(b, &m.Notes, "notes", func(n note) string { return n.Group })
	for i, name := range []string{"first", "second", "third"} {
		s := b.Stream(name)
		s.PState(&m.Last[i], "last"+name)
		s.PState(&m.All[i], "all"+name)
		if i == 0 {
			module.DeclareStep(s, &m.pass, "pass", module.ByHash(detour.by), m.onPass)
		}
		options := []module.SourceOption{module.StartFromBeginning(), module.MaxAttempts(0)}
		if i < ordered {
			options = append(options, module.RetryAllAfter())
		}
		module.DeclareSource(s, m.Notes, func(ev *module.Event, n note) error { return m.onNote(ev, i, n) }, options...)
	}
}

func (m *noting) onNote(ev *module.Event, i int, n note) error {
	if ev.Attempt() <= n.Fails[i] {
		return errMood
	}
	m.All[i].Key(n.Group).Add(ev, n.Number) // reads before it writes
	m.Last[i].Key(n.Group).Set(ev, n.Number)
	if i == 0 && n.Detour > 0 {
		d := detour{Number: n.Number, Left: n.Detour, Trips: n.Trips}
		if n.Home {
			d.Home = n.Group
		}
		m.pass.Send(ev, d)
	}
	return nil
}

func (m *noting) onPass(ev *module.Event, d detour) error {
	if d.Left > 1 {
		d.Left--
		m.pass.Send(ev, d)
	} else if ev.Attempt() <= d.Trips {
		return errMood
	}
	return nil
}

type bothCase struct {
	m      noting
	groups map[string][]int
	notes  []note
}

func (c *bothCase) Module() module.Module { return &c.m }

func (c *bothCase) Append(a module.Appender, r *rand.Rand, number int) error {
	n := note{Group: fmt.Sprintf("g%d", r.IntN(4)), Number: number + 1}
	for i := range n.Fails {
		if i < ordered && r.IntN(8) == 0 || i >= ordered && r.IntN(2) == 0 {
			n.Fails[i] = 1 + r.IntN(2)
		}
	}
	if r.IntN(4) == 0 {
		n.Detour = 1 + r.IntN(4)
		n.Trips = r.IntN(3)
		n.Home = r.IntN(3) == 0
	}
	c.notes = append(c.notes, n)
	c.groups[n.Group] = append(c.groups[n.Group], n.Number)
	_, err := c.m.Notes.Append(context.Background(), a, n)
	return err
}

func (c *bothCase) Acked(int, module.Acks) error { return nil }

// effects must be there when the record is acked.
func (c *bothCase) effects(r pstate.Reader, number int) error {
	n := c.notes[number]
	for i := range c.m.All {
		if has, err := c.m.All[i].Key(n.Group).Has(r, n.Number); err != nil || !has {
			return fmt.Errorf("stream %d has not applied it (error %v)", i, err)
		}
	}
	return nil
}

func (c *bothCase) Check(r pstate.Reader, _ func(int) bool) error {
	var wrong []error
	for _, group := range sortedKeys(c.groups) {
		numbers := c.groups[group]
		for i := range c.m.All {
			if last, err := c.m.Last[i].Key(group).Get(r); err != nil || last != numbers[len(numbers)-1] && i < ordered {
				wrong = append(wrong, fmt.Errorf("stream %d, group %s: written last by record %d (error %v), want %d", i, group, last-1, err, numbers[len(numbers)-1]-1))
			}
			for _, n := range numbers {
				if has, err := c.m.All[i].Key(group).Has(r, n); err != nil || !has {
					wrong = append(wrong, fmt.Errorf("stream %d left out record %d of group %s (error %v)", i, n-1, group, err))
				}
			}
		}
	}
	return errors.Join(wrong...)
}
