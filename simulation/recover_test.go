package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// catching is a module whose handlers catch all panics, as Go programs do at their borders.
type catching struct {
	exact, quiet bool // quiet: a panic is no error

	In     module.Depot[int]
	Counts pstate.Map[int, int]
	Sums   pstate.Map[int, int]
	step   module.Step[int]
}

func (m *catching) Define(b *module.Builder) {
	module.HashDepot(b, &m.In, "in", func(n int) int { return n })
	var options []module.StreamOption
	if m.exact {
		options = append(options, module.ExactlyOnce())
	}
	s := b.Stream("s", options...)
	s.PState(&m.Counts, "counts")
	s.PState(&m.Sums, "sums")
	module.DeclareStep(s, &m.step, "step", module.At(&m.Sums, func(n int) int { return n % 5 }), func(ev *module.Event, n int) (err error) {
		defer m.guard(&err)
		agg.Inc(ev, m.Sums.Key(n%5))
		return nil
	})
	module.DeclareSource(s, m.In, func(ev *module.Event, n int) (err error) {
		defer m.guard(&err)
		m.step.Send(ev, n)
		agg.Inc(ev, m.Counts.Key(n))
		return nil
	}, module.StartFromBeginning())
}

func (m *catching) guard(err *error) {
	if p := recover(); p != nil && !m.quiet {
		*err = fmt.Errorf("caught: %v", p)
	}
}

type catchingCase struct {
	m        catching
	appended []int
}

func (c *catchingCase) Module() module.Module { return &c.m }

func (c *catchingCase) Append(a module.Appender, r *rand.Rand, _ int) error {
	n := r.IntN(100)
	c.appended = append(c.appended, n)
	_, err := c.m.In.Append(context.Background(), a, n)
	return err
}

func (c *catchingCase) Acked(int, module.Acks) error { return nil }

func (c *catchingCase) Check(r pstate.Reader, _ func(int) bool) error {
	counts, sums := map[int]int{}, map[int]int{}
	for _, n := range c.appended {
		counts[n]++
		sums[n%5]++
	}
	return errors.Join(c.compare(r, &c.m.Counts, counts), c.compare(r, &c.m.Sums, sums))
}

func (c *catchingCase) compare(r pstate.Reader, p *pstate.Map[int, int], want map[int]int) error {
	for key, least := range want {
		if n, err := p.Key(key).Get(r); err != nil || n < least || c.m.exact && n > least {
			return fmt.Errorf("key %d is counted %d times, %d were appended (error %v)", key, n, least, err)
		}
	}
	return nil
}

// A handler that catches panics catches those, too, by which the engine leaves it where it
// runs ahead or its task ends: it has been left all the same, and that is no failure of it.
func TestHandlersThatCatchPanics(t *testing.T) {
	t.Parallel()
	for _, m := range []catching{{}, {quiet: true}, {exact: true}, {exact: true, quiet: true}} {
		t.Run(fmt.Sprintf("exact %t quiet %t", m.exact, m.quiet), func(t *testing.T) {
			t.Parallel()
			for seed := range uint64(2 * seedsPerTest) {
				r := Twice(Config{Seed: seed, Workload: Workload{Name: "catching", Hops: true, Exact: m.exact, New: func() Case { return &catchingCase{m: m} }}})
				for _, v := range r.Violations {
					t.Fatalf("seed %d: %s", seed, v)
				}
			}
		})
	}
}
