package main

import (
	"fmt"
	"math"
	"slices"
)

// order says which subject runs when in a round: each once, then each once more in reverse. So
// the middle of a subject's two runs is the middle of the round, and a machine that gets slower or
// faster evenly does so for all alike. Each round another subject goes first.
func order(subjects, round int) []int {
	runs := make([]int, 2*subjects)
	for i := range subjects {
		s := (i + round) % subjects
		runs[i], runs[len(runs)-1-i] = s, s
	}
	return runs
}

// together is what each subject took in all its runs of a round.
func together(runs []int, took []usage) []usage {
	sums := make([]usage, slices.Max(runs)+1)
	for i, s := range runs {
		sums[s] = sums[s].plus(took[i])
	}
	return sums
}

// confidence is how sure an interval is to hold the true median.
const confidence = 0.95

// estimate is what rounds say of a figure: their median, the least and the most of them, and
// between which two of them the true median lies, with how much confidence.
type estimate struct {
	median, least, most float64
	low, high, sure     float64
}

// estimateOf takes the figures of rounds, which are independent of each other and of one
// distribution, whatever that is. Each is below the true median as a coin falls, so how many of
// them are is binomial: with k-1 or fewer on either side the interval from the k-th least to the
// k-th most misses it. k is as large as confidence allows; where even all rounds are too few for
// it the interval is all of them, and sure says what that is worth.
func estimateOf(figures []float64) estimate {
	sorted := slices.Sorted(slices.Values(figures))
	n := len(sorted)
	e := estimate{median: (sorted[(n-1)/2] + sorted[n/2]) / 2, least: sorted[0], most: sorted[n-1]}
	outside := 0.0 // the chance that k-1 or fewer are on one side, and the same for the other one
	for k := 1; k <= (n+1)/2; k++ {
		outside += 2 * coins(n, k-1)
		if k > 1 && 1-outside < confidence {
			break
		}
		e.low, e.high, e.sure = sorted[k-1], sorted[n-k], max(0, 1-outside)
	}
	return e
}

// coins is the chance that of n coins k show heads.
func coins(n, k int) float64 {
	return math.Exp(factorial(n) - factorial(k) - factorial(n-k) - float64(n)*math.Ln2)
}

// factorial is the logarithm of n!, which itself is soon too large.
func factorial(n int) float64 {
	v, _ := math.Lgamma(float64(n) + 1)
	return v
}

// interval tells how sure the median is, in numbers of a form such as "%.3f".
func (e estimate) interval(form string) string {
	few := ""
	if e.sure < confidence {
		few = fmt.Sprintf(", too few rounds for %.0f %%", 100*confidence)
	}
	return fmt.Sprintf("median within ["+form+".."+form+"] with %.1f %% confidence%s", e.low, e.high, 100*e.sure, few)
}

// each is a figure of all rounds.
func each(rounds [][]usage, figure func(round []usage) float64) []float64 {
	all := make([]float64, len(rounds))
	for i, round := range rounds {
		all[i] = figure(round)
	}
	return all
}
