package simulation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Tree is the workload of records that hop, over several levels and tasks: each
// has all its effects at least once, and an attempt returns what just its own
// events returned.
func Tree() Workload {
	return Workload{Name: "tree", Hops: true, New: func() Case { return &treeCase{} }}
}

type seedling struct {
	Number int
	Keys   []string // of the first level
	Deep   []string // each key of the first level hops on to all of these
	Local  bool     // and to the sender's own task
}

type growing struct {
	Seedlings module.Depot[seedling]
	Marks     pstate.MapOf[string, pstate.SortedSet[int]] // by key: the records that came by
	Visits    pstate.Map[string, int]                     // by key: how often one came by
	Leaves    module.Ack[int]

	grow module.Step[growth]
	leaf module.Step[growth]
	rest module.Step[growth]
}

type growth struct {
	Key    string
	Number int
	Deep   []string
	Local  bool
}

func (m *growing) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Seedlings, "seedlings")
	s := b.Stream("tree")
	s.PState(&m.Marks, "marks")
	s.PState(&m.Visits, "visits")
	module.DeclareAck(s, &m.Leaves, agg.Sum[int]())
	module.DeclareStep(s, &m.grow, "grow", module.At(&m.Marks, func(g growth) string { return g.Key }), m.onGrow)
	module.DeclareStep(s, &m.leaf, "leaf", module.ByHash(func(g growth) string { return g.Key }), m.onLeaf)
	module.DeclareStep(s, &m.rest, "rest", module.Stay[growth](), m.onRest)
	module.DeclareSource(s, m.Seedlings, m.onSeedling, module.StartFromBeginning(), module.MaxAttempts(0))
}

func (m *growing) onSeedling(ev *module.Event, v seedling) error {
	for _, key := range v.Keys {
		m.grow.Send(ev, growth{key, v.Number, v.Deep, v.Local})
	}
	return nil
}

func (m *growing) onGrow(ev *module.Event, g growth) error {
	m.visit(ev, g)
	for _, key := range g.Deep {
		m.leaf.Send(ev, growth{Key: key, Number: g.Number, Local: g.Local})
	}
	return nil
}

func (m *growing) onLeaf(ev *module.Event, g growth) error {
	m.visit(ev, g)
	if g.Local {
		m.rest.Send(ev, growth{Key: g.Key, Number: g.Number})
	}
	return nil
}

func (m *growing) onRest(ev *module.Event, g growth) error {
	m.visit(ev, g)
	return nil
}

func (m *growing) visit(ev *module.Event, g growth) {
	m.Marks.Key(g.Key).Add(ev, g.Number)
	agg.Inc(ev, m.Visits.Key(g.Key))
	m.Leaves.Return(ev, 1)
}

type treeCase struct {
	m     growing
	grown []seedling
}

func (c *treeCase) Module() module.Module { return &c.m }

func (c *treeCase) Append(a module.Appender, r *rand.Rand, number int) error {
	v := seedling{Number: number, Local: r.IntN(2) == 0}
	for range r.IntN(4) {
		v.Keys = append(v.Keys, fmt.Sprintf("k%d", r.IntN(12)))
	}
	for range r.IntN(4) {
		v.Deep = append(v.Deep, fmt.Sprintf("k%d", r.IntN(12)))
	}
	c.grown = append(c.grown, v)
	_, err := c.m.Seedlings.Append(context.Background(), a, v)
	return err
}

// visits is the number of events below the root.
func (v *seedling) visits() int {
	perLeaf := 1
	if v.Local {
		perLeaf = 2
	}
	return len(v.Keys) * (1 + len(v.Deep)*perLeaf)
}

func (c *treeCase) Acked(number int, acks module.Acks) error {
	if n, ok := c.m.Leaves.From(acks); ok && n != c.grown[number].visits() {
		return fmt.Errorf("its tree returned %d, it has %d events", n, c.grown[number].visits())
	}
	return nil
}

// effects must be there when the record is acked.
func (c *treeCase) effects(r pstate.Reader, number int) error {
	v := c.grown[number]
	for _, key := range v.Keys {
		for _, key := range append([]string{key}, v.Deep...) {
			if has, err := c.m.Marks.Key(key).Has(r, number); err != nil || !has {
				return fmt.Errorf("it has not been at %s (error %v)", key, err)
			}
		}
	}
	return nil
}

func (c *treeCase) Check(r pstate.Reader, _ func(int) bool) error { return c.CheckLoss(r, Losses{}) }

// CheckLoss wants all that the log holds, but for what must pass a task that has
// halted; of what the log has lost anything may be there: others' tasks took part.
func (c *treeCase) CheckLoss(r pstate.Reader, l Losses) error {
	marks, visits := c.fold(func(v *seedling) bool { return l.Fate(v.Number) == Stands && !c.needsHalted(v.Number, l) })
	may, _ := c.fold(func(*seedling) bool { return true })
	var wrong []error
	for _, key := range sortedKeys(may) {
		var have []int
		for n, err := range c.m.Marks.Key(key).Range(r, pstate.Span[int]{}) {
			if err != nil {
				return err
			}
			have = append(have, n)
		}
		for _, n := range slices.Sorted(maps.Keys(marks[key])) {
			if !slices.Contains(have, n) {
				wrong = append(wrong, fmt.Errorf("key %s was visited by the records %v, and not by %d, which the log's fold has", key, have, n))
			}
		}
		for _, n := range have {
			if !may[key][n] {
				wrong = append(wrong, fmt.Errorf("key %s was visited by the records %v, and %d was not to visit it", key, have, n))
			}
		}
		n, err := c.m.Visits.Key(key).Get(r)
		if err != nil || n < visits[key] {
			wrong = append(wrong, fmt.Errorf("key %s has %d visits (error %v), at least %d were due", key, n, err, visits[key]))
		}
	}
	return errors.Join(wrong...)
}

// needsHalted reports whether a record's tree has to pass a task that has halted.
func (c *treeCase) needsHalted(number int, l Losses) bool {
	v := &c.grown[number]
	if len(v.Keys) == 0 {
		return false
	}
	return slices.ContainsFunc(append(slices.Clone(v.Keys), v.Deep...), l.HaltedKey)
}

// fold is what those records amount to that count: per key, who came by and how often
// at least.
func (c *treeCase) fold(counts func(*seedling) bool) (marks map[string]map[int]bool, visits map[string]int) {
	marks, visits = map[string]map[int]bool{}, map[string]int{}
	visit := func(key string, number, times int) {
		if marks[key] == nil {
			marks[key] = map[int]bool{}
		}
		marks[key][number] = true
		visits[key] += times
	}
	for i := range c.grown {
		v := &c.grown[i]
		if !counts(v) {
			continue
		}
		for _, key := range v.Keys {
			visit(key, v.Number, 1)
			for _, deep := range v.Deep {
				times := 1
				if v.Local {
					times = 2
				}
				visit(deep, v.Number, times)
			}
		}
	}
	return marks, visits
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
