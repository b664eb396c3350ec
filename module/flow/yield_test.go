package flow_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/flow"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/simulation"
)

// long is a module whose events take several turns, between which they may yield.
type long struct {
	Orders module.Depot[step]
	Done   pstate.MapOf[string, pstate.List[string]] // what each task did, in order

	hops bool // the loop is behind a hop
}

type step struct {
	Key    string
	Number int
}

const turns = 4

func (m *long) Define(b *module.Builder) {
	module.HashDepot(b, &m.Orders, "orders", func(s step) string { return s.Key })
	s := b.Stream("s")
	s.PState(&m.Done, "done")
	flow.Source(s, m.Orders, func(b *flow.Block, o flow.Var[step]) {
		if m.hops {
			flow.HopByHash(b, flow.F1(func(s step) string { return s.Key }, o))
		}
		flow.LoopWith(b, flow.Const(0), func(l flow.Loop[int], b *flow.Block, i flow.Var[int]) {
			flow.Do2(b, func(ev *module.Event, s step, i int) error {
				m.Done.Key("all").Push(ev, fmt.Sprint(s.Key, " ", s.Number, " ", i)) // where there is one task
				m.Done.Key(s.Key).Push(ev, fmt.Sprint(s.Key, " ", s.Number, " ", i))
				return nil
			}, o, i)
			flow.KeepTrue(b, flow.Less(i, flow.Const(turns-1)))
			flow.YieldIfOvertime(b)
			l.Continue(b, flow.F1(plus(1), i))
		})
	})
}

// promise 11.12: an event that takes too long gives its task up, others come in between, and
// those of its key wait for all of it; how long it takes is decided by the simulation.
func TestYieldIfOvertime(t *testing.T) {
	t.Parallel()
	for name, hops := range map[string]bool{"in the root event": false, "behind a hop": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, between := &long{hops: hops}, 0
			var faults []simulation.Fault
			for f := range simulation.Fault(64) {
				faults = append(faults, f)
			}
			simulation.Check(t, m, simulation.Users{Programs: 1, Seeds: 20, Tasks: 1, Servers: 1, Without: faults, Hops: true, Fails: true, Program: func(p *simulation.Program) error {
				n, err := m.use(p)
				between += n
				return err
			}})
			if between == 0 {
				t.Error("no event came between the turns of another")
			}
		})
	}
}

// use appends orders of three keys, all at once, and returns how often an event of another
// key came between the turns of one.
func (m *long) use(p *simulation.Program) (between int, err error) {
	const orders = 8
	for n := range orders {
		for _, key := range []string{"a", "b", "c"} {
			if _, err := m.Orders.Append(p.Context(), p, step{key, n}, module.Wait(module.AckAppend)); err != nil {
				return 0, err
			}
		}
	}
	p.Pause(10 * time.Second) // of the virtual clock
	done, err := nav.SelectAll(p, nav.All(nav.From(m.Done.Key("all"))))
	if err != nil || len(done) != 3*orders*turns {
		return 0, fmt.Errorf("%d turns, want %d; %w", len(done), 3*orders*turns, err)
	}
	for _, key := range []string{"a", "b", "c"} {
		i := 0
		for _, d := range done {
			if !strings.HasPrefix(d, key) {
				continue
			}
			if want := fmt.Sprint(key, " ", i/turns, " ", i%turns); d != want {
				return 0, fmt.Errorf("key %s was overtaken by its own: %q where %q was due", key, d, want)
			}
			i++
		}
	}
	for i := range done[:len(done)-1] {
		if done[i][0] != done[i+1][0] && !strings.HasSuffix(done[i], fmt.Sprint(" ", turns-1)) {
			between++
		}
	}
	return between, nil
}

// promise 11.12: with faults, all that was acknowledged is done, and nothing waits for ever. Two
// masters that live at once are left out: at the level applied one may lose what was acknowledged.
func TestYieldingSurvivesFaults(t *testing.T) {
	t.Parallel()
	m := &long{hops: true}
	simulation.Check(t, m, simulation.Users{Programs: 2, Seeds: 40, Hops: true, Fails: true, Without: []simulation.Fault{simulation.Split}, Program: func(p *simulation.Program) error {
		for n := range 4 {
			if _, err := m.Orders.Append(p.Context(), p, step{"a", n}); err != nil {
				continue // it may be done all the same
			}
			done, err := nav.SelectAll(p, nav.All(nav.From(m.Done.Key("a"))))
			if err != nil {
				return err
			}
			for i := range turns {
				if !slices.Contains(done, fmt.Sprint("a ", n, " ", i)) {
					return fmt.Errorf("order %d was acknowledged, and turn %d is not there", n, i)
				}
			}
		}
		return nil
	}})
}
