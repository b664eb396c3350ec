package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Order is the workload of a source that retries all after (promise 3.60): the
// records of a group write the same keys, directly, behind one hop and behind
// two; handlers fail at each of them. The last writer of a key must be the last
// record, as if nothing had failed.
func Order() Workload {
	return Workload{Name: "order", Hops: true, Fails: true, New: func() Case { return &orderCase{last: map[string]int{}} }}
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
	m    editing
	last map[string]int
}

func (c *orderCase) Module() module.Module { return &c.m }

func (c *orderCase) Append(a module.Appender, r *rand.Rand, number int) error {
	e := edit{Group: fmt.Sprintf("g%d", r.IntN(5)), Number: number + 1}
	if r.IntN(6) == 0 {
		e.FailAt, e.Fails = 1+r.IntN(3), 1+r.IntN(2)
	}
	c.last[e.Group] = e.Number
	_, err := c.m.Edits.Append(context.Background(), a, e)
	return err
}

func (c *orderCase) Acked(int, module.Acks) error { return nil }

func (c *orderCase) Check(r pstate.Reader, _ func(int) bool) error {
	var wrong []error
	for _, group := range sortedKeys(c.last) {
		e := edit{Group: group}
		for _, at := range []struct {
			where  string
			holder pstate.Value[int]
		}{{"near", c.m.Near.Key(group)}, {"far", c.m.Far.Key(farKey(e))}, {"final", c.m.Final.Key(finalKey(e))}} {
			if n, err := at.holder.Get(r); err != nil || n != c.last[group] {
				wrong = append(wrong, fmt.Errorf("group %s: %s was written last by record %d (error %v), want %d", group, at.where, n-1, err, c.last[group]-1))
			}
		}
	}
	return errors.Join(wrong...)
}
