package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Cold is the workload of many keys and little memory: most events need an element that was
// evicted, or that an owner before wrote. In stretches they look it up under the key that they came
// with, so that it is asked for without running them, and in others they do not; some write it
// unread. Who takes an old answer for what an event wrote meanwhile counts wrong.
func Cold() Workload {
	return Workload{Name: "cold", RecordsMax: 300, New: func() Case { return &coldCase{} }}
}

// coldKeys is how many there are; the elements that memory has room for are fewer.
const coldKeys = 60

type visit struct {
	Key    string
	Number int
	Manner manner
}

// manner is what the event of a visit does.
type manner int

const (
	adds     manner = iota // reads under its key and writes
	rewrites               // writes under its key, unread
	strays                 // reads beside it
)

type visiting struct {
	Visits module.Depot[visit]
	Totals pstate.Map[string, int]
	Looks  pstate.MapOf[string, pstate.Map[int, int]]
	Total  module.Ack[int]
}

func (m *visiting) Define(b *module.Builder) {
	module.HashDepot(b, &m.Visits, "visits", func(v visit) string { return v.Key })
	s := b.Stream("cold")
	s.PState(&m.Totals, "totals")
	s.PState(&m.Looks, "looks")
	module.DeclareAck(s, &m.Total, agg.Last[int]())
	module.DeclareSource(s, m.Visits, m.onVisit, module.StartFromBeginning())
}

func (m *visiting) onVisit(ev *module.Event, v visit) error {
	total := v.start()
	switch v.Manner {
	case adds:
		total = agg.Inc(ev, m.Totals.Key(v.Key))
	case rewrites:
		m.Totals.Key(v.Key).Set(ev, total)
	case strays:
		total = agg.Inc(ev, m.Looks.Key(v.Key).Key(v.Number%3))
	}
	m.Total.Return(ev, total)
	return nil
}

// start is what a total begins from again.
func (v *visit) start() int { return 1000 * (1 + v.Number) }

type coldCase struct {
	m     visiting
	model coldModel
	want  []int // what each visit has to return
}

// coldModel is the PStates, in memory.
type coldModel struct {
	totals map[string]int
	looks  map[string]map[int]int
}

func (c *coldCase) Module() module.Module { return &c.m }

func (c *coldCase) Append(a module.Appender, r *rand.Rand, number int) error {
	v := visit{Key: fmt.Sprint("k", r.IntN(coldKeys)), Number: number}
	switch {
	case number/40%3 == 2 && r.IntN(4) > 0:
		v.Manner = strays
	case r.IntN(12) == 0:
		v.Manner = rewrites
	}
	c.want = append(c.want, c.model.visit(&v))
	_, err := c.m.Visits.Append(context.Background(), a, v)
	return err
}

// visit is onVisit.
func (m *coldModel) visit(v *visit) int {
	if m.totals == nil {
		m.totals, m.looks = map[string]int{}, map[string]map[int]int{}
	}
	switch v.Manner {
	case adds:
		m.totals[v.Key]++
	case rewrites:
		m.totals[v.Key] = v.start()
	case strays:
		if m.looks[v.Key] == nil {
			m.looks[v.Key] = map[int]int{}
		}
		m.looks[v.Key][v.Number%3]++
		return m.looks[v.Key][v.Number%3]
	}
	return m.totals[v.Key]
}

func (c *coldCase) Acked(number int, acks module.Acks) error {
	if n, ok := c.m.Total.From(acks); ok && n != c.want[number] {
		return fmt.Errorf("it returned %d, the log's fold has %d", n, c.want[number])
	}
	return nil
}

func (c *coldCase) Check(r pstate.Reader, _ func(int) bool) error {
	var wrong []error
	differs := func(what string, have int, err error, want int) {
		if err != nil || have != want {
			wrong = append(wrong, fmt.Errorf("%s is %d (error %v), the log's fold has %d", what, have, err, want))
		}
	}
	for k := range coldKeys {
		key := fmt.Sprint("k", k)
		n, err := c.m.Totals.Key(key).Get(r)
		differs("the total of "+key, n, err, c.model.totals[key])
		for i := range 3 {
			n, err := c.m.Looks.Key(key).Key(i).Get(r)
			differs(fmt.Sprintf("look %d of %s", i, key), n, err, c.model.looks[key][i])
		}
	}
	return errors.Join(wrong...)
}
