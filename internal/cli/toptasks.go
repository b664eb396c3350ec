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
