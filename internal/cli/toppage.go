package cli

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/overview"
)

// section is a part of what top shows: lines above items, of which the worst come first, each of
// one line or several.
type section struct {
	head  []string
	items [][]string
	what  string // the items are
	width int    // 0: any
}

// lines are the section on so many lines at most; what does not fit is counted on the last one.
func (s *section) lines(most int) []string {
	out, left := slices.Clone(s.head), most-len(s.head)
	if s.wants() <= left {
		return append(out, slices.Concat(s.items...)...)
	}
	shown := 0
	for _, item := range s.items {
		if len(item) > left-1 { // the last one counts the others
			break
		}
		out, left, shown = append(out, item...), left-len(item), shown+1
	}
	if shown == 0 && left > 0 { // a part of the worst is better than nothing, and than how many there are
		part := s.items[0][:max(left-1, 1)]
		out, left, shown = append(out, part...), left-len(part), 1
	}
	if shown == len(s.items) || shown > 0 && left == 0 {
		return out
	}
	return append(out, clipped(fmt.Sprintf("and %d more %s", len(s.items)-shown, s.what), s.width))
}

// wants is how many lines the items take.
func (s *section) wants() (n int) {
	for _, item := range s.items {
		n += len(item)
	}
	return n
}

// fitted are sections on so many lines, each in a fair part of them; 0: on as many as they take.
func fitted(sections []section, height int) (lines []string) {
	left := height - (len(sections) - 1) // the lines between
	order := make([]int, len(sections))
	for i := range sections {
		order[i] = i
		left -= len(sections[i].head)
	}
	// Who wants least is served first: what it leaves is for the others.
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(sections[a].wants(), sections[b].wants()) })
	most := make([]int, len(sections))
	for n, i := range order {
		most[i] = sections[i].wants()
		if height > 0 {
			most[i] = min(most[i], max(left/(len(order)-n), 1))
		}
		left -= most[i]
	}
	for i := range sections {
		if i > 0 {
			lines = append(lines, "")
		}
		lines = append(lines, sections[i].lines(most[i]+len(sections[i].head))...)
	}
	return lines
}

// page is what a look shows, the worst first, on lines of a width; 0: of any.
func (t *top) page(all []overview.Entry, width int) []section {
	if len(all) == 0 {
		return []section{{head: []string{"no module runs on these servers"}}}
	}
	all = slices.Clone(all)
	slices.SortStableFunc(all, func(a, b overview.Entry) int {
		return cmp.Or(cmp.Compare(rank(&a), rank(&b)), cmp.Compare(busyness(b.Module), busyness(a.Module)))
	})
	var sections []section
	if found := foundIn(all, width); len(found.items) > 0 {
		sections = append(sections, found)
	}
	sections = append(sections, topologiesOf(all, width))
	if t.module != "" {
		sections = append(sections, tasksOf(all[0].Module, width, t.screen == nil))
	}
	return sections
}

// rank is the lower the worse a module is.
func rank(e *overview.Entry) int {
	worst := overview.Severity("").Rank()
	for _, f := range e.Findings() {
		worst = min(worst, f.Severity.Rank())
	}
	return worst
}

// busyness is the more the more a module does, or has to do.
func busyness(m *overview.Module) (n float64) {
	if m != nil {
		for i := range m.Topologies {
			n += m.Topologies[i].DonePerSecond + float64(m.Topologies[i].Lag)
		}
	}
	return n
}

// foundIn are the findings of all modules.
func foundIn(all []overview.Entry, width int) section {
	type found struct {
		module string
		overview.Finding
	}
	var findings []found
	for i := range all {
		for _, f := range all[i].Findings() {
			findings = append(findings, found{all[i].Info.Name, f})
		}
	}
	slices.SortStableFunc(findings, func(a, b found) int { return cmp.Compare(a.Severity.Rank(), b.Severity.Rank()) })
	s := section{what: "findings", width: width}
	for _, f := range findings {
		item := wrapped(f.module+": "+legible(f.What), width)
		if f.Waits != "" {
			item = append(item, wrapped("  waits for "+legible(f.Waits), width)...)
		}
		s.items = append(s.items, append(item, wrapped("  → "+legible(f.Mend), width)...))
	}
	return s
}

// topologiesOf has a row for each topology. What is of the whole module stands in its first.
func topologiesOf(all []overview.Entry, width int) section {
	var rows [][]string
	for _, e := range all {
		if e.Module == nil {
			rows = append(rows, []string{e.Info.Name, "-", "not seen", "-", "-", "-", "-", "-", "-"})
			continue
		}
		m, parked := e.Module, fmt.Sprint(e.Module.Parked)
		topologies := slices.Clone(m.Topologies)
		slices.SortStableFunc(topologies, longestStanding)
		silent := slices.ContainsFunc(m.Tasks, unheard)
		for i := range topologies {
			one := &topologies[i]
			part := one.Unread()
			rows = append(rows, []string{
				m.Name, one.Name, stateOf(one), known(fmt.Sprint(one.Lag), one.Lag == 0, part),
				known(fmt.Sprintf("%.1f", one.DonePerSecond), one.DonePerSecond == 0, part), known(fmt.Sprintf("%.1f", one.AppendedPerSecond), one.AppendedPerSecond == 0, part),
				inFlight(one, silent), known(fmt.Sprint(one.Retries), one.Retries == 0, silent), parked,
			})
			parked = ""
		}
	}
	return tableSection("topologies", columns("MODULE TOPOLOGY STATE TO-DO DONE/S ADDED/S IN-FLIGHT RETRIES PARKED", rows, width, 0, 1), width)
}

// longestStanding has what has stood still for the longest first, and what does not stand last.
func longestStanding(a, b overview.Topology) int {
	if stands := !a.StandsSince.IsZero(); stands == b.StandsSince.IsZero() { // one of them alone does
		if stands {
			return -1
		}
		return 1
	}
	return a.StandsSince.Compare(b.StandsSince)
}

// unheard reports whether a task may have something under way that it does not tell of.
func unheard(t overview.Task) bool {
	return t.State == overview.TaskSilent || t.State == overview.TaskUnasked
}

// known is a number as far as it is known: where something is missing, 0 says nothing, and more is
// that of the others.
func known(number string, none, missing bool) string {
	switch {
	case !missing:
		return number
	case none:
		return "-"
	}
	return number + "?"
}

func tableSection(what string, lines []string, width int) section {
	s := section{head: lines[:1], what: what, width: width}
	for i := range lines[1:] {
		s.items = append(s.items, lines[1+i:2+i])
	}
	return s
}

func stateOf(t *overview.Topology) string {
	switch {
	case t.Unread():
		return "not read"
	case t.Paused:
		return "paused"
	case !t.StandsSince.IsZero():
		return "stands still"
	case t.Lag > 0:
		return "works"
	}
	return "caught up"
}

// inFlight is how many records of a topology are under way, and for the fullest task of how many
// that may be; as far as tasks tell, where some are silent.
func inFlight(t *overview.Topology, silent bool) string {
	if t.Limit == 0 {
		return "-"
	}
	return known(fmt.Sprint(t.InFlight), t.InFlight == 0, silent) + fmt.Sprintf(" (%d/%d)", t.Fullest, t.Limit)
}
