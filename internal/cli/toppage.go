package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coppice-run/coppice/overview"
	"github.com/coppice-run/coppice/task"
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
	if shown == 0 && left > 1 { // a part of the worst is better than nothing
		out, shown = append(out, s.items[0][:left-1]...), 1
	}
	if shown == len(s.items) {
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
		slices.SortStableFunc(topologies, func(a, b overview.Topology) int { return b.StandsSince.Compare(a.StandsSince) })
		for i := range topologies {
			one := &topologies[i]
			rows = append(rows, []string{m.Name, one.Name, stateOf(one), fmt.Sprint(one.Lag), fmt.Sprintf("%.1f", one.DonePerSecond), fmt.Sprintf("%.1f", one.AppendedPerSecond), inFlight(one), fmt.Sprint(one.Retries), parked})
			parked = ""
		}
	}
	return tableSection("topologies", columns("MODULE TOPOLOGY STATE TO-DO DONE/S ADDED/S IN-FLIGHT RETRIES PARKED", rows, width, 0, 1), width)
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
// that may be.
func inFlight(t *overview.Topology) string {
	if t.Limit == 0 {
		return "-"
	}
	return fmt.Sprintf("%d (%d/%d)", t.InFlight, t.Fullest, t.Limit)
}

// tasksShown is how many tasks one look shows where no screen bounds them.
const tasksShown = 20

// taskStates are the states of tasks that do not get on, the worst first.
var taskStates = []overview.TaskState{overview.TaskHalted, overview.TaskNoOwner, overview.TaskSilent, overview.TaskStarts, overview.TaskUnasked}

// tasksOf are the tasks that do not run, and behind them those that have something to do.
func tasksOf(m *overview.Module, width int, bounded bool) section {
	var busy []*overview.Task
	for i := range m.Tasks {
		one := &m.Tasks[i]
		if one.State != overview.TaskRuns || one.Waits != "" || one.Status.Queued != 0 || one.Status.Pending != 0 {
			busy = append(busy, one)
		}
	}
	named := map[task.ID]bool{} // by what is found, as stuck or worse
	for i := range m.Findings {
		if f := &m.Findings[i]; f.Severity.Rank() <= overview.Stuck.Rank() {
			for _, id := range f.Tasks {
				named[id] = true
			}
		}
	}
	worst := func(t *overview.Task) int {
		if i := slices.Index(taskStates, t.State); i >= 0 {
			return i
		}
		if named[t.Task] {
			return len(taskStates)
		}
		return len(taskStates) + 1
	}
	slices.SortStableFunc(busy, func(a, b *overview.Task) int {
		return cmp.Or(cmp.Compare(worst(a), worst(b)), cmp.Compare(load(b), load(a)))
	})
	title := fmt.Sprintf("%d of %d tasks have something to do", len(busy), len(m.Tasks))
	if bounded && len(busy) > tasksShown {
		busy = busy[:tasksShown]
		title += fmt.Sprintf("; the worst and busiest %d are", len(busy))
	}
	if len(busy) == 0 {
		return section{head: []string{clipped(title, width)}}
	}
	s := tableSection("tasks", taskColumns(busy, width), width)
	s.head = append([]string{clipped(title, width)}, s.head...)
	return s
}

// load is how much a task has to do.
func load(t *overview.Task) int {
	if t.Status == nil {
		return 0
	}
	return t.Status.Queued + t.Status.Pending
}

// sinceFrom is the width from which there is room for since when an owner has a task.
const sinceFrom = 140

func taskColumns(tasks []*overview.Task, width int) []string {
	header := "TASK STATE OWNER SINCE QUEUED IN-FLIGHT WAITS-FOR"
	narrow := width > 0 && width < sinceFrom
	if narrow {
		header = strings.Replace(header, "SINCE ", "", 1)
	}
	var rows [][]string
	for _, one := range tasks {
		queued, pending := "-", "-"
		if one.Status != nil {
			queued, pending = fmt.Sprint(one.Status.Queued), fmt.Sprint(one.Status.Pending)
		}
		row := []string{fmt.Sprint(one.Task), string(one.State), orDash(one.Owner), ownedSince(one), queued, pending, orDash(one.Waits)}
		if narrow {
			row = slices.Delete(row, 3, 4)
		}
		rows = append(rows, row)
	}
	return columns(header, rows, width)
}

// ownedSince is when the owner took the task, and how long that took, as far as that is known.
func ownedSince(t *overview.Task) string {
	switch {
	case t.OwnerSince.IsZero() || t.Owner == "":
		return "-"
	case !t.HandedOver:
		return "before " + t.OwnerSince.UTC().Format(time.RFC3339)
	case t.TakeOverSeconds == 0:
		return t.OwnerSince.UTC().Format(time.RFC3339)
	}
	return tookIn(t.OwnerSince, time.Duration(t.TakeOverSeconds*float64(time.Second)))
}

func tookIn(at time.Time, took time.Duration) string {
	return fmt.Sprintf("%s (took %v)", at.UTC().Format(time.RFC3339), took.Round(time.Microsecond))
}
