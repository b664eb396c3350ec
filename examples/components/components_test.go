package components

import (
	"testing"

	"github.com/coppice-run/coppice/examples/internal/forest"
	"github.com/coppice-run/coppice/simulation"
)

// promise 0.03, promise 0.04, promise 0.05, promise 0.06, promise 0.08, promise 0.09, promise 0.10,
// promise 0.27, promise 0.28, promise 0.31, promise 0.32, promise 0.33, promise 0.34, promise 0.35,
// promise 0.38: no schedule and no fault breaks the integrity, and no reader sees another moment
// than those of a child that comes and of one that goes.
func TestIntegrityHoldsAtEveryMoment(t *testing.T) {
	t.Parallel()
	simulation.CheckWorkload(t, Workload(), 40) // make simulate runs 500
}

// No bug: a deletion that an owner on the new server appended was applied on the replaced one,
// which did not know that the parent was closed.
func TestAReplacedServerIsNoMoment(t *testing.T) {
	t.Parallel()
	for _, v := range simulation.Run(simulation.Config{Seed: 1556, Workload: Workload(), Records: 29}).Violations {
		t.Errorf("again? %s", v)
	}
}

// promise 0.10, promise 0.37, promise 0.39: the same at rest, at the level applied. Two masters
// that live at once are left out: one may lose what the other rests on.
func TestIntegrityHoldsInEverySchedule(t *testing.T) {
	t.Parallel()
	m := &Module{}
	programs, program := forest.Programs(m.send)
	simulation.Check(t, m, simulation.Users{
		Hops: true, Without: []simulation.Fault{simulation.Split}, Programs: programs, Program: program, Seeds: 100,
	}, m.integrity)
}

// promise 0.40: a module that shows a child before it exists is found out, with the
// interleaving that shows it.
func TestThePlantedBugIsFound(t *testing.T) {
	t.Parallel()
	forest.FindsBug(t, Workload(), func() simulation.Case { return &trial{m: Module{naive: true}} },
		"which does not exist", "ran forest/reserve")
}
