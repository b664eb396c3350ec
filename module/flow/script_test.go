package flow_test

import (
	"fmt"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/module/flow"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/simulation"
)

// script is a module of one flow, which notes what it comes by.
type script struct {
	build   func(m *script, b *flow.Block, v flow.Var[int])
	options []module.StreamOption

	Numbers module.Depot[int]
	Others  module.Depot[string]
	Said    pstate.MapOf[string, pstate.List[string]]
	Counts  pstate.Map[string, int]
	Tallies pstate.MapOf[string, tally]
	Total   module.Ack[int]

	common module.Step[int]
}

// tally has fixed keys.
type tally struct {
	pstate.Fixed[tally]
	Times   pstate.Value[int]
	Largest pstate.Value[int]
}

func (m *script) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Numbers, "numbers")
	module.RandomDepot(b, &m.Others, "others")
	s := b.Stream("s", m.options...)
	s.PState(&m.Said, "said")
	s.PState(&m.Counts, "counts")
	s.PState(&m.Tallies, "tallies")
	module.DeclareAck(s, &m.Total, agg.Sum[int]())
	module.DeclareStep(s, &m.common, "common", module.Stay[int](), func(ev *module.Event, n int) error {
		m.Said.Key("all").Push(ev, fmt.Sprint("common ", n))
		return nil
	})
	flow.Source(s, m.Numbers, func(b *flow.Block, v flow.Var[int]) { m.build(m, b, v) })
	flow.Source(s, m.Others, func(b *flow.Block, v flow.Var[string]) { m.say(b, v) })
}

// say notes a text.
func (m *script) say(b *flow.Block, text flow.Expr[string]) {
	flow.Do1(b, func(ev *module.Event, text string) error {
		m.Said.Key("all").Push(ev, text)
		return nil
	}, text)
}

func (m *script) sayText(b *flow.Block, text string) { m.say(b, flow.Const(text)) }

func (m *script) sayNumber(b *flow.Block, n flow.Expr[int]) { m.say(b, flow.F1(strconv.Itoa, n)) }

// calm runs a module in the simulated world, without faults, with a program that uses it.
func calm(t *testing.T, m module.Module, tasks int, program func(p *simulation.Program) error) {
	t.Helper()
	var faults []simulation.Fault
	for f := range simulation.Fault(64) {
		faults = append(faults, f)
	}
	simulation.Check(t, m, simulation.Users{Programs: 1, Program: program, Seeds: 1, Tasks: tasks, Servers: 1, Without: faults, Hops: true, Fails: true})
}

// said runs the flow for one number, on one task, and returns what it noted.
func said(t *testing.T, number int, build func(m *script, b *flow.Block, v flow.Var[int]), options ...module.StreamOption) (all []string) {
	t.Helper()
	m := &script{build: build, options: options}
	calm(t, m, 1, func(p *simulation.Program) error {
		if _, err := m.Numbers.Append(p.Context(), p, number); err != nil {
			return err
		}
		p.Pause(2 * time.Second) // of the virtual clock, for what it has appended
		var err error
		all, err = nav.SelectAll(p, nav.All(nav.From(m.Said.Key("all"))))
		return err
	})
	return all
}

// expect runs the flow in a stream of either kind.
func expect(t *testing.T, number int, build func(m *script, b *flow.Block, v flow.Var[int]), want ...string) {
	t.Helper()
	for _, options := range [][]module.StreamOption{nil, {module.ExactlyOnce()}} {
		if got := said(t, number, build, options...); !slices.Equal(got, want) {
			t.Errorf("said %q, want %q", got, want)
		}
	}
}
