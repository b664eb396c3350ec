package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
)

// profileWorkload measures where time goes: CPU per event by stage, and what is allocated.
func profileWorkload(ctx context.Context, s *servers, o options, r *report) error {
	for name := range strings.SplitSeq(o.profiled, ",") {
		in, subject, err := s.profiled(ctx, o, name)
		if err != nil {
			return err
		}
		err = s.profile(ctx, o, r, in, subject, name)
		if in.topic != "" {
			s.drop(ctx, in)
		}
		if err != nil {
			return fmt.Errorf("profile of %s: %w", name, err)
		}
	}
	return nil
}

func (s *servers) profile(ctx context.Context, o options, r *report, in *input, subject subject, name string) error {
	// A first round fills pools and caches.
	if err := subject.prepare(ctx, in); err != nil {
		return err
	}
	if _, err := subject.run(ctx, in); err != nil && !errors.Is(err, errRetried) {
		return err
	}
	p := &profiling{s: s, name: name}
	forgetPeak()
	for range o.rounds {
		if err := p.round(ctx, in, subject); err != nil {
			return err
		}
	}
	events := float64(in.events * len(p.rates))
	b := &budget{
		Workload: name, Events: spread(p.rates, "events/s"),
		Objects: float64(p.objects) / events, Bytes: float64(p.bytes) / events,
		ResidentMB: peakResident(), Usage: p.spent.over(events),
	}
	r.Budgets = append(r.Budgets, b)
	if err := b.split(ctx, p.files, events); err != nil {
		return err
	}
	b.print(r.out)
	fmt.Fprintf(r.out, "go tool pprof %s\n", strings.Join(p.files, " "))
	return nil
}

// profiling sums up what rounds take, from the order to start until the last event is counted and
// the subject has stopped: neither emptying Redis before nor checking the counts after is in it.
type profiling struct {
	s              *servers
	name           string
	files          []string // a CPU profile of each round
	rates          []float64
	objects, bytes uint64
	spent          usage
}

// round profiles a round. One in which attempts failed counts for nothing, since its events ran more
// than once: it begins anew.
func (p *profiling) round(ctx context.Context, in *input, subject subject) error {
	for try := 1; ; try++ {
		if err := subject.prepare(ctx, in); err != nil {
			return err
		}
		err := p.once(ctx, in, subject)
		if err == nil && subject.bare != nil {
			err = subject.verify(ctx, in)
		}
		if !errors.Is(err, errRetried) || try >= tries {
			return err
		}
	}
}

func (p *profiling) once(ctx context.Context, in *input, subject subject) error {
	run := subject.bare
	if run == nil {
		run = subject.run
	}
	file, err := os.CreateTemp("", "coppice-profile-"+p.name+"-*.prof")
	if err != nil {
		return err
	}
	defer file.Close()
	runtime.GC() // what is left of preparing is collected before
	begun, err := p.s.usage(ctx)
	if err != nil {
		return err
	}
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	took, err := run(ctx, in)
	pprof.StopCPUProfile()
	runtime.ReadMemStats(&after)
	if err != nil {
		return errors.Join(err, os.Remove(file.Name()))
	}
	ended, err := p.s.usage(ctx)
	if err != nil {
		return err
	}
	p.files = append(p.files, file.Name())
	p.rates = append(p.rates, float64(in.events)/took.Seconds())
	p.objects, p.bytes = p.objects+after.Mallocs-before.Mallocs, p.bytes+after.TotalAlloc-before.TotalAlloc
	p.spent.add(begun, ended)
	return nil
}

// profiled is the input and the subject of a profile.
func (s *servers) profiled(ctx context.Context, o options, name string) (*input, subject, error) {
	switch name {
	case "count":
		in, err := s.fill(ctx, moduleName("BenchProfile"), "clicks", tasks, o.count, keysOf(100_000))
		return in, s.module(ours, newCounting), err
	case "words":
		in, err := s.fill(ctx, moduleName("BenchProfile"), "sentences", tasks, o.words, sentencesOf(10))
		return in, s.module(ours, newWording), err
	case "hand":
		in, err := s.fill(ctx, moduleName("BenchProfile"), "clicks", tasks, o.count, keysOf(100_000))
		return in, s.handWritten(false), err
	case "exactly-once":
		in, err := s.fill(ctx, moduleName("BenchProfile"), "sentences", tasks, o.words, sentencesOf(10))
		return in, s.module(ours, newExactWording), err
	case "microbatch":
		in, err := s.fill(ctx, moduleName("BenchProfile"), "sentences", tasks, o.words, sentencesOf(10))
		return in, s.module(ours, newMicroWording), err
	case "ack", "ack-64", "floor", "floor-64":
		in, subject := s.acked(o, name)
		return in, subject, nil
	}
	return nil, subject{}, fmt.Errorf("no profile of %q: count, words, exactly-once, microbatch or hand; ack or ack-64, or floor or floor-64 beside them", name)
}
