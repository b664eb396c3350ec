package main

import (
	"context"
	"fmt"
	"math"
	"time"
)

// growing is the figure that has the rounds of growth that were run again, and no values.
func (r *report) growing() *figure {
	const name = "growth"
	if f := r.find(name); f != nil {
		return f
	}
	return r.figure(name, "events/s", false)
}

// How long a round of a point counts at least, so that starting and the machine's hiccups weigh
// little; what a longer input is made for where one is too short; how often that is done; and
// how many bytes an input may have: they lie on the broker's disk.
const (
	growthLeast = 1100 * time.Millisecond
	growthAimed = 1300 * time.Millisecond
	growthTries = 3
	growthBytes = 2_000_000_000
)

// pointed is what was measured at a point: medians of its rounds.
type pointed struct {
	rate    float64 // events per second
	heap    float64 // the most of the Go heap, in MB, that was in use beyond what the bench itself holds
	seconds float64 // that a round took
	events  int     // of a round
	// CPU time of an event, in nanoseconds: of the worker's process and of Redis.
	worker, redis float64
}

// pointRounds are the rounds of a point.
type pointRounds struct{ rates, heaps, workers, redises []float64 }

// add adds a round of so many events.
func (p *pointRounds) add(rate, events, heap float64, spent usage) {
	p.rates, p.heaps = append(p.rates, rate), append(p.heaps, heap)
	p.workers, p.redises = append(p.workers, spent.ProcessNanos/events), append(p.redises, spent.RedisNanos/events)
}

// point is the median of rounds of so many events.
func (p *pointRounds) point(events int) pointed {
	rate := median(p.rates)
	return pointed{rate, median(p.heaps), float64(events) / rate, events, median(p.workers), median(p.redises)}
}

// point measures a subject on an input that it makes and drops.
func (s *servers) point(ctx context.Context, o options, r *report, module string, partitions, records int, next generator, one subject) (pointed, error) {
	in, err := s.fill(ctx, moduleName(module), "clicks", partitions, records, next)
	if err != nil {
		return pointed{}, err
	}
	defer s.drop(ctx, in)
	return s.measured(ctx, o, r.growing(), in, next, one)
}

// measured is a point whose input is there. Where its first round is too short, the input gets
// more records, and that round does not count.
func (s *servers) measured(ctx context.Context, o options, f *figure, in *input, next generator, one subject) (pointed, error) {
	s.use = &roundUse{s: s}
	defer func() { s.use = nil }()
	var p pointRounds
	for longer := 0; len(p.rates) < o.rounds; {
		took, err := one.round(ctx, in, f)
		if err != nil {
			return pointed{}, fmt.Errorf("%s: %w", in.module, err)
		}
		if more := in.lacks(took); len(p.rates) == 0 && more > 0 && longer < growthTries {
			longer++
			if err := s.more(ctx, in, more, next); err != nil {
				return pointed{}, err
			}
			continue
		}
		heap, spent := s.use.last()
		p.add(float64(in.events)/took.Seconds(), float64(in.events), heap, spent)
	}
	return p.point(in.events), nil
}

// lacks is how many records an input lacks for a round that counts for long enough, by a round
// that took so long.
func (in *input) lacks(took time.Duration) int {
	if took >= growthLeast {
		return 0
	}
	more := float64(in.records) * (growthAimed.Seconds()/took.Seconds() - 1)
	room := float64(growthBytes-in.bytes) / (float64(in.bytes) / float64(in.records))
	return max(0, int(math.Ceil(min(more, room))))
}

// met is how many of so many keys are met by events that each draw one: the expected number.
func met(keys, events int) float64 {
	return float64(keys) * -math.Expm1(float64(events)*math.Log1p(-1/float64(keys)))
}
