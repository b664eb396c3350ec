package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// reportNames are the files that the page is made of, in the order of their sections.
var reportNames = []string{"bench", "state", "peers", "profile", "growth", "visible", "local", "takeover"}

// goalTable holds every goal against what was measured, those that are not measured too, and
// in the end those of other sizes, and those that a workload has and the list of goals has not.
func goalTable(reports map[string]*report) string {
	var b strings.Builder
	b.WriteString("| goal of | what | bound | measured | spread | rounds within | |\n|---|---|---|---:|---|---|---|\n")
	for _, a := range slices.Concat(aims, takeOverAims(otherSizes(reports["takeover"])), unlisted(reports)) {
		b.WriteString(a.row(reports[a.report]))
	}
	return b.String()
}

// unlisted are the goals of measured figures that aims does not have.
func unlisted(reports map[string]*report) (more []*aim) {
	for _, name := range reportNames {
		if reports[name] == nil {
			continue
		}
		for _, f := range reports[name].Figures {
			for _, g := range f.Goals {
				if slices.ContainsFunc(aims, func(a *aim) bool { return a.report == name && a.workload == f.Workload && a.peer == g.Peer }) {
					continue
				}
				a := &aim{of: f.Workload, what: f.Unit + ", of " + g.Peer, report: name, workload: f.Workload, peer: g.Peer, bound: g.Ratio}
				if f.LessIsBetter {
					a.than = atMost
				}
				more = append(more, a)
			}
		}
	}
	return more
}

func (a *aim) row(r *report) string {
	values := a.values(r)
	cells := []string{a.of, a.what, a.boundText(), "", "", "", a.verdict(values)}
	if len(values) > 0 {
		cells[3] = a.amount(median(values))
	}
	if len(values) > 1 {
		cells[4] = precisely(slices.Min(values)) + " to " + precisely(slices.Max(values))
		if a.than != told {
			within := slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return !a.holds(v) })
			cells[5] = fmt.Sprintf("%d of %d", len(within), len(values))
		}
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

func (a *aim) boundText() string {
	switch a.than {
	case atLeast:
		return "≥ " + a.amount(a.bound)
	case atMost:
		return "≤ " + a.amount(a.bound)
	case below:
		return "< " + a.amount(a.bound)
	default:
		return "told"
	}
}

// holds says whether a value is on the good side of the bound.
func (a *aim) holds(v float64) bool {
	switch a.than {
	case atLeast:
		return v >= a.bound
	case atMost:
		return v <= a.bound
	case below:
		return v < a.bound
	default:
		return true
	}
}

// verdict says whether the median reaches the goal, and by how much it misses it.
func (a *aim) verdict(values []float64) string {
	switch {
	case len(values) == 0:
		return "not measured"
	case a.than == told:
		return ""
	case a.holds(median(values)):
		return "reached"
	}
	off := median(values)/a.bound - 1
	if a.than == atLeast {
		off = -off
	}
	return fmt.Sprintf("**missed** by %s %%", strconv.FormatFloat(100*off, 'f', decimals(100*off), 64))
}

// decimals are those that a percentage is told with: what is small has one.
func decimals(percent float64) int {
	if percent < 10 {
		return 1
	}
	return 0
}

func (a *aim) amount(v float64) string { return strings.TrimSuffix(precisely(v)+" "+a.unit, " ") }

// precisely writes small numbers with as many digits as say something.
func precisely(v float64) string {
	if v > -0.1 && v < 0.1 {
		return strconv.FormatFloat(v, 'g', 2, 64)
	}
	return number(v)
}
