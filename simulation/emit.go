package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Emit is the workload of handlers that append to depots, to others and to their
// own: whatever fails, a record that is done has all its appends in the log at least
// once, and whoever processes one of them sees what the event that made it wrote
// (promise 3x.08). Its commits are on a replica before appends leave: else a tail
// that is lost behind them takes the writes and leaves the appends (R31).
func Emit() Workload {
	level := store.Replicated(1)
	return Workload{Name: "emit", Hops: true, Durability: &level, RecordsMax: 30, New: func() Case { return &emitCase{} }}
}

type wish struct {
	Number int
	Depth  int      // so many more wishes follow from it, one from another
	Keys   []string // an echo each, by hash
	Far    []string // an echo each, from behind a hop
	To     int      // partition of the wish that follows
}

// name tells the wishes of a chain apart.
func (v *wish) name() string { return fmt.Sprint(v.Number, "/", v.Depth) }

type echo struct {
	From string // the wish
	Key  string
	Near bool // sent to the emitter's own task, where From is written down
}

type emitting struct {
	Wishes module.Depot[wish]
	Echoes module.Depot[echo] // topologies alone append to it
	Once   module.Depot[int]  // one partition
	Said   pstate.Map[string, int]
	Heard  pstate.MapOf[string, pstate.SortedMap[string, int]] // by key and wish
	Total  pstate.Map[string, int]
	Early  pstate.Map[string, int] // wishes of which an append came before their writes
	far    module.Step[echo]
	early  module.Step[echo]
}

func (m *emitting) Define(b *module.Builder) {
	module.HashDepot(b, &m.Wishes, "wishes", func(v wish) int { return v.Number })
	module.HashDepot(b, &m.Echoes, "echoes", func(e echo) string { return e.Key }, module.DisallowAppends())
	module.GlobalDepot(b, &m.Once, "once")
	s := b.Stream("emit")
	s.PState(&m.Said, "said")
	s.PState(&m.Heard, "heard")
	s.PState(&m.Total, "total")
	s.PState(&m.Early, "early")
	module.DeclareStep(s, &m.far, "far", module.ByHash(func(e echo) string { return e.Key }), m.onFar)
	module.DeclareStep(s, &m.early, "early", module.At(&m.Early, func(e echo) string { return e.From }), func(ev *module.Event, e echo) error {
		m.Early.Key(e.From).Set(ev, 1)
		return nil
	})
	module.DeclareSource(s, m.Wishes, m.onWish, module.StartFromBeginning(), module.MaxAttempts(0))
	module.DeclareSource(s, m.Echoes, m.onEcho, module.StartFromBeginning(), module.MaxAttempts(0))
	module.DeclareSource(s, m.Once, m.onOnce, module.StartFromBeginning(), module.MaxAttempts(0))
}

func (m *emitting) onWish(ev *module.Event, v wish) error {
	m.Said.Key(v.name()).Update(ev, func(n int) int { return n + 1 })
	for _, key := range v.Keys {
		m.Echoes.Emit(ev, echo{From: v.name(), Key: key})
	}
	for _, key := range v.Far {
		m.far.Send(ev, echo{From: v.name(), Key: key})
	}
	m.Echoes.EmitTo(ev, ev.Task(), echo{From: v.name(), Near: true})
	m.Echoes.Emit(ev, echo{From: v.name(), Key: "loose"}, module.Unawaited())
	if v.Depth > 0 {
		next := v
		next.Depth--
		m.Wishes.EmitTo(ev, task.ID(v.To%ev.Tasks()), next)
	} else {
		m.Once.Emit(ev, v.Number)
	}
	return nil
}

func (m *emitting) onFar(ev *module.Event, e echo) error {
	m.Echoes.Emit(ev, e)
	return nil
}

func (m *emitting) onEcho(ev *module.Event, e echo) error {
	if e.Near {
		_, there, err := m.Said.Key(e.From).Lookup(ev)
		if err == nil && !there {
			m.early.Send(ev, e)
		}
		return err
	}
	m.Heard.Key(e.Key).Key(e.From).Update(ev, func(n int) int { return n + 1 })
	return nil
}

func (m *emitting) onOnce(ev *module.Event, number int) error {
	m.Total.Key(fmt.Sprint(number)).Update(ev, func(n int) int { return n + 1 })
	return nil
}

type emitCase struct {
	m      emitting
	wishes []wish
}

func (c *emitCase) Module() module.Module { return &c.m }

func (c *emitCase) Append(a module.Appender, r *rand.Rand, number int) error {
	v := wish{Number: number, Depth: r.IntN(5) / 3, To: r.IntN(6)}
	for range r.IntN(3) {
		v.Keys = append(v.Keys, fmt.Sprintf("k%d", r.IntN(9)))
	}
	for range r.IntN(3) {
		v.Far = append(v.Far, fmt.Sprintf("f%d", r.IntN(9)))
	}
	c.wishes = append(c.wishes, v)
	_, err := c.m.Wishes.Append(context.Background(), a, v)
	return err
}

func (c *emitCase) Acked(int, module.Acks) error { return nil }

func (c *emitCase) Check(r pstate.Reader, parked func(int) bool) error {
	var wrong []error
	for _, first := range c.wishes {
		if parked(first.Number) {
			wrong = append(wrong, fmt.Errorf("wish %d was put aside", first.Number))
		}
		for v := first; ; v.Depth-- {
			for _, key := range append(append([]string(nil), v.Keys...), v.Far...) {
				if n, err := c.m.Heard.Key(key).Key(v.name()).Get(r); err != nil || n < 1 {
					wrong = append(wrong, fmt.Errorf("the append of wish %s was heard %d times at key %s (error %v)", v.name(), n, key, err))
				}
			}
			if early, err := c.m.Early.Key(v.name()).Get(r); err != nil || early > 0 {
				wrong = append(wrong, fmt.Errorf("an append of wish %s came before its writes (error %v)", v.name(), err))
			}
			if v.Depth == 0 {
				break
			}
		}
	}
	return errors.Join(wrong...)
}
