package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coppice-run/coppice/module"
)

// part is a stretch of a round. The first three make up all of it, others lie within them.
type part struct {
	name string
	took time.Duration
}

// The parts that every engine has.
const (
	startPart    = "start"    // from the order to start until the first record is seen
	countingPart = "counting" // until the last event is counted
	storingPart  = "storing"  // until what was counted is as durable as the engine makes it
)

// parseParts reads NAME=NANOSECONDS, as programs of other engines tell.
func parseParts(text string) ([]part, error) {
	var parts []part
	for field := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(field, "=")
		nanos, err := strconv.ParseInt(value, 10, 64)
		if err != nil || nanos < 0 {
			return nil, fmt.Errorf("%q is not a part and its nanoseconds", field)
		}
		parts = append(parts, part{name, time.Duration(nanos)})
	}
	for i, name := range []string{startPart, countingPart, storingPart} {
		if i >= len(parts) || parts[i].name != name {
			return nil, fmt.Errorf("%q lacks %s", text, name)
		}
	}
	return parts, nil
}

// whole is the time of all three parts.
func whole(parts []part) time.Duration {
	return parts[0].took + parts[1].took + parts[2].took
}

// firstRecord is when handlers saw the first record of a round.
type firstRecord struct{ nanos atomic.Int64 }

func (f *firstRecord) note() {
	if f != nil && f.nanos.Load() == 0 {
		f.nanos.CompareAndSwap(0, time.Now().UnixNano())
	}
}

// clocked is a subject that knows the parts of its last round.
type clocked struct {
	subject
	last *[]part
}

// clock makes a subject of what tells its parts.
func clock(s subject, run func(ctx context.Context, in *input) ([]part, error)) clocked {
	c := clocked{s, new([]part)}
	c.run = func(ctx context.Context, in *input) (took time.Duration, err error) {
		if *c.last, err = run(ctx, in); err != nil {
			return 0, err
		}
		return whole(*c.last), nil
	}
	return c
}

// clocked is the engine with a module. Each of its commits is stored, and the last one ends the
// counting: nothing is left to store behind it.
func (s *servers) clocked(define func(module string, first *firstRecord) module.Module) clocked {
	var first *firstRecord
	m := s.module(ours, func(name string) module.Module { return define(name, first) })
	return clock(m, func(ctx context.Context, in *input) ([]part, error) {
		first = &firstRecord{}
		order := time.Now()
		took, err := m.run(ctx, in)
		if err != nil {
			return nil, err
		}
		start := time.Unix(0, first.nanos.Load()).Sub(order)
		return []part{{startPart, start}, {countingPart, took - start}, {storingPart, 0}}, nil
	})
}

// clockedHand is the loop written by hand, whose start is no part of its own.
func (s *servers) clockedHand(words bool) clocked {
	h := s.handWritten(words)
	return clock(h, func(ctx context.Context, in *input) ([]part, error) {
		took, err := h.run(ctx, in)
		return []part{{startPart, 0}, {countingPart, took}, {storingPart, 0}}, err
	})
}

// clocks are the rates of a workload by both clocks, and the parts of its rounds.
type clocks struct {
	whole   *figure // from the order to start until all is stored
	running *figure // from the first record until the last event is counted
	first   *figure // the whole time of the warm-up, which is the first round of each process
	parts   *breakdown
}

// clocks adds the figures of a workload that is compared with other engines.
func (r *report) clocks(workload string, goals ...goal) *clocks {
	c := &clocks{
		whole:   r.figure(workload, "events/s", false, goals...),
		running: r.figure(workload+"-running", "events/s", false),
		first:   r.figure(workload+"-first", "events/s", false),
		parts:   &breakdown{Workload: workload},
	}
	r.Breakdowns = append(r.Breakdowns, c.parts)
	return c
}

// alternate has the subjects process an input in turn, and notes what both clocks say, after a
// round that warms them up.
func (c *clocks) alternate(ctx context.Context, in *input, rounds int, subjects ...clocked) error {
	for _, f := range []*figure{c.whole, c.running, c.first} {
		f.Checked = in.checked()
	}
	for round := range 1 + rounds {
		for _, s := range subjects {
			took, err := s.round(ctx, in, c.whole)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", c.whole.Workload, s.name, err)
			}
			rate := float64(in.events) / took.Seconds()
			if round == 0 {
				c.first.add(s.name, rate)
				continue
			}
			c.whole.add(s.name, rate)
			c.running.add(s.name, float64(in.events)/(*s.last)[1].took.Seconds())
			for _, p := range *s.last {
				c.parts.add(s.name, p)
			}
		}
	}
	return nil
}

// breakdown says what a workload's rounds spent their time on.
type breakdown struct {
	Workload string
	Rows     []*partSeries
}

// partSeries is what one part took a subject in each round.
type partSeries struct {
	Subject, Part string
	Millis        []float64
}

func (b *breakdown) add(subject string, p part) {
	millis := milliseconds(p.took)
	for _, row := range b.Rows {
		if row.Subject == subject && row.Part == p.name {
			row.Millis = append(row.Millis, millis)
			return
		}
	}
	b.Rows = append(b.Rows, &partSeries{subject, p.name, []float64{millis}})
}
