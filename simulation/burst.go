package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Burst is the workload of records that fan out to very many events, among small ones:
// with little memory their events go to the process's disk and come back (R43), on every
// part of the way. Each event marks its number once, so that one that is missing shows.
func Burst() Workload {
	return Workload{Name: "burst", Hops: true, RecordsMax: 10, TreeTimeout: 20 * time.Second, New: func() Case { return &burstCase{} }}
}

// squall is a record that sends off so many events, each of which sends off Deep more.
type squall struct {
	Number, Events, Deep int
	One                  bool // all to one bucket
}

// drop is an event: Mark tells it from all others.
type drop struct{ Bucket, Mark, Deep int }

// Buckets of the events of the two levels.
const (
	fallBuckets   = 7
	splashBuckets = 5
)

func (v *squall) fall(i int) drop {
	bucket := i % fallBuckets
	if v.One {
		bucket = v.Number % fallBuckets
	}
	return drop{bucket, v.Number*1_000_000 + i*100, v.Deep}
}

func (d *drop) splash(i int) drop { return drop{(d.Mark + i) % splashBuckets, d.Mark + 1 + i, 0} }

type raining struct {
	Squalls module.Depot[squall]
	Wet     pstate.MapOf[int, pstate.SortedSet[int]] // by bucket: the events that arrived
	Fallen  module.Ack[int]
	fall    module.Step[drop]
	splash  module.Step[drop]
}

func (m *raining) Define(b *module.Builder) {
	module.HashDepot(b, &m.Squalls, "squalls", func(v squall) int { return v.Number })
	s := b.Stream("burst")
	s.PState(&m.Wet, "wet")
	module.DeclareAck(s, &m.Fallen, agg.Sum[int]())
	module.DeclareStep(s, &m.fall, "fall", module.At(&m.Wet, func(d drop) int { return d.Bucket }), m.onFall)
	module.DeclareStep(s, &m.splash, "splash", module.At(&m.Wet, func(d drop) int { return d.Bucket }), m.onFall)
	module.DeclareSource(s, m.Squalls, func(ev *module.Event, v squall) error {
		for i := range v.Events {
			m.fall.Send(ev, v.fall(i))
		}
		return nil
	}, module.StartFromBeginning(), module.MaxAttempts(0))
}

func (m *raining) onFall(ev *module.Event, d drop) error {
	m.Wet.Key(d.Bucket).Add(ev, d.Mark)
	m.Fallen.Return(ev, 1)
	for i := range d.Deep {
		m.splash.Send(ev, d.splash(i))
	}
	return nil
}

type burstCase struct {
	m       raining
	squalls []squall
}

func (c *burstCase) Module() module.Module { return &c.m }

func (c *burstCase) Append(a module.Appender, r *rand.Rand, number int) error {
	v := squall{Number: number, Events: r.IntN(3)}
	switch r.IntN(60) {
	case 0: // from one event, more than a frame to one task
		v.Events, v.One = 1000+r.IntN(300), true
	case 1, 2: // from one event
		v.Events = 100 + r.IntN(300)
	case 3, 4: // from many
		v.Events, v.Deep = 10+r.IntN(10), 10+r.IntN(10)
	}
	c.squalls = append(c.squalls, v)
	_, err := c.m.Squalls.Append(context.Background(), a, v)
	return err
}

func (v *squall) size() int { return v.Events * (1 + v.Deep) }

func (c *burstCase) Acked(number int, acks module.Acks) error {
	v := &c.squalls[number]
	if n, ok := c.m.Fallen.From(acks); ok && n != v.size() {
		return fmt.Errorf("its tree returned %d, it has %d events", n, v.size())
	}
	return nil
}

func (c *burstCase) Check(r pstate.Reader, _ func(int) bool) error {
	want := map[int]map[int]bool{}
	mark := func(d drop) {
		if want[d.Bucket] == nil {
			want[d.Bucket] = map[int]bool{}
		}
		want[d.Bucket][d.Mark] = true
	}
	for i := range c.squalls {
		v := &c.squalls[i]
		for n := range v.Events {
			d := v.fall(n)
			mark(d)
			for n := range v.Deep {
				mark(d.splash(n))
			}
		}
	}
	var wrong []error
	for bucket := range fallBuckets {
		for have, err := range c.m.Wet.Key(bucket).Range(r, pstate.Span[int]{}) {
			if err != nil {
				return err
			}
			if !want[bucket][have] {
				wrong = append(wrong, fmt.Errorf("bucket %d has the mark %d of no event", bucket, have))
			}
			delete(want[bucket], have)
		}
		if n := len(want[bucket]); n > 0 {
			wrong = append(wrong, fmt.Errorf("bucket %d lacks the marks of %d events", bucket, n))
		}
	}
	return errors.Join(wrong...)
}
