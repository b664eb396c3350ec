package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Order is the workload of a source that retries all after (promise 3.60): the
// records of a group write the same keys, directly, behind one hop and behind
// two; handlers fail at each of them. The last writer of a key must be the last
// record, as if nothing had failed.
func Order() Workload {
	return Workload{Name: "order", Hops: true, Fails: true, New: func() Case { return &orderCase{} }}
}

type edit struct {
	Group  string
	Number int
	FailAt int // 0: nowhere, 1: at the root, 2: behind one hop, 3: behind two
	Fails  int // attempts that fail
}

type editing struct {
	Edits module.Depot[edit]
	Near  pstate.Map[string, int]
	Far   pstate.Map[string, int]
	Final pstate.Map[string, int]
	far   module.Step[edit]
	final module.Step[edit]
}

func (m *editing) Define(b *module.Builder) {
	module.HashDepot(b, &m.Edits, "edits", func(e edit) string { return e.Group })
	s := b.Stream("order")
	s.PState(&m.Near, "near")
	s.PState(&m.Far, "far")
	s.PState(&m.Final, "final")
	module.DeclareStep(s, &m.far, "far", module.At(&m.Far, farKey), m.onFar)
	module.DeclareStep(s, &m.final, "final", module.At(&m.Final, finalKey), m.onFinal)
	module.DeclareSource(s, m.Edits, m.onEdit, module.StartFromBeginning(), module.RetryAllAfter(), module.MaxAttempts(0))
}

func farKey(e edit) string   { return "far " + e.Group }
func finalKey(e edit) string { return "final " + e.Group }

func (e edit) fails(at, attempt int) bool { return e.FailAt == at && attempt <= e.Fails }

func (m *editing) onEdit(ev *module.Event, e edit) error {
	if e.fails(1, ev.Attempt()) {
		return errMood
	}
	m.Near.Key(e.Group).Set(ev, e.Number)
	m.far.Send(ev, e)
	return nil
}

func (m *editing) onFar(ev *module.Event, e edit) error {
	if e.fails(2, ev.Attempt()) {
		return errMood
	}
	m.Far.Key(farKey(e)).Set(ev, e.Number)
	m.final.Send(ev, e)
	return nil
}

func (m *editing) onFinal(ev *module.Event, e edit) error {
	if e.fails(3, ev.Attempt()) {
		return errMood
	}
	m.Final.Key(finalKey(e)).Set(ev, e.Number)
	return nil
}

type orderCase struct {
	m     editing
	edits []edit
}

func (c *orderCase) Module() module.Module { return &c.m }

func (c *orderCase) Append(a module.Appender, r *rand.Rand, number int) error {
	e := edit{Group: fmt.Sprintf("g%d", r.IntN(5)), Number: number + 1}
	if r.IntN(6) == 0 {
		e.FailAt, e.Fails = 1+r.IntN(3), 1+r.IntN(2)
	}
	c.edits = append(c.edits, e)
	_, err := c.m.Edits.Append(context.Background(), a, e)
	return err
}

func (c *orderCase) Acked(int, module.Acks) error { return nil }

func (c *orderCase) Check(r pstate.Reader, _ func(int) bool) error { return c.CheckLoss(r, Losses{}) }

// CheckLoss wants the last record of a group that the log holds to be its last writer; a
// later one that the log has lost may have written before it was.
func (c *orderCase) CheckLoss(r pstate.Reader, l Losses) error {
	var wrong []error
	writers := c.writers(l)
	for _, group := range sortedKeys(writers) {
		last := writers[group]
		e := edit{Group: group}
		for _, at := range []struct {
			where, key string
			holder     pstate.Value[int]
		}{{"near", group, c.m.Near.Key(group)}, {"far", farKey(e), c.m.Far.Key(farKey(e))}, {"final", finalKey(e), c.m.Final.Key(finalKey(e))}} {
			if n, err := at.holder.Get(r); err != nil || !slices.Contains(last, n) && !l.HaltedKey(at.key) {
				wrong = append(wrong, fmt.Errorf("group %s: %s was written last by record %d (error %v), want one of %v (from 1 on)", group, at.where, n-1, err, last))
			}
		}
	}
	return errors.Join(wrong...)
}

// writers are, by group, the numbers of the records that may have been the last to
// write.
func (c *orderCase) writers(l Losses) map[string][]int {
	may := map[string][]int{}
	for _, e := range c.edits {
		if may[e.Group] == nil {
			may[e.Group] = []int{0}
		}
		if l.Fate(e.Number-1) == Stands && !c.needsHalted(e.Number-1, l) {
			may[e.Group] = nil
		}
		may[e.Group] = append(may[e.Group], e.Number)
	}
	return may
}

// needsHalted reports whether a record, or one before it in its partition, has to pass a
// task that has halted: nothing overtakes it.
func (c *orderCase) needsHalted(number int, l Losses) bool {
	for _, e := range c.edits[:number+1] {
		if l.Same(e.Number-1, number) && l.Fate(e.Number-1) == Stands && (l.HaltedKey(farKey(e)) || l.HaltedKey(finalKey(e))) {
			return true
		}
	}
	return false
}
