package virtual

import (
	"context"
	"testing"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// spread sends each click to two other tasks: at least once to both.
type spread struct {
	Clicks module.Depot[click]
	Leaves pstate.MapOf[int, pstate.SortedMap[int, int]] // times that a click arrived, by group and number

	leaf  module.Step[leaf]
	begin func(*module.Event, click) error // before a click is sent on; nil: nothing
	leafs func(*module.Event, leaf) error  // before it is counted; nil: nothing
}

// leaf is a click on its way to a group.
type leaf struct{ Group, N int }

// groups is how many groups there are.
const groups = 16

// leaves are where a click arrives.
func (c click) leaves() [2]leaf {
	return [2]leaf{{c.N % groups, c.N}, {(c.N + 1 + c.Key) % groups, c.N}}
}

func (m *spread) ModuleName() string { return "Spread" }

func (m *spread) Define(b *module.Builder) {
	module.HashDepot(b, &m.Clicks, "clicks", func(c click) int { return c.Key })
	s := b.Stream("spread")
	s.PState(&m.Leaves, "leaves")
	module.DeclareStep(s, &m.leaf, "leaf", module.At(&m.Leaves, func(l leaf) int { return l.Group }), func(ev *module.Event, l leaf) error {
		if m.leafs != nil {
			if err := m.leafs(ev, l); err != nil {
				return err
			}
		}
		agg.Inc(ev, m.Leaves.Key(l.Group).Key(l.N))
		return nil
	})
	module.DeclareSource(s, m.Clicks, func(ev *module.Event, c click) error {
		if m.begin != nil {
			if err := m.begin(ev, c); err != nil {
				return err
			}
		}
		for _, l := range c.leaves() {
			m.leaf.Send(ev, l)
		}
		return nil
	})
}

// load is a load of clicks to spread.
func (m *spread) load(u *user) *load {
	return newLoad(u, &m.Clicks, func(r pstate.Reader, c click) (bool, error) {
		for _, l := range c.leaves() {
			if n, err := m.Leaves.Key(l.Group).Key(l.N).Get(r); n == 0 || err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

// arrived is what the state holds: how often each click arrived where.
func (m *spread) arrived(r pstate.Reader) (map[leaf]int, error) {
	all := map[leaf]int{}
	for group := range groups {
		for e, err := range m.Leaves.Key(group).Range(r, pstate.All[int]()) {
			if err != nil {
				return nil, err
			}
			all[leaf{group, e.Key}] = e.Val
		}
	}
	return all, nil
}

// atLeastOnce checks that each click in the depot arrived at both its leaves and no
// other did. It returns how many arrivals were repeats.
func (w *world) atLeastOnce(ctx context.Context, t *testing.T, m *spread, u *user, l *load, tasks int) (repeats int) {
	t.Helper()
	if err := u.processed(ctx, m.ModuleName(), "clicks", tasks); err != nil {
		t.Error(err)
	}
	inDepot := w.inDepot(ctx, u.party, m.ModuleName(), "clicks", tasks)
	l.check(t, inDepot)
	arrived, err := m.arrived(u.At(ctx))
	if err != nil {
		t.Fatal(err)
	}
	for c := range inDepot {
		for _, leaf := range c.leaves() {
			n, ok := arrived[leaf]
			if !ok {
				t.Errorf("click %v is in the depot and did not arrive at group %d", c, leaf.Group)
			}
			repeats += max(n-1, 0)
			delete(arrived, leaf)
		}
	}
	for leaf, n := range arrived {
		t.Errorf("click %d is not in the depot and arrived %d times at group %d", leaf.N, n, leaf.Group)
	}
	return repeats
}
