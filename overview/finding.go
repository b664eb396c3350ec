package overview

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/task"
)

// Severity orders findings.
type Severity string

// The severities.
const (
	Broken  Severity = "broken"  // something has stopped, and goes on only when somebody acts
	Stuck   Severity = "stuck"   // something stands still, and may go on by itself
	Notable Severity = "notable" // somebody should know
)

// Finding is something that an operator should know: what it is, what it waits for, and what
// to do about it.
type Finding struct {
	Severity Severity  `json:"severity"`
	What     string    `json:"what"`
	Waits    string    `json:"waits,omitempty"` // for what
	Mend     string    `json:"mend"`
	Topology string    `json:"topology,omitempty"`
	Tasks    []task.ID `json:"tasks,omitempty"`
	Since    time.Time `json:"since,omitzero"` // when it was first seen
	// Record, if set, is the one whose event tree says most.
	Record *eventtree.Record `json:"record,omitempty"`
	// Page is the page of the console that says more: tasks, trees, parked, topologies.
	Page string `json:"page"`
}

// Rank is the lower the worse it is, from 0 on; what is no severity comes behind all.
func (s Severity) Rank() int {
	if i := slices.Index(severities, s); i >= 0 {
		return i
	}
	return len(severities)
}

var severities = []Severity{Broken, Stuck, Notable}

// Findings are those of a module, or the one that it cannot be seen: nobody knows then whether it
// gets on.
func (e *Entry) Findings() []Finding {
	if e.Module != nil {
		return e.Module.Findings
	}
	mend := "look whether Kafka, Redis and its workers answer: coppice doctor looks at each"
	if e.Info.Error != "" { // what it has registered does not decode
		mend = "look whether its workers are of a version that this program reads"
	}
	return []Finding{{Severity: Broken, What: "it cannot be seen, so nobody knows whether it gets on", Waits: e.Error, Mend: mend}}
}

// findings lists what is not as it should be, the worst first.
func findings(m *Module) []Finding {
	all := []Finding{}
	all = append(all, halted(m)...)
	all = append(all, unowned(m)...)
	all = append(all, silent(m)...)
	all = append(all, standing(m)...)
	for i := range m.Topologies {
		if t := &m.Topologies[i]; t.Paused {
			all = append(all, Finding{Severity: Notable, What: fmt.Sprintf("topology %s is paused, with %s to do", t.Name, plural(int(t.Lag), "record", "records")), Waits: "somebody to resume it", Mend: "resume it when what it was paused for is done", Topology: t.Name, Page: "topologies"})
		}
	}
	if m.Parked > 0 {
		all = append(all, Finding{Severity: Notable, What: plural(m.Parked, "record is", "records are") + " parked", Waits: "somebody to retry, edit or skip", Mend: "look at the reason, and at what the handler makes of it", Page: "parked"})
	}
	slices.SortStableFunc(all, func(a, b Finding) int { return a.Severity.Rank() - b.Severity.Rank() })
	return all
}

func halted(m *Module) (all []Finding) {
	byCause := map[string]int{}
	for i := range m.Tasks {
		t := &m.Tasks[i]
		if t.State != TaskHalted {
			continue
		}
		n, known := byCause[t.Error]
		if !known {
			n = len(all)
			byCause[t.Error] = n
			all = append(all, Finding{Severity: Broken, Waits: t.Error, Mend: "mend what it says; then restart the worker, so that the task begins anew", Page: "tasks"})
		}
		all[n].Tasks = append(all[n].Tasks, t.Task)
	}
	for i := range all {
		all[i].What = tasksHave(all[i].Tasks, "has halted", "have halted")
	}
	return all
}

// standing are topologies that have something to do and do not get on.
func standing(m *Module) (all []Finding) {
	for i := range m.Topologies {
		t := &m.Topologies[i]
		if !t.stands(m.At) {
			continue
		}
		f := Finding{Severity: Stuck, Topology: t.Name, Since: t.StandsSince, Page: "trees", What: fmt.Sprintf("topology %s stands still, with %s to do", t.Name, plural(int(t.Lag), "record", "records"))}
		f.Waits, f.Tasks = causes(m, t)
		f.Mend = "look at the oldest event tree: it names the event that is not done"
		if old := t.Oldest; old != nil {
			f.Record = &old.Record
			f.Waits = fmt.Sprintf("record %s, which is %s", old.Record, old.State)
			if old.Waits != "" {
				f.Waits = fmt.Sprintf("%s (record %s)", old.Waits, old.Record)
			}
		}
		if t.Retries > 0 {
			f.Mend = "look why the handler fails, under event trees; what fails for good is parked by itself"
		}
		all = append(all, f)
	}
	return all
}

// stands reports whether the topology has something to do, and has not got on for long.
func (t *Topology) stands(at time.Time) bool {
	return !t.StandsSince.IsZero() && !t.Paused && at.Sub(t.StandsSince) >= standsAfter
}

// standsAfter is how long a topology may have nothing finished before it is said to stand:
// progress without data is written from time to time.
const standsAfter = 8 * time.Second

// causes words what the tasks wait for that have something to do for a topology.
func causes(m *Module, t *Topology) (string, []task.ID) {
	var words []string
	var ids []task.ID
	seen := map[string]bool{}
	for i := range m.Tasks {
		one := &m.Tasks[i]
		if one.Waits == "" {
			continue
		}
		ids = append(ids, one.Task)
		if !seen[one.Waits] && len(words) < 3 {
			seen[one.Waits] = true
			words = append(words, fmt.Sprintf("task %d: %s", one.Task, one.Waits))
		}
	}
	if t.Retries > 0 {
		words = append(words, plural(t.Retries, "record waits", "records wait")+" for the next attempt")
	}
	if len(words) == 0 {
		return "the next checkpoint of the progress, or records that are being read", ids
	}
	return strings.Join(words, "; "), ids
}

func unowned(m *Module) []Finding {
	var ids []task.ID
	for i := range m.Tasks {
		if m.Tasks[i].State == TaskNoOwner {
			ids = append(ids, m.Tasks[i].Task)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	return []Finding{{Severity: Broken, What: tasksHave(ids, "has no owner", "have no owner"), Waits: "a worker", Mend: "start a worker of the module", Tasks: ids, Page: "tasks"}}
}

func tasksHave(ids []task.ID, one, many string) string {
	if len(ids) == 1 {
		return fmt.Sprintf("task %d %s", ids[0], one)
	}
	return "tasks " + taskList(ids) + " " + many
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// taskList words numbers of tasks, not more than fit a line.
func taskList(ids []task.ID) string {
	const shown = 6
	var out strings.Builder
	for i, id := range ids {
		if i == shown {
			fmt.Fprintf(&out, " and %d more", len(ids)-shown)
			break
		}
		if i > 0 {
			out.WriteString(", ")
		}
		fmt.Fprint(&out, id)
	}
	return out.String()
}
