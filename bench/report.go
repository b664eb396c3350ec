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
	Peer     string // whom ours is compared with
	Ours     []float64
	Theirs   []float64
	// LessIsBetter turns the reading of the ratio round, not the ratio.
	LessIsBetter bool
}

// figure adds a quantity in which we are compared with a peer.
func (r *report) figure(workload, peer, unit string, lessIsBetter bool) *figure {
	f := &figure{Workload: workload, Peer: peer, Unit: unit, LessIsBetter: lessIsBetter}
	r.Figures = append(r.Figures, f)
	return f
}

// print prints a line per subject and the ratio lines. The ratio of a round is
// that of neighbours in time.
func (r *report) print() {
	for _, f := range r.Figures {
		fmt.Fprintf(r.out, "%-16s %-13s %s\n", f.Workload, "ours", spread(f.Ours, f.Unit))
		fmt.Fprintf(r.out, "%-16s %-13s %s\n", f.Workload, f.Peer, spread(f.Theirs, f.Unit))
	}
	for _, f := range r.Figures {
		ratios := make([]float64, len(f.Ours))
		for i := range f.Ours {
			ratios[i] = f.Ours[i] / f.Theirs[i]
		}
		better := ""
		if f.LessIsBetter {
			better = " (less is better)"
		}
		fmt.Fprintf(r.out, "ratio %s ours/%s %.2f [%.2f..%.2f]%s\n", f.Workload, f.Peer, median(ratios), slices.Min(ratios), slices.Max(ratios), better)
	}
}

func spread(values []float64, unit string) string {
	return fmt.Sprintf("%12.2f %s [%.2f..%.2f]", median(values), unit, slices.Min(values), slices.Max(values))
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
