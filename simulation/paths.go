package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// Paths is the workload of package nav: each record selects and transforms along a path
// under its key, and notes what it saw then, which is what loops over Go's own maps and
// slices would have shown. Ranges wait for the store, and later events run ahead.
func Paths() Workload {
	return Workload{Name: "paths", RecordsMax: 140, New: func() Case { return &pathsCase{} }}
}

type paths struct {
	Deeds module.Depot[deed]
	Rows  pstate.MapOf[string, pstate.SortedMap[int, int]]
	Marks pstate.MapOf[string, pstate.SortedSet[int]]
	Queue pstate.MapOf[string, pstate.List[int]]
	Saw   pstate.MapOf[string, pstate.Map[int, string]] // by record: what it saw
}

func (m *paths) Define(b *module.Builder) {
	module.HashDepot(b, &m.Deeds, "deeds", func(d deed) string { return d.Key })
	s := b.Stream("paths")
	s.PState(&m.Rows, "rows")
	s.PState(&m.Marks, "marks")
	s.PState(&m.Queue, "queue")
	s.PState(&m.Saw, "saw")
	module.DeclareSource(s, m.Deeds, m.onDeed, module.StartFromBeginning(), module.MaxAttempts(0))
}

// pathOps is the number of different deeds.
const pathOps = 9

func (m *paths) onDeed(ev *module.Event, d deed) error {
	rows, marks, queue := nav.Key(nav.From(m.Rows), d.Key), nav.Key(nav.From(m.Marks), d.Key), nav.Key(nav.From(m.Queue), d.Key)
	add := func(n int) int { return n + d.B }
	odd := func(n int) bool { return n%2 != 0 }
	switch d.Op {
	case 0, 1, 2:
		nav.Set(ev, nav.Key(rows, d.A), d.B)
		m.Marks.Key(d.Key).Add(ev, d.A)
		m.Queue.Key(d.Key).Push(ev, d.B)
	case 3:
		nav.Update(ev, nav.MapVals(nav.MapRange(rows, d.A, d.A+6)), add)
	case 4:
		nav.Delete(ev, nav.MapVals(nav.MapRangeTo(rows, d.A, 2)))
	case 5:
		nav.Update(ev, nav.All(nav.RangeFrom(marks, d.A, 3)), add)
	case 6:
		nav.Delete(ev, nav.Filter(nav.All(nav.RangeToEnd(queue, 4)), odd))
	case 7:
		nav.Update(ev, nav.Subselect(queue, nav.Filter(nav.All(nav.Inside[pstate.List[int]]()), odd)), func(all []int) []int {
			slices.Reverse(all)
			return all
		})
	case 8:
		nav.Delete(ev, nav.First(queue))
		nav.Delete(ev, nav.Last(marks))
		nav.Update(ev, nav.Must(rows, d.B), add)
	}
	saw, err := m.see(ev, d)
	nav.Set(ev, nav.Key(nav.Key(nav.From(m.Saw), d.Key), d.Number), saw)
	return err
}

// see selects parts of everything under a key, by the deed.
func (m *paths) see(r pstate.Reader, d deed) (string, error) {
	rows, marks, queue := nav.Key(nav.From(m.Rows), d.Key), nav.Key(nav.From(m.Marks), d.Key), nav.Key(nav.From(m.Queue), d.Key)
	if d.A%2 == 0 {
		keys, err := nav.SelectAll(r, nav.MapKeys(nav.MapRangeFrom(rows, d.A, 4)))
		values, err2 := nav.SelectAll(r, nav.MapVals(nav.MapRangeToEnd(rows, 3)))
		return fmt.Sprint(keys, values), errors.Join(err, err2)
	}
	some, err := nav.SelectAll(r, nav.All(nav.RangeTo(marks, d.B, 3)))
	ends, err2 := nav.SelectAll(r, nav.Multi(queue, nav.First(nav.Inside[pstate.List[int]]()), nav.Last(nav.Inside[pstate.List[int]]()), nav.FilterLess(nav.All(nav.Inside[pstate.List[int]]()), d.A)))
	return fmt.Sprint(some, ends), errors.Join(err, err2)
}

type pathsCase struct {
	m     paths
	deeds []deed
}

func (c *pathsCase) Module() module.Module { return &c.m }

func (c *pathsCase) Append(a module.Appender, r *rand.Rand, number int) error {
	d := deed{Number: number, Key: fmt.Sprintf("k%d", r.IntN(4)), Op: r.IntN(pathOps), A: r.IntN(16) - 8, B: r.IntN(16) - 8}
	c.deeds = append(c.deeds, d)
	_, err := c.m.Deeds.Append(context.Background(), a, d)
	return err
}

func (c *pathsCase) Acked(int, module.Acks) error { return nil }

func (c *pathsCase) Check(r pstate.Reader, _ func(int) bool) error {
	models := map[string]*pathModel{}
	var wrong []error
	for _, d := range c.deeds {
		model := models[d.Key]
		if model == nil {
			model = &pathModel{rows: map[int]int{}, marks: map[int]bool{}}
			models[d.Key] = model
		}
		model.do(d)
		if got, ok, err := c.m.Saw.Key(d.Key).Key(d.Number).Lookup(r); err != nil || !ok || got != model.see(d) {
			wrong = append(wrong, fmt.Errorf("record %d (%+v) saw %q (there %v, error %v), loops would have shown %q", d.Number, d, got, ok, err, model.see(d)))
		}
	}
	for _, key := range sortedKeys(models) {
		for a := -8; a < 8; a += 3 {
			d := deed{Key: key, A: a, B: a + 5}
			if got, err := c.m.see(r, d); err != nil || got != models[key].see(d) {
				wrong = append(wrong, fmt.Errorf("under %s there is %q (error %v), want %q", key, got, err, models[key].see(d)))
			}
		}
	}
	return errors.Join(wrong...)
}
