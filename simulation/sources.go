package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Sources is the workload of a depot that several sources read: two of one stream,
// one that keeps its order, and one of another stream. One of them is held up again
// and again, so that owners find it far behind the others, read for it apart, and
// join it to them. None of the records hop: each source applies each record once.
func Sources() Workload {
	return Workload{Name: "sources", Fails: true, LossPerMille: 850, New: func() Case { return &sourcesCase{} }}
}

type chore struct {
	Number int
	Stuck  int // attempts of the source that is held up that fail
}

type readers struct {
	Chores module.Depot[chore]
	Quick  pstate.Map[int, int]
	Late   pstate.Map[int, int]
	Kept   pstate.Map[int, int]
	Other  pstate.Map[int, int]
}

func (m *readers) Define(b *module.Builder) {
	module.HashDepot(b, &m.Chores, "chores", func(c chore) int { return c.Number })
	s := b.Stream("sources")
	s.PState(&m.Quick, "quick")
	s.PState(&m.Late, "late")
	s.PState(&m.Kept, "kept")
	once := func(p *pstate.Map[int, int]) func(*module.Event, chore) error {
		return func(ev *module.Event, c chore) error {
			p.Key(c.Number).Update(ev, func(n int) int { return n + 1 })
			return nil
		}
	}
	module.DeclareSource(s, m.Chores, once(&m.Quick), module.StartFromBeginning())
	module.DeclareSource(s, m.Chores, func(ev *module.Event, c chore) error {
		if ev.Attempt() <= c.Stuck {
			return errMood
		}
		return once(&m.Late)(ev, c)
	}, module.SourceID("late"), module.StartFromBeginning(), module.MaxAttempts(0))
	module.DeclareSource(s, m.Chores, once(&m.Kept), module.SourceID("kept"), module.StartFromBeginning(), module.RetryAllAfter())
	other := b.Stream("other")
	other.PState(&m.Other, "other")
	module.DeclareSource(other, m.Chores, once(&m.Other), module.StartFromBeginning())
}

type sourcesCase struct {
	m    readers
	last int
}

func (c *sourcesCase) Module() module.Module { return &c.m }

func (c *sourcesCase) Append(a module.Appender, r *rand.Rand, number int) error {
	v := chore{Number: number}
	if r.IntN(5) == 0 {
		v.Stuck = r.IntN(9)
	}
	c.last = number
	_, err := c.m.Chores.Append(context.Background(), a, v)
	return err
}

func (c *sourcesCase) Acked(int, module.Acks) error { return nil }

func (c *sourcesCase) Check(r pstate.Reader, _ func(int) bool) error { return c.CheckLoss(r, Losses{}) }

// CheckLoss wants each record applied once by each source, but for those that the log
// has lost. The source that keeps its order applies again what came behind a failure.
func (c *sourcesCase) CheckLoss(r pstate.Reader, l Losses) error {
	var wrong []error
	for number := range c.last + 1 {
		least, most := 1, 1
		switch l.Fate(number) {
		case Lost:
			least, most = 0, 0
		case Unsure:
			least = 0
		}
		for _, source := range []struct {
			name string
			p    *pstate.Map[int, int]
			most int
		}{{"quick", &c.m.Quick, most}, {"late", &c.m.Late, most}, {"kept", &c.m.Kept, most * 1000}, {"other", &c.m.Other, most}} {
			if n, err := source.p.Key(number).Get(r); err != nil || n < least || n > source.most {
				wrong = append(wrong, fmt.Errorf("source %s applied record %d %d times, want %d to %d (error %v)", source.name, number, n, least, source.most, err))
			}
		}
	}
	return errors.Join(wrong...)
}
