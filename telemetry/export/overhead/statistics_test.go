package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func TestOrder(t *testing.T) {
	for _, c := range []struct {
		subjects, round int
		want            []int
	}{
		{2, 0, []int{0, 1, 1, 0}},
		{2, 1, []int{1, 0, 0, 1}},
		{2, 2, []int{0, 1, 1, 0}},
		{3, 1, []int{1, 2, 0, 0, 2, 1}},
	} {
		if have := order(c.subjects, c.round); !slices.Equal(have, c.want) {
			t.Errorf("round %d of %d subjects: %v, want %v", c.round, c.subjects, have, c.want)
		}
	}
}

// A machine that gets slower evenly is not seen in the ratio of a round, whoever goes first.
func TestDriftCancels(t *testing.T) {
	for round := range 4 {
		runs := order(3, round)
		took := make([]usage, len(runs))
		for i, s := range runs {
			took[i].seconds = []float64{3, 3.1, 3.2}[s] + 0.2*float64(i)
		}
		sums := together(runs, took)
		for s, want := range []float64{0, 0.2, 0.4} {
			if more := sums[s].seconds - sums[0].seconds; math.Abs(more-want) > 1e-9 {
				t.Errorf("round %d: subject %d takes %.3f s more, want %.3f s", round, s, more, want)
			}
		}
	}
}

// The ranks are those of the tables of the sign test.
func TestEstimate(t *testing.T) {
	for _, c := range []struct {
		rounds            int
		median, low, high float64
		sure              float64
	}{
		{1, 1, 1, 1, 0},
		{2, 1.5, 1, 2, 0.5},
		{5, 3, 1, 5, 0.9375},
		{6, 3.5, 1, 6, 0.96875},
		{8, 4.5, 1, 8, 0.992188},
		{9, 5, 2, 8, 0.960938},
		{15, 8, 4, 12, 0.964844},
		{24, 12.5, 7, 18, 0.977344},
		{25, 13, 8, 18, 0.956715},
		{100, 50.5, 40, 61, 0.964800},
	} {
		figures := make([]float64, c.rounds)
		for i, n := range rand.New(rand.NewPCG(1, 2)).Perm(c.rounds) {
			figures[i] = float64(n + 1)
		}
		e := estimateOf(figures)
		if e.median != c.median || e.low != c.low || e.high != c.high || math.Abs(e.sure-c.sure) > 1e-5 {
			t.Errorf("%d rounds: median %g within [%g..%g] with %f, want %g within [%g..%g] with %f",
				c.rounds, e.median, e.low, e.high, e.sure, c.median, c.low, c.high, c.sure)
		}
		if e.least != 1 || e.most != float64(c.rounds) {
			t.Errorf("%d rounds: from %g to %g", c.rounds, e.least, e.most)
		}
		if few := strings.Contains(e.interval("%.0f"), "too few"); few != (c.rounds < 6) {
			t.Errorf("%d rounds: %s", c.rounds, e.interval("%.0f"))
		}
	}
}

func TestEstimateManyRounds(t *testing.T) {
	if e := estimateOf(make([]float64, 5000)); e.sure < confidence || e.sure > 0.96 {
		t.Errorf("5000 rounds: %f", e.sure)
	}
}

// The interval holds the true median as often as it says, of a distribution with a long tail.
func TestIntervalCovers(t *testing.T) {
	const tries, rounds = 20_000, 24
	r := rand.New(rand.NewPCG(3, 4))
	held, sure := 0, 0.0
	for range tries {
		figures := make([]float64, rounds)
		for i := range figures {
			figures[i] = r.ExpFloat64()
		}
		e := estimateOf(figures)
		if e.low <= math.Ln2 && math.Ln2 <= e.high {
			held++
		}
		sure = e.sure
	}
	if share := float64(held) / tries; math.Abs(share-sure) > 0.005 {
		t.Errorf("%.4f of the intervals hold the median, and say %.4f", share, sure)
	}
}
