package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Shapes is the workload of PStates of every shape: each record writes, deletes,
// reads or ranges in one of them, and notes what it saw. No record hops, so each
// takes effect exactly once, and what it saw is what a plain Go map would have
// shown. The caches of the world are small: most reads come from the store.
func Shapes() Workload {
	return Workload{Name: "shapes", RecordsMax: 300, New: func() Case { return &shapesCase{} }}
}

// deed is what a record does under its key.
type deed struct {
	Number int
	Key    string
	Op     int
	A, B   int
}

// ops is the number of different deeds.
const ops = 15

type shaping struct {
	Deeds  module.Depot[deed]
	Plain  pstate.MapOf[string, pstate.Map[int, string]]
	Sorted pstate.MapOf[string, pstate.SortedMap[int, int]]
	Deep   pstate.MapOf[string, pstate.MapOf[int, pstate.SortedSet[int]]]
	Saw    pstate.MapOf[string, pstate.Map[int, string]] // by record: what it saw
}

func (m *shaping) Define(b *module.Builder) {
	module.HashDepot(b, &m.Deeds, "deeds", func(d deed) string { return d.Key })
	s := b.Stream("shapes")
	s.PState(&m.Plain, "plain")
	s.PState(&m.Sorted, "sorted")
	s.PState(&m.Deep, "deep")
	s.PState(&m.Saw, "saw")
	module.DeclareSource(s, m.Deeds, m.onDeed, module.StartFromBeginning(), module.MaxAttempts(0))
}

func (m *shaping) onDeed(ev *module.Event, d deed) error {
	saw, err := m.do(ev, d)
	m.Saw.Key(d.Key).Key(d.Number).Set(ev, saw)
	return err
}

func (m *shaping) do(ev *module.Event, d deed) (saw string, err error) {
	plain, sorted, deep := m.Plain.Key(d.Key), m.Sorted.Key(d.Key), m.Deep.Key(d.Key)
	switch d.Op {
	case 0:
		plain.Key(d.A).Set(ev, fmt.Sprint("v", d.B))
	case 1:
		plain.Key(d.A).Delete(ev)
	case 2:
		v, ok, err := plain.Key(d.A).Lookup(ev)
		return fmt.Sprint(v, ok), err
	case 3:
		n, err := plain.Len(ev)
		return fmt.Sprint(n), err
	case 4, 5:
		return fmt.Sprint(sorted.Key(d.A).Update(ev, func(n int) int { return n + d.B })), nil
	case 6:
		sorted.Key(d.A).Delete(ev)
	case 7, 8:
		// Two reads: while the first waits, later events run ahead, and must leave
		// nothing that the second sees.
		saw, err := seenSorted(ev, sorted, shapeSpan(d))
		if err != nil {
			return "", err
		}
		v, ok, err := sorted.Key(d.B).Lookup(ev)
		return fmt.Sprint(saw, v, ok), err
	case 9:
		n, err := sorted.Len(ev)
		return fmt.Sprint(n), err
	case 10:
		return fmt.Sprint(deep.Key(d.A).Add(ev, d.B)), nil
	case 11:
		return fmt.Sprint(deep.Key(d.A).Remove(ev, d.B)), nil
	case 12:
		deep.Delete(ev, d.A)
	case 13:
		return seenDeep(ev, deep)
	case 14:
		m.Sorted.Delete(ev, d.Key)
		sorted.Key(d.A).Set(ev, d.B)
	}
	return "", nil
}

// shapeSpan makes a span of a deed: all four bounds, both directions, with and
// without a limit.
func shapeSpan(d deed) pstate.Span[int] {
	span := pstate.All[int]()
	switch d.A % 4 {
	case 1:
		span = pstate.From(d.B)
	case 2:
		span = pstate.To(d.B)
	case 3:
		span = pstate.Between(d.B, d.B+6)
	}
	if d.Op == 8 {
		span = span.Reverse()
	}
	return span.Limit(d.B % 4)
}

func seenSorted(r pstate.Reader, m pstate.SortedMap[int, int], span pstate.Span[int]) (string, error) {
	var out strings.Builder
	for e, err := range m.Range(r, span) {
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&out, "%d=%d ", e.Key, e.Val)
	}
	return out.String(), nil
}

func seenDeep(r pstate.Reader, m pstate.MapOf[int, pstate.SortedSet[int]]) (string, error) {
	var out strings.Builder
	for key, err := range m.Keys(r) {
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&out, "%d:", key)
		for n, err := range m.Key(key).Range(r, pstate.All[int]()) {
			if err != nil {
				return "", err
			}
			fmt.Fprintf(&out, " %d", n)
		}
		out.WriteString("; ")
	}
	return out.String(), nil
}

type shapesCase struct {
	m     shaping
	deeds []deed
}

func (c *shapesCase) Module() module.Module { return &c.m }

func (c *shapesCase) Append(a module.Appender, r *rand.Rand, number int) error {
	d := deed{Number: number, Key: fmt.Sprintf("k%d", r.IntN(4)), Op: r.IntN(ops), A: r.IntN(12) - 4, B: r.IntN(12) - 4}
	c.deeds = append(c.deeds, d)
	_, err := c.m.Deeds.Append(context.Background(), a, d)
	return err
}

func (c *shapesCase) Acked(int, module.Acks) error { return nil }

func (c *shapesCase) Check(r pstate.Reader, _ func(int) bool) error {
	models := map[string]*shapeModel{}
	var wrong []error
	for _, d := range c.deeds {
		model := models[d.Key]
		if model == nil {
			model = newShapeModel()
			models[d.Key] = model
		}
		want := model.do(d)
		if got, ok, err := c.m.Saw.Key(d.Key).Key(d.Number).Lookup(r); err != nil || !ok || got != want {
			wrong = append(wrong, fmt.Errorf("record %d (%+v) saw %q (there %v, error %v), a map would have shown %q", d.Number, d, got, ok, err, want))
		}
	}
	for _, key := range sortedKeys(models) {
		model := models[key]
		if got, err := seenSorted(r, c.m.Sorted.Key(key), pstate.All[int]()); err != nil || got != model.all() {
			wrong = append(wrong, fmt.Errorf("sorted map of %s is %q (error %v), want %q", key, got, err, model.all()))
		}
		if got, err := seenDeep(r, c.m.Deep.Key(key)); err != nil || got != model.seenDeep() {
			wrong = append(wrong, fmt.Errorf("nested sets of %s are %q (error %v), want %q", key, got, err, model.seenDeep()))
		}
		if n, err := c.m.Plain.Key(key).Len(r); err != nil || n != len(model.plain) {
			wrong = append(wrong, fmt.Errorf("map of %s has %d elements (error %v), want %d", key, n, err, len(model.plain)))
		}
		for a, want := range model.plain {
			if got, err := c.m.Plain.Key(key).Key(a).Get(r); err != nil || got != want {
				wrong = append(wrong, fmt.Errorf("map of %s has %q under %d (error %v), want %q", key, got, a, err, want))
			}
		}
	}
	return errors.Join(wrong...)
}
