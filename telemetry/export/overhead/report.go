package main

import (
	"fmt"
	"io"
	"time"
)

// Rounds are told by subject, in the order of subjects: the first one is without telemetry, the
// last one is with all of it.

// perRecord is a figure of a subject in a round, of one record. A subject counts twice in a round.
func (o *options) perRecord(figure func(usage) float64, subject int) func([]usage) float64 {
	return func(round []usage) float64 { return figure(round[subject]) / float64(2*o.records) }
}

// ratio is the throughput of a subject in a round, as a share of what it is without telemetry.
func ratio(subject int) func([]usage) float64 {
	return func(round []usage) float64 { return round[0].seconds / round[subject].seconds }
}

// reportRound tells of the last round.
func (o *options) reportRound(out io.Writer, subjects []subject, rounds [][]usage) {
	last := rounds[len(rounds)-1]
	fmt.Fprintf(out, "round %d", len(rounds))
	for n, s := range subjects {
		fmt.Fprintf(out, "; %s: %.0f/s, CPU time per record %.0f ns", s.name,
			float64(2*o.records)/last[n].seconds, o.perRecord(func(u usage) float64 { return u.nanos }, n)(last))
		if n > 0 {
			fmt.Fprintf(out, ", ratio %.3f", ratio(n)(last))
		}
	}
	fmt.Fprintln(out)
}

// report tells of all rounds, and returns the median ratio.
func (o *options) report(out io.Writer, subjects []subject, rounds [][]usage, took time.Duration) float64 {
	const form = "%.3f"
	whole := len(subjects) - 1
	for n := 1; n < whole; n++ {
		e := estimateOf(each(rounds, ratio(n)))
		fmt.Fprintf(out, "part %s: ratio %.3f [%.3f..%.3f], %s\n", subjects[n].name, e.median, e.least, e.most, e.interval(form))
	}
	e := estimateOf(each(rounds, ratio(whole)))
	fmt.Fprintf(out, "ratio count with/without telemetry, one in %d sampled: %.3f [%.3f..%.3f], %s, of %d rounds, in %.0f s\n",
		o.sample, e.median, e.least, e.most, e.interval(form), len(rounds), took.Seconds())
	if e.low < o.least && o.least <= e.high {
		fmt.Fprintf(out, "the interval holds %.3f, the goal: these rounds do not tell on which side of it the ratio is\n", o.least)
	}
	left := estimateOf(each(rounds, func(round []usage) float64 { return (round[whole].left - round[0].left) / round[whole].seconds }))
	fmt.Fprintf(out, "to send what was left at the end of a run took %.2f %% [%.2f..%.2f] of its time more, which is not in the ratio; its CPU time is counted\n", 100*left.median, 100*left.least, 100*left.most)
	plain := estimateOf(each(rounds, func(round []usage) float64 { return round[0].seconds }))
	fmt.Fprintf(out, "the speed without it is within [%.3f..%.3f] of its median from round to round: so much the machine drifts\n", plain.median/plain.most, plain.median/plain.least)
	for _, f := range figures {
		o.reportFigure(out, subjects, rounds, f)
	}
	return e.median
}

type figure struct {
	name string
	of   func(usage) float64
}

var figures = []figure{
	{"ns of CPU time", func(u usage) float64 { return u.nanos }},
	{"of these for garbage collection", func(u usage) float64 { return u.garbage }},
	{"objects", func(u usage) float64 { return u.objects }},
	{"bytes allocated", func(u usage) float64 { return u.bytes }},
}

// reportFigure tells what a record takes without telemetry, and what each subject takes more: the
// median of the rounds' differences.
func (o *options) reportFigure(out io.Writer, subjects []subject, rounds [][]usage, f figure) {
	without := o.perRecord(f.of, 0)
	plain := estimateOf(each(rounds, without))
	fmt.Fprintf(out, "%s per record: without %.2f [%.2f..%.2f]", f.name, plain.median, plain.least, plain.most)
	for n := 1; n < len(subjects); n++ {
		with := o.perRecord(f.of, n)
		e := estimateOf(each(rounds, func(round []usage) float64 { return with(round) - without(round) }))
		share := ""
		if plain.median > 0 {
			share = fmt.Sprintf(" (%+.1f %%)", 100*e.median/plain.median)
		}
		fmt.Fprintf(out, "; %s %+.2f%s [%+.2f..%+.2f], %s", subjects[n].name, e.median, share, e.least, e.most, e.interval("%+.2f"))
	}
	fmt.Fprintln(out)
}
