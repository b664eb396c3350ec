package main

import (
	"fmt"
	"io"
	"slices"
)

// report collects figures by workload and subject.
type report struct {
	out     io.Writer
	Figures []*figure
}

// figure is one measured quantity of both subjects, round by round.
type figure struct {
	Workload string
	Unit     string
	Ours     []float64
	Hand     []float64
	// LessIsBetter turns the reading of the ratio round, not the ratio.
	LessIsBetter bool
}

func (r *report) figure(workload, unit string, lessIsBetter bool) *figure {
	f := &figure{Workload: workload, Unit: unit, LessIsBetter: lessIsBetter}
	r.Figures = append(r.Figures, f)
	return f
}

// print prints a line per subject and the ratio lines. The ratio of a round is
// that of neighbours in time.
func (r *report) print() {
	for _, f := range r.Figures {
		fmt.Fprintf(r.out, "%-14s ours       %s\n", f.Workload, spread(f.Ours, f.Unit))
		fmt.Fprintf(r.out, "%-14s handrolled %s\n", f.Workload, spread(f.Hand, f.Unit))
	}
	for _, f := range r.Figures {
		ratios := make([]float64, len(f.Ours))
		for i := range f.Ours {
			ratios[i] = f.Ours[i] / f.Hand[i]
		}
		better := ""
		if f.LessIsBetter {
			better = " (less is better)"
		}
		fmt.Fprintf(r.out, "ratio %s ours/handrolled %.2f [%.2f..%.2f]%s\n", f.Workload, median(ratios), slices.Min(ratios), slices.Max(ratios), better)
	}
}

func spread(values []float64, unit string) string {
	return fmt.Sprintf("%12.2f %s [%.2f..%.2f]", median(values), unit, slices.Min(values), slices.Max(values))
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
