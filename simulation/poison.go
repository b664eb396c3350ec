package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Poison is the workload of records that fail, and of some that then end the process
// that runs them: they are parked after MaxAttempts, whichever owners tried (R20).
// None of the records hop.
func Poison() Workload {
	return Workload{Name: "poison", Fails: true, FewAttempts: true, New: func() Case { return &poisonCase{deaths: map[int]int{}} }}
}

const poisonAttempts = 4

// poisonMood is how a record behaves.
type poisonMood uint8

const (
	harmless poisonMood = iota
	failsAtFirst
	failsAlways
	deadly // fails, and from the second attempt on ends its process
	poisonMoods
)

type dose struct {
	Number int
	Mood   poisonMood
}

type dosing struct {
	Doses module.Depot[dose]
	Taken pstate.Map[int, int] // by record: how often it took effect
	die   func(number int)
}

func (m *dosing) Define(b *module.Builder) {
	module.HashDepot(b, &m.Doses, "doses", func(d dose) int { return d.Number })
	s := b.Stream("poison")
	s.PState(&m.Taken, "taken")
	module.DeclareSource(s, m.Doses, m.onDose, module.StartFromBeginning(), module.MaxAttempts(poisonAttempts))
}

func (m *dosing) onDose(ev *module.Event, d dose) error {
	switch {
	case d.Mood == deadly && ev.Attempt() > 1:
		m.die(d.Number)
		return errMood
	case d.Mood >= failsAlways, d.Mood == failsAtFirst && ev.Attempt() == 1:
		return errMood
	}
	m.Taken.Key(d.Number).Update(ev, func(n int) int { return n + 1 })
	return nil
}

type poisonCase struct {
	m      dosing
	doses  []dose
	deaths map[int]int
}

func (c *poisonCase) Module() module.Module { return &c.m }

// killing hands the workload what ends the process whose handler runs.
func (c *poisonCase) killing(kill func()) {
	c.m.die = func(number int) {
		c.deaths[number]++
		kill()
	}
}

func (c *poisonCase) Append(a module.Appender, r *rand.Rand, number int) error {
	d := dose{Number: number}
	if r.IntN(3) == 0 {
		d.Mood = poisonMood(1 + r.IntN(int(poisonMoods)-1))
	}
	c.doses = append(c.doses, d)
	_, err := c.m.Doses.Append(context.Background(), a, d)
	return err
}

func (c *poisonCase) Acked(int, module.Acks) error { return nil }

func (c *poisonCase) Check(r pstate.Reader, _ func(int) bool) error {
	var wrong []error
	for _, d := range c.doses {
		least, most := 1, 1
		switch d.Mood {
		case failsAtFirst:
			least = 0 // owners that died while they ran it count, too
		case failsAlways, deadly:
			least, most = 0, 0
		}
		if n, err := c.m.Taken.Key(d.Number).Get(r); err != nil || n < least || n > most {
			wrong = append(wrong, fmt.Errorf("record %d of mood %d took effect %d times (error %v)", d.Number, d.Mood, n, err))
		}
	}
	return errors.Join(wrong...)
}

// checkKept is Check where no server has lost a write: no number of an attempt goes
// back then.
func (c *poisonCase) checkKept() error {
	for _, d := range c.doses {
		if n := c.deaths[d.Number]; n >= poisonAttempts {
			return fmt.Errorf("record %d ended %d processes, and may be tried %d times", d.Number, n, poisonAttempts)
		}
	}
	return nil
}
