package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Ticks is the workload of a tick depot that a stream, an exactly-once stream and a
// microbatch topology read, the last two to tell all tasks. Owners come and go, their clocks
// jump, and handlers fail: whatever happens, the ticks that each of them was given stand for
// every one that was due, once (promises 4.11 and 4.12).
func Ticks() Workload {
	return ticksEach("ticks", 137*time.Millisecond)
}

// ticksEach is the workload with the period of the depot, which should not be a divisor of
// anything: short ones have ticks due while others wait for their next attempt, and cost more.
func ticksEach(name string, period time.Duration) Workload {
	return Workload{Name: name, Hops: true, Exact: true, Fails: true, New: func() Case {
		return &ticksCase{m: clockwork{period: period}, began: map[string]int64{}}
	}}
}

// beats are the ticks that were heard.
type beats struct {
	First, Last int64 // due times in milliseconds, of those that are stood for
	Periods     int
}

func (b beats) with(t module.Tick, period time.Duration) beats {
	last := t.Time.UnixMilli()
	first := last - int64(t.Missed)*period.Milliseconds()
	if b.Periods == 0 || first < b.First {
		b.First = first
	}
	return beats{b.First, max(b.Last, last), b.Periods + t.Periods()}
}

// check sees that every tick is in it once that was due since the topology began.
func (b beats) check(began int64, each time.Duration) error {
	period := each.Milliseconds()
	first := (began + period - 1) / period * period
	switch {
	case b.Periods == 0:
		return errors.New("heard no tick")
	case b.First != first:
		return fmt.Errorf("began at %d, the first tick heard of was due at %d, want %d", began, b.First, first)
	case int64(b.Periods) != (b.Last-b.First)/period+1:
		return fmt.Errorf("heard of %d ticks from %d to %d, %d were due", b.Periods, b.First, b.Last, (b.Last-b.First)/period+1)
	}
	return nil
}

type clockwork struct {
	Pulse  module.Ticks
	Words  module.Depot[string]
	Spoken pstate.Map[string, int]
	Alone  pstate.Value[beats] // of the stream
	Exact  pstate.Value[beats] // on each task
	Micro  pstate.Value[beats] // on each task

	exact module.Step[module.Tick]
	micro module.Step[module.Tick]

	period time.Duration
}

func (m *clockwork) Define(b *module.Builder) {
	module.TickDepot(b, &m.Pulse, "pulse", m.period)
	module.HashDepot(b, &m.Words, "words", func(w string) string { return w })
	plain := b.Stream("plain")
	plain.PState(&m.Alone, "alone")
	plain.PState(&m.Spoken, "spoken")
	module.DeclareSource(plain, m.Words, func(ev *module.Event, w string) error {
		m.Spoken.Key(w).Set(ev, 1)
		return nil
	}, module.StartFromBeginning(), module.MaxAttempts(0))
	module.DeclareTickSource(plain, m.Pulse, func(ev *module.Event, t module.Tick) error {
		m.Alone.Update(ev, func(b beats) beats { return b.with(t, m.period) })
		if ev.Attempt() <= int(t.Time.UnixMilli()/m.period.Milliseconds())%7-4 {
			return errMood
		}
		return nil
	}, module.MaxAttempts(0))

	exact := b.Stream("exact", module.ExactlyOnce())
	exact.PState(&m.Exact, "exact")
	module.DeclareStep(exact, &m.exact, "hear-exact", module.Stay[module.Tick](), func(ev *module.Event, t module.Tick) error {
		m.Exact.Update(ev, func(b beats) beats { return b.with(t, m.period) })
		return nil
	})
	module.DeclareTickSource(exact, m.Pulse, func(ev *module.Event, t module.Tick) error {
		m.exact.SendAll(ev, t)
		return nil
	}, module.MaxAttempts(1000))

	micro := b.Microbatch("micro")
	micro.PState(&m.Micro, "micro")
	module.DeclareStep(micro, &m.micro, "hear-micro", module.Stay[module.Tick](), func(ev *module.Event, t module.Tick) error {
		m.Micro.Update(ev, func(b beats) beats { return b.with(t, m.period) })
		return nil
	})
	module.DeclareTickSource(micro, m.Pulse, func(ev *module.Event, t module.Tick) error {
		m.micro.SendAll(ev, t)
		return nil
	}, module.MaxAttempts(0))
}

type ticksCase struct {
	m     clockwork
	words []string
	began map[string]int64 // where sources began, by topology and source
}

func (c *ticksCase) Module() module.Module { return &c.m }

func (c *ticksCase) begins(source string, offset int64) { c.began[source] = offset }

func (c *ticksCase) Append(a module.Appender, _ *rand.Rand, number int) error {
	c.words = append(c.words, fmt.Sprint("word ", number))
	_, err := c.m.Words.Append(context.Background(), a, c.words[number])
	return err
}

func (c *ticksCase) Acked(int, module.Acks) error { return nil }

func (c *ticksCase) Check(r pstate.Reader, _ func(int) bool) error {
	var wrong []error
	for _, w := range c.words {
		if n, err := c.m.Spoken.Key(w).Get(r); err != nil || n != 1 {
			wrong = append(wrong, fmt.Errorf("%s was heard %d times (error %v)", w, n, err))
		}
	}
	return errors.Join(wrong...)
}

// checkAt looks at each task.
func (c *ticksCase) checkAt(at []pstate.Reader, _ bool) error {
	var wrong []error
	look := func(topology string, task int, v pstate.Value[beats]) {
		have, err := v.Get(at[task])
		if err == nil {
			err = have.check(c.began[topology+"/pulse"], c.m.period)
		}
		if err != nil {
			wrong = append(wrong, fmt.Errorf("topology %s, task %d: %w", topology, task, err))
		}
	}
	look("plain", 0, c.m.Alone)
	for i := range at {
		look("exact", i, c.m.Exact)
		look("micro", i, c.m.Micro)
	}
	return errors.Join(wrong...)
}
