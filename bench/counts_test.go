package main

import (
	"context"
	"errors"
	"maps"
	"strings"
	"testing"
	"time"
)

// A round in which attempts failed is run again, and its counts are compared all the same.
func TestARoundWithFailedAttemptsIsCompared(t *testing.T) {
	t.Parallel()
	in := &input{fold: map[string]int64{"a": 3, "b": 1}}
	for _, c := range []struct {
		name   string
		exact  bool
		counts map[string]int64
		wrong  string // "": the round may be run again
	}{
		{"as the fold", false, map[string]int64{"a": 3, "b": 1}, ""},
		{"counted again", false, map[string]int64{"a": 5, "b": 1}, ""},
		{"a key of nobody", false, map[string]int64{"a": 3, "b": 1, "c": 1}, "c was counted 1 times, the input does not have it"},
		{"as the fold, exactly once", true, map[string]int64{"a": 3, "b": 1}, ""},
		{"counted again, exactly once", true, map[string]int64{"a": 4, "b": 1}, "a was counted 4 times, the input has it 3 times"},
		{"too few, exactly once", true, map[string]int64{"a": 2, "b": 1}, "a was counted 2 times, the input has it 3 times"},
	} {
		counts := func(context.Context, *input) (map[string]int64, error) { return c.counts, nil }
		err := (&servers{}).compareRetried(t.Context(), in, &wording{exact: c.exact}, errRetried, counts)
		if again := c.wrong == ""; err == nil || errors.Is(err, errRetried) != again || !strings.Contains(err.Error(), c.wrong) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
	if _, err := in.checkLeast(map[string]int64{"a": 2, "b": 4}); err == nil || !strings.Contains(err.Error(), "a was counted 2 times") {
		t.Errorf("a count below the fold is %v", err)
	}
	if err := (&servers{}).compareRetried(t.Context(), in, &wording{}, nil, nil); err != nil {
		t.Errorf("a round in which nothing failed: %v", err)
	}
}

// What failed is processed again a little later: counts below the fold may be so for a moment.
func TestCountsBelowTheFoldMayCatchUp(t *testing.T) {
	t.Parallel()
	in, asked := &input{fold: map[string]int64{"a": 3}}, int64(0)
	counts := func(context.Context, *input) (map[string]int64, error) {
		asked++
		return map[string]int64{"a": 1 + asked}, nil
	}
	if err := (&servers{}).compareRetried(t.Context(), in, &counting{}, errRetried, counts); !errors.Is(err, errRetried) || asked != 2 {
		t.Errorf("looked %d times: %v", asked, err)
	}
}

// A point whose first round is short gets a longer input, which the counts are compared with.
func TestAPointCountsForLongEnough(t *testing.T) {
	t.Parallel()
	s, rounds := fakes(t), []int{}
	in, err := s.fill(t.Context(), moduleName("Long"), "clicks", 4, 10, keysOf(5))
	if err != nil {
		t.Fatal(err)
	}
	next := keysOf(5)
	p, err := s.measured(t.Context(), options{rounds: 3}, &figure{}, in, next, subject{name: ours, run: func(_ context.Context, in *input) (time.Duration, error) {
		defer s.use.watch(t.Context())()
		rounds = append(rounds, in.records)
		return time.Duration(in.records) * 20 * time.Millisecond, nil // fifty a second
	}})
	if err != nil || p.rate != 50 || p.seconds < growthLeast.Seconds() || p.events != in.events {
		t.Errorf("%+v: %v", p, err)
	}
	if len(rounds) != 4 || rounds[0] != 10 || rounds[1] != 65 || in.fold == nil || in.events != 65 {
		t.Errorf("rounds of %v records, the fold has %d events", rounds, in.events)
	}
	if n := (&input{records: 10, bytes: growthBytes}).lacks(time.Millisecond); n != 0 {
		t.Errorf("an input that is as large as may be lacks %d records", n)
	}
	r := &report{}
	c := r.curve(&curve{Name: "x"})
	c.X, c.Y = "tasks", "events/s"
	c.addPoint("a", 1, 1, pointed{seconds: 1.26})
	c.addPoint("a", 2, 5000, pointed{seconds: 3, worker: 800, redis: 500})
	if got := c.lengths(); got != "Rounds are of 1.3 to 3.0 s." {
		t.Error(got)
	}
	if got, want := c.costs(), "| 2 | a | 5,000 | 800 | 500 |\n"; !strings.HasSuffix(got, want) || strings.Count(got, "\n") != 3 {
		t.Errorf("%s, want %s", got, want)
	}
	if got := r.curve(&curve{}).costs(); got != "" {
		t.Error(got)
	}
}

func TestPagesAreCounted(t *testing.T) {
	t.Parallel()
	if n, err := countOf(quotedPage(42)); n != 42 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	for _, broken := range []string{"", "null", quotedPage(42)[:100], strings.Replace(quotedPage(1), "x", "y", 1)} {
		if n, err := countOf(broken); err == nil {
			t.Errorf("%.20s is counted up to %d", broken, n)
		}
	}
	if keys := met(1_000_000, 1_000_000); int(keys/1000) != 632 {
		t.Errorf("1,000,000 events meet %v of as many keys", keys)
	}
}

func TestSmallRecordsComeByASchedule(t *testing.T) {
	t.Parallel()
	s, r := fakes(t), &report{}
	if err := fairnessWorkload(t.Context(), s, s.options, r); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"fairness", "fairness-apart"} {
		f := r.find(name)
		if len(f.of(ours)) != 1 || len(f.of("alone")) != 1 || !maps.Equal(goalBounds(f), map[string]float64{"alone": 3}) {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if f := r.find("fairness-rate"); f.of(ours)[0] != f.of("alone")[0] {
		t.Errorf("beside a big record come %v a second, alone %v", f.of(ours), f.of("alone"))
	}
}

func goalBounds(f *figure) map[string]float64 {
	bounds := map[string]float64{}
	for _, g := range f.Goals {
		bounds[g.Peer] = g.Ratio
	}
	return bounds
}

// A round that was run in vain has counted pages up: the next one begins at what is there.
func TestARoundCountsOnFromWhatOthersLeft(t *testing.T) {
	t.Parallel()
	ctx, s, next := t.Context(), fakes(t), keysOf(50)
	in, err := s.fill(ctx, moduleName("Stored"), "clicks", tasks, 200, next)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.storePages(ctx, in, 50); err != nil {
		t.Fatal(err)
	}
	x := s.countingOn(ours)
	round := func() error {
		if err := x.prepare(ctx, in); err != nil {
			return err
		}
		_, err := x.run(ctx, in)
		return err
	}
	if err := errors.Join(round(), round()); err != nil {
		t.Fatal(err)
	}
	if err := x.prepare(ctx, in); err != nil {
		t.Fatal(err)
	}
	if _, err := s.process(ctx, in, &keeping{name: in.module}, nil); err != nil { // and nobody looks
		t.Fatal(err)
	}
	if err := round(); err != nil {
		t.Errorf("behind a round in vain: %v", err)
	}
	if err := errors.Join(s.more(ctx, in, 100, next), round()); err != nil {
		t.Errorf("with more records: %v", err)
	}
	for key := range in.fold {
		in.fold[key]++
		break
	}
	if err := round(); err == nil {
		t.Error("an event that is not counted voids no round")
	}
}
