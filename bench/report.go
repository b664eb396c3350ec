package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/coppice-run/coppice/internal/environment"
)

// report collects figures by workload and subject.
type report struct {
	out         io.Writer
	Environment environment.Facts
	Curves      []*curve `json:",omitempty"`
	Figures     []*figure
	Breakdowns  []*breakdown `json:",omitempty"`
	Budgets     []*budget    `json:",omitempty"`
	Failures    []failure    `json:",omitempty"`
}

// failure is a part of the run that failed, and why.
type failure struct{ Part, Why string }

// partly is a failure of parts that try has dealt with: the other parts stand.
type partly struct{ error }

func (p *partly) Unwrap() error { return p.error }

// try measures a part of the run. If it fails the report says so, and has none of its figures: a
// wrong count voids those of the rounds before, too. Those of a part whose figures themselves are
// the failure stay, and of one that is interrupted.
func (r *report) try(ctx context.Context, part string, measure func() error) error {
	figures, curves, breakdowns, budgets := len(r.Figures), len(r.Curves), len(r.Breakdowns), len(r.Budgets)
	err := measure()
	var inParts *partly
	if err == nil || errors.As(err, &inParts) {
		return err
	}
	fmt.Fprintf(r.out, "bench: %s failed: %v\n", part, err)
	why, _, _ := strings.Cut(err.Error(), "\n")
	r.Failures = append(r.Failures, failure{part, why})
	if ctx.Err() == nil && !errors.Is(err, errUnbounded) {
		r.Figures, r.Curves, r.Breakdowns, r.Budgets = r.Figures[:figures], r.Curves[:curves], r.Breakdowns[:breakdowns], r.Budgets[:budgets]
	}
	return err
}

// ours is the name of the subject that the others are compared with.
const ours = "ours"

// figure is one measured quantity of all subjects, round by round.
type figure struct {
	Workload string
	Unit     string
	// LessIsBetter turns the reading of the ratio round, not the ratio.
	LessIsBetter bool
	Subjects     []*series
	// Checked says what the results were compared with; a wrong one voids the run.
	Checked string `json:",omitempty"`
	Goals   []goal `json:",omitempty"`
	// Again are rounds that were run again, as they did not end as rounds have to.
	Again []again `json:",omitempty"`
}

// again is a round that was run again, and why.
type again struct{ Subject, Why string }

// series is what one subject reached in each round.
type series struct {
	Subject string
	Values  []float64
}

// goal is a bound for the ratio to a peer.
type goal struct {
	Peer  string
	Ratio float64
}

// figure adds a quantity in which we are compared with others. Its goals are those that aims
// has for it, and others of its own.
func (r *report) figure(workload, unit string, lessIsBetter bool, goals ...goal) *figure {
	f := &figure{Workload: workload, Unit: unit, LessIsBetter: lessIsBetter, Goals: goalsOf(workload, goals)}
	r.Figures = append(r.Figures, f)
	return f
}

// add notes what a subject reached in the round that runs.
func (f *figure) add(subject string, value float64) {
	for _, s := range f.Subjects {
		if s.Subject == subject {
			s.Values = append(s.Values, value)
			return
		}
	}
	f.Subjects = append(f.Subjects, &series{subject, []float64{value}})
}

// again notes a round that is run again. The first line of why is enough.
func (f *figure) again(subject string, why error) {
	first, _, _ := strings.Cut(why.Error(), "\n")
	f.Again = append(f.Again, again{subject, first})
}

func (f *figure) of(subject string) []float64 {
	for _, s := range f.Subjects {
		if s.Subject == subject {
			return s.Values
		}
	}
	return nil
}

// ratios divide ours by a peer's, round by round: they are neighbours in time.
func (f *figure) ratios(peer string) []float64 {
	return quotients(f.of(ours), f.of(peer))
}

// quotients are those of neighbours in time, as many as there are.
func quotients(mine, theirs []float64) []float64 {
	ratios := make([]float64, min(len(mine), len(theirs)))
	for i := range ratios {
		ratios[i] = mine[i] / theirs[i]
	}
	return ratios
}

// peers are the subjects that ours is compared with.
func (f *figure) peers() []string {
	var names []string
	for _, s := range f.Subjects {
		if s.Subject != ours {
			names = append(names, s.Subject)
		}
	}
	return names
}

// print prints a line per subject and the ratio lines.
func (r *report) print() {
	for _, f := range r.Figures {
		for _, s := range f.Subjects {
			fmt.Fprintf(r.out, "%-16s %-24s %s\n", f.Workload, s.Subject, spread(s.Values, f.Unit))
		}
	}
	for _, c := range r.Curves {
		c.print(r.out)
	}
	for _, b := range r.Breakdowns {
		for _, row := range b.Rows {
			fmt.Fprintf(r.out, "%-16s %-24s %-16s %s\n", b.Workload, row.Subject, row.Part, spread(row.Millis, "ms"))
		}
	}
	for _, f := range r.Figures {
		for _, a := range f.Again {
			fmt.Fprintf(r.out, "again %s %s: %s\n", f.Workload, a.Subject, a.Why)
		}
		for _, peer := range f.peers() {
			fmt.Fprintln(r.out, f.ratioLine(peer))
		}
	}
}

// print prints a line per point.
func (c *curve) print(out io.Writer) {
	for _, l := range c.Lines {
		for _, p := range l.Points {
			fmt.Fprintf(out, "%-16s %-24s %12.2f %s at %s %s", c.Name, l.Label, p.Y, c.Y, short(p.X), c.X)
			if p.Seconds > 0 {
				fmt.Fprintf(out, ", rounds of %.2f s", p.Seconds)
			}
			fmt.Fprintln(out)
		}
	}
}

func (f *figure) ratioLine(peer string) string {
	ratios := f.ratios(peer)
	if len(ratios) == 0 {
		return fmt.Sprintf("ratio %s ours/%s: no round has both", f.Workload, peer)
	}
	line := fmt.Sprintf("ratio %s ours/%s %.2f [%.2f..%.2f]", f.Workload, peer, median(ratios), slices.Min(ratios), slices.Max(ratios))
	if f.LessIsBetter {
		line += " (less is better)"
	}
	if goal, ok := f.goal(peer); ok {
		line += fmt.Sprintf(" goal %.2f: %s", goal, f.verdict(peer))
	}
	return line
}

func (f *figure) goal(peer string) (float64, bool) {
	for _, g := range f.Goals {
		if g.Peer == peer {
			return g.Ratio, true
		}
	}
	return 0, false
}

// verdict says whether the median ratio to a peer reaches its goal.
func (f *figure) verdict(peer string) string {
	goal, ok := f.goal(peer)
	ratios := f.ratios(peer)
	switch {
	case !ok || len(ratios) == 0:
		return ""
	case f.LessIsBetter && median(ratios) > goal, !f.LessIsBetter && median(ratios) < goal:
		return "missed"
	default:
		return "reached"
	}
}

func spread(values []float64, unit string) string {
	return fmt.Sprintf("%12.2f %s [%.2f..%.2f]", median(values), unit, slices.Min(values), slices.Max(values))
}

// median is the middle value; of an even number the mean of the two in the middle.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	middle := len(sorted) / 2
	if len(sorted)%2 == 0 {
		return (sorted[middle-1] + sorted[middle]) / 2
	}
	return sorted[middle]
}
