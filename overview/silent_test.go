package overview

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/task"
)

// silentModule has tasks of which each is what make says of it.
func silentModule(tasks int, make func(t *Task)) *Module {
	m := &Module{Name: "m", At: time.Unix(1_800_000_000, 0)}
	for i := range tasks {
		t := Task{Task: task.ID(i), Owner: "w:1", State: TaskRuns, Status: &Status{Running: true}}
		make(&t)
		if t.State == TaskSilent {
			t.Status = nil
		}
		t.Waits = waits(&t)
		m.Tasks = append(m.Tasks, t)
	}
	m.Findings = findings(m)
	return m
}

// One handler that blocks on many tasks is one thing to know, with the record that has waited
// for longest.
func TestTasksOfOneHandlerAreOneFinding(t *testing.T) {
	t.Parallel()
	begin := time.Unix(1_800_000_000, 0)
	m := silentModule(1000, func(t *Task) {
		t.Owner = fmt.Sprint("w:", t.Task%2)
		if t.Task >= 500 {
			step := []string{"pack", "ship"}[t.Task%2]
			record := eventtree.Record{Module: "m", Depot: "d", Partition: t.Task, Offset: 7}
			t.State, t.SilentSince = TaskSilent, begin
			t.Handler = &eventtree.Handler{Task: t.Task, Topology: "sell", Step: step, Record: record, Since: begin.Add(-time.Duration(t.Task) * time.Second)}
		}
	})
	if len(m.Findings) != 2 {
		t.Fatalf("%d findings, want 2: %+v", len(m.Findings), m.Findings)
	}
	for i, step := range []string{"pack", "ship"} {
		f := m.Findings[i]
		last := task.ID(998 + i)
		if f.Severity != Stuck || len(f.Tasks) != 250 || f.Record == nil || f.Record.Partition != last || f.Since != begin.Add(-time.Duration(last)*time.Second) ||
			f.Waits != fmt.Sprintf("the handler of step %s of sell, which has not returned, for record d/%d@7", step, last) || !strings.HasSuffix(f.What, fmt.Sprint("and 244 more do not answer on w:", i)) {
			t.Errorf("of step %s: %+v", step, f)
		}
	}
}

// Where nobody listens is no handler to blame: a worker is to be started if none answers, and
// otherwise another takes the tasks.
func TestWorkersThatAreGone(t *testing.T) {
	t.Parallel()
	begin := time.Unix(1_700_000_000, 0)
	m := silentModule(4, func(t *Task) { t.State, t.Gone, t.SilentSince = TaskSilent, true, begin })
	if f := m.Findings; len(f) != 1 || f[0].Severity != Broken || len(f[0].Tasks) != 4 || f[0].Waits != "another worker to take it: none listens on w:1" || !strings.HasPrefix(f[0].Mend, "start a worker") || f[0].Since != begin {
		t.Errorf("no worker is there: %+v", f)
	}
	m = silentModule(4, func(t *Task) {
		if t.Task > 1 {
			t.Owner, t.State, t.Gone = "w:2", TaskSilent, true
		}
	})
	if f := m.Findings; len(f) != 1 || f[0].Severity != Stuck || !slices.Equal(f[0].Tasks, []task.ID{2, 3}) || f[0].What != "tasks 2, 3 do not answer on w:2" || !strings.Contains(f[0].Mend, "another one takes its tasks") {
		t.Errorf("one of two workers is there: %+v", f)
	}
}

// What has stopped comes before what stands still, and that before what somebody should know.
func TestTheWorstComesFirst(t *testing.T) {
	t.Parallel()
	m := silentModule(4, func(t *Task) {
		switch t.Task {
		case 1:
			t.State, t.SilentSince = TaskSilent, time.Unix(1, 0)
		case 2:
			t.State = TaskNoOwner
		case 3:
			t.State, t.Error = TaskHalted, "the log was cut"
		}
	})
	m.Parked = 1
	var got []Severity
	for _, f := range findings(m) {
		got = append(got, f.Severity)
	}
	if !slices.Equal(got, []Severity{Broken, Broken, Stuck, Notable}) {
		t.Errorf("in the order %v", got)
	}
}
