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

// Arrivals is the workload of the order of an exactly-once stream (promises 0.12 and 0.13):
// lists show in which order records came, at their own key, behind a hop, and at one
// place for all.
func Arrivals() Workload {
	return Workload{Name: "arrivals", Hops: true, Exact: true, Ordered: true, New: func() Case { return &arrivalsCase{} }}
}

// arrivals notes in which order records come where: at their own key, behind a hop, and
// at one place for all.
type arrivals struct {
	First  module.Depot[arrival]
	Second module.Depot[arrival]
	Near   pstate.MapOf[string, pstate.SortedMap[int, int]] // by key: numbers of records
	Far    pstate.MapOf[string, pstate.SortedMap[int, int]]

	far module.Step[arrival]
	all module.Step[arrival]
}

type arrival struct {
	Number int
	Key    string
}

func (m *arrivals) Define(b *module.Builder) {
	module.HashDepot(b, &m.First, "first", func(a arrival) string { return a.Key })
	module.HashDepot(b, &m.Second, "second", func(a arrival) string { return a.Key })
	s := b.Stream("arrivals", module.ExactlyOnce())
	s.PState(&m.Near, "near")
	s.PState(&m.Far, "far")
	module.DeclareStep(s, &m.far, "far", module.At(&m.Far, farOf), func(ev *module.Event, a arrival) error {
		return behind(ev, m.Far.Key(farOf(a)), a.Number)
	})
	module.DeclareStep(s, &m.all, "all", module.At(&m.Far, func(arrival) string { return "all" }), func(ev *module.Event, a arrival) error {
		return behind(ev, m.Far.Key("all"), a.Number)
	})
	for _, d := range []module.Depot[arrival]{m.First, m.Second} {
		module.DeclareSource(s, d, func(ev *module.Event, a arrival) error {
			m.far.Send(ev, a)
			m.all.Send(ev, a)
			return behind(ev, m.Near.Key(a.Key), a.Number)
		}, module.StartFromBeginning())
	}
}

func farOf(a arrival) string { return "far " + a.Key }

// behind adds a number behind the last.
func behind(ev *module.Event, list pstate.SortedMap[int, int], number int) error {
	n, err := list.Len(ev)
	list.Key(n).Set(ev, number)
	return err
}

type arrivalsCase struct {
	m       arrivals
	records []arrival
	second  []bool // which of them went to the second depot

	// What had no order: some record of another depot, or of another key, came before one
	// that was appended before it.
	acrossDepots, acrossKeys bool
}

func (c *arrivalsCase) Module() module.Module { return &c.m }

func (c *arrivalsCase) Append(a module.Appender, r *rand.Rand, number int) error {
	v := arrival{number, fmt.Sprintf("k%d", r.IntN(3))}
	d, second := c.m.First, r.IntN(2) == 1
	if second {
		d = c.m.Second
	}
	c.records, c.second = append(c.records, v), append(c.second, second)
	_, err := d.Append(context.Background(), a, v)
	return err
}

func (c *arrivalsCase) Acked(int, module.Acks) error { return nil }

func (c *arrivalsCase) Check(r pstate.Reader, _ func(int) bool) error {
	var wrong []error
	for k := range 3 {
		key := fmt.Sprintf("k%d", k)
		near, err := numbersOf(r, c.m.Near.Key(key))
		far, farErr := numbersOf(r, c.m.Far.Key(farOf(arrival{Key: key})))
		wrong = append(wrong, err, farErr)
		if !slices.Equal(near, far) {
			wrong = append(wrong, fmt.Errorf("records of %s were begun in the order %v, and came in the order %v behind their hop", key, near, far))
		}
		for _, second := range []bool{false, true} {
			if mine := c.of(near, key, second); !slices.IsSorted(mine) {
				wrong = append(wrong, fmt.Errorf("records of %s in one depot were begun in the order %v", key, mine))
			}
		}
		c.acrossDepots = c.acrossDepots || !slices.IsSorted(near)
	}
	all, err := numbersOf(r, c.m.Far.Key("all"))
	wrong = append(wrong, err)
	if len(all) != len(c.records) {
		wrong = append(wrong, fmt.Errorf("%d records came, there are %d", len(all), len(c.records)))
	}
	for i := 1; i < len(all); i++ {
		a, b := all[i-1], all[i]
		c.acrossKeys = c.acrossKeys || a > b && c.records[a].Key != c.records[b].Key && c.second[a] == c.second[b]
	}
	return errors.Join(wrong...)
}

// of are the numbers of the records of a key in one depot.
func (c *arrivalsCase) of(all []int, key string, second bool) (mine []int) {
	for _, n := range all {
		if c.records[n].Key == key && c.second[n] == second {
			mine = append(mine, n)
		}
	}
	return mine
}

func numbersOf(r pstate.Reader, list pstate.SortedMap[int, int]) (numbers []int, err error) {
	for e, err := range list.Range(r, pstate.All[int]()) {
		if err != nil {
			return nil, err
		}
		numbers = append(numbers, e.Val)
	}
	return numbers, nil
}
