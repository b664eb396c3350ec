package components

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/simulation"
)

// ids are few, so that programs get in each other's way.
func ids() []string {
	var all []string
	for i := range 12 {
		all = append(all, fmt.Sprintf("c%d", i))
	}
	return all
}

// users create and delete at random: below each other, twice, and what is not there.
func users(m *Module) simulation.Users {
	all := ids()
	// Where two masters live at once, one of them without the other's last writes, a
	// deletion can be seen at the parent and lost at the child: what is only applied
	// does not promise more, and the level Replicated is made for it (R40).
	without := []simulation.Fault{simulation.Split}
	return simulation.Users{Hops: true, Without: without, Programs: 5, Program: func(p *simulation.Program) error {
		for range 8 {
			id := all[p.Random.IntN(len(all))]
			var change Change = Create{ID: id, Text: "some"}
			switch p.Random.IntN(4) {
			case 0, 1:
				change = Create{ID: id, Parent: all[p.Random.IntN(len(all))], Text: "some"}
			case 2:
				change = Delete{ID: id}
			}
			_, err := m.Changes.Append(p.Context(), p, change)
			if err != nil && !errors.Is(err, client.ErrRejected) {
				return err
			}
			p.Pause(time.Duration(p.Random.IntN(50)) * time.Millisecond)
		}
		return nil
	}}
}

// integrity: neither a parent nor a child points to something that does not exist
// (promise 0.10).
func (m *Module) integrity(r pstate.Reader) error {
	var wrong []error
	for _, id := range ids() {
		c, exists, err := m.Components.Key(id).Lookup(r)
		if err != nil {
			return err
		}
		if exists && c.Parent != "" {
			if has, err := m.Children.Key(c.Parent).Has(r, id); err != nil || !has {
				wrong = append(wrong, fmt.Errorf("%s has the parent %s, which does not show it (error %v)", id, c.Parent, err))
			}
			if _, there, err := m.Components.Key(c.Parent).Lookup(r); err != nil || !there {
				wrong = append(wrong, fmt.Errorf("%s has the parent %s, which does not exist (error %v)", id, c.Parent, err))
			}
		}
		for child, err := range m.Children.Key(id).Range(r, pstate.All[string]()) {
			if err != nil {
				return err
			}
			if have, there, err := m.Components.Key(child).Lookup(r); err != nil || !there || have.Parent != id {
				wrong = append(wrong, fmt.Errorf("%s shows the child %s, which does not exist, or has the parent %q (error %v)", id, child, have.Parent, err))
			}
		}
		if n, err := m.future.Key(id).Len(r); err != nil || n > 0 {
			wrong = append(wrong, fmt.Errorf("%s still waits for %d children (error %v)", id, n, err))
		}
	}
	return errors.Join(wrong...)
}

// promise 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.10 (the case), promise 0.27, 0.28,
// 0.29, 0.30, 0.31, 0.32, 0.33, 0.34, 0.35, 0.36, 0.37, 0.38, 0.39 (the streaming
// solution): no schedule and no fault breaks the integrity.
func TestIntegrityHoldsInEverySchedule(t *testing.T) {
	t.Parallel()
	m := &Module{}
	run := users(m)
	run.Seeds = 400
	simulation.Check(t, m, run, m.integrity)
}

// promise 0.40: a module that shows a child before it exists is found out, with the
// interleaving that shows it.
func TestThePlantedBugIsFound(t *testing.T) {
	t.Parallel()
	m := &Module{naive: true}
	run := users(m)
	run.Seeds = 1000
	found := &recorder{TB: t}
	simulation.Check(found, m, run, m.integrity)
	if len(found.said) == 0 {
		t.Fatal("1,000 seeds did not find the planted bug")
	}
	for _, part := range []string{"which does not exist", "reduced to", "/persist of task"} {
		if !strings.Contains(found.said, part) {
			t.Errorf("the story does not say %q", part)
		}
	}
	if os.Getenv("COPPICE_STORY") != "" {
		t.Log(found.said)
	}
}

// recorder takes what a check says instead of failing.
type recorder struct {
	testing.TB
	said string
}

func (r *recorder) Errorf(format string, args ...any) { r.said += fmt.Sprintf(format, args...) }

// promise 0.10, of the module as dataflow.
func TestIntegrityHoldsAsDataflow(t *testing.T) {
	t.Parallel()
	m := &Flow{}
	run := users(&m.Module)
	run.Seeds = 200
	simulation.Check(t, m, run, m.integrity)
}
