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

// Count is the workload of records that do not hop: each has its effect exactly
// once, whatever happens. A record counts its key and notes the count that it
// saw, so a repeated, a lost or a re-ordered record shows.
func Count() Workload {
	return Workload{Name: "count", New: func() Case { return &countCase{returned: map[int]int{}} }}
}

type click struct {
	Key    string
	Number int
}

type counting struct {
	Clicks module.Depot[click]
	Totals pstate.Map[string, int]
	Seen   pstate.MapOf[string, pstate.SortedMap[int, int]] // key, record, count after it
	Count  module.Ack[int]
}

func (m *counting) Define(b *module.Builder) {
	module.HashDepot(b, &m.Clicks, "clicks", func(c click) string { return c.Key })
	s := b.Stream("count")
	s.PState(&m.Totals, "totals")
	s.PState(&m.Seen, "seen")
	module.DeclareAck(s, &m.Count, agg.Last[int]())
	module.DeclareSource(s, m.Clicks, func(ev *module.Event, c click) error {
		n := agg.Inc(ev, m.Totals.Key(c.Key))
		m.Seen.Key(c.Key).Key(c.Number).Set(ev, n)
		m.Count.Return(ev, n)
		return nil
	}, module.StartFromBeginning())
}

type countCase struct {
	m        counting
	clicks   []click
	returned map[int]int
}

func (c *countCase) Module() module.Module { return &c.m }

func (c *countCase) Append(a module.Appender, r *rand.Rand, number int) error {
	v := click{Key: fmt.Sprintf("k%d", r.IntN(9)), Number: number}
	c.clicks = append(c.clicks, v)
	_, err := c.m.Clicks.Append(context.Background(), a, v)
	return err
}

func (c *countCase) Acked(number int, acks module.Acks) error {
	if n, ok := c.m.Count.From(acks); ok {
		c.returned[number] = n
	}
	return nil
}

func (c *countCase) Check(r pstate.Reader, _ func(int) bool) error { return c.CheckLoss(r, Losses{}) }

// CheckLoss compares with the fold of what the log holds: what it has lost has left no
// trace, unless its task has halted.
func (c *countCase) CheckLoss(r pstate.Reader, l Losses) error {
	var wrong []error
	totals := map[string]int{}
	for _, v := range c.clicks {
		switch l.Fate(v.Number) {
		case Unsure:
			continue
		case Lost:
			if _, ok, err := c.m.Seen.Key(v.Key).Key(v.Number).Lookup(r); ok || err != nil {
				wrong = append(wrong, fmt.Errorf("record %d is not in the log any more, its task goes on, and it left a trace at key %s (error %v)", v.Number, v.Key, err))
			}
			continue
		}
		totals[v.Key]++
		n, ok, err := c.m.Seen.Key(v.Key).Key(v.Number).Lookup(r)
		switch {
		case err != nil:
			wrong = append(wrong, err)
		case !ok:
			wrong = append(wrong, fmt.Errorf("record %d left no trace at key %s", v.Number, v.Key))
		case n != totals[v.Key]:
			wrong = append(wrong, fmt.Errorf("record %d counted %d at key %s, the log's fold has %d", v.Number, n, v.Key, totals[v.Key]))
		}
		if was, ok := c.returned[v.Number]; ok && was != totals[v.Key] {
			wrong = append(wrong, fmt.Errorf("record %d returned %d, the log's fold has %d", v.Number, was, totals[v.Key]))
		}
	}
	for _, key := range sortedKeys(totals) {
		n, err := c.m.Totals.Key(key).Get(r)
		if err != nil || n != totals[key] {
			wrong = append(wrong, fmt.Errorf("total of %s is %d (error %v), the log's fold has %d", key, n, err, totals[key]))
		}
		length, err := c.m.Seen.Key(key).Len(r)
		if err != nil || length != totals[key] {
			wrong = append(wrong, fmt.Errorf("key %s has %d traces (error %v), the log %d records", key, length, err, totals[key]))
		}
	}
	return errors.Join(wrong...)
}
