package cli

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/overview"
	"github.com/coppice-run/coppice/task"
)

// many are so many modules of a topology each, of which the last but two has halted.
func many(n int) (all []overview.Entry) {
	for i := range n {
		name := fmt.Sprintf("module%02d", i)
		m := &overview.Module{Name: name, Parked: 7, Topologies: []overview.Topology{{Name: "orders", DonePerSecond: float64(i), Limit: 1000}, {Name: "invoices", Lag: 1}}}
		if i == n-3 {
			m.Findings = []overview.Finding{{Severity: overview.Broken, What: "task 3 has halted", Waits: "the handler of step s, which said: " + strings.Repeat("no good ", 20), Mend: "mend what it says; \x1b[2Jthen restart the worker, so that the task begins anew, and look on"}}
		} else if i%4 == 0 {
			m.Findings = []overview.Finding{{Severity: overview.Notable, What: "1 record is parked", Mend: "look"}}
		}
		all = append(all, overview.Entry{Info: client.ModuleInfo{Name: name}, Module: m})
	}
	return all
}

// checkFits checks that lines have room in a terminal.
func checkFits(t *testing.T, lines []string, width, height int) {
	t.Helper()
	if height > 0 && len(lines) > height {
		t.Errorf("%d lines on %d", len(lines), height)
	}
	for _, line := range lines {
		if utf8.RuneCountInString(line) > width || strings.Contains(line, "\x1b") {
			t.Errorf("on a width of %d: %q", width, line)
		}
	}
}

// However many modules there are, a screen has the heading, the worst of them, and how many more
// there are.
func TestTopFitsTheScreen(t *testing.T) {
	t.Parallel()
	for _, size := range [][2]int{{80, 24}, {80, 12}, {40, 24}, {200, 70}, {20, 10}} {
		lines := fitted((&top{}).page(many(30), size[0]), size[1])
		checkFits(t, lines, size[0], size[1])
		text := strings.Join(lines, "\n")
		if size[0] >= 80 && (!strings.HasPrefix(text, "module27: task 3 has halted\n") || !strings.Contains(text, "\nMODULE   TOPOLOGY") && !strings.Contains(text, "\nMODULE    TOPOLOGY") || !regexp.MustCompile(`and \d+ more topologies`).MatchString(text) && size[1] < 70) {
			t.Errorf("on %v it shows\n%s", size, text)
		}
		if size[1] == 24 && !strings.Contains(text, "more findings") {
			t.Errorf("on %v findings are not counted:\n%s", size, text)
		}
	}
	if text := strings.Join(fitted((&top{}).page(many(30), 0), 0), "\n"); strings.Contains(text, " more ") || strings.Count(text, "\nmodule29") != 2 {
		t.Errorf("without a screen it shows\n%s", text)
	}
}

// On a screen of 6 lines, two of which are the head's, the worst finding begins, whatever else there is.
func TestTopShowsTheWorstFindingOnTheSmallestScreen(t *testing.T) {
	t.Parallel()
	all := many(30)
	for _, one := range []*top{{}, {module: "module27"}} {
		shown := all
		if one.module != "" {
			shown = all[27:28]
		}
		lines := fitted(one.page(shown, 80), 4)
		if !strings.HasPrefix(lines[0], "module27: task 3 has halted") {
			t.Errorf("of %q it shows\n%s", one.module, strings.Join(lines, "\n"))
		}
	}
}

// The head counts what is found of modules that cannot be seen, too.
func TestTopCountsAllFindings(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	one := &top{out: &out, screen: &screen{out: &out, size: func() (int, int, error) { return 80, 24, nil }}}
	if err := one.show([]overview.Entry{{Info: client.ModuleInfo{Name: "gone"}, Error: "it does not answer"}}); err != nil || !strings.Contains(out.String(), "1 module, 1 finding;") {
		t.Errorf("%v: %q", err, out.String())
	}
}

// rowsOf are the rows of a module's topologies: each from its name on, with one blank between cells.
func rowsOf(m *overview.Module) (rows []string) {
	for _, item := range topologiesOf([]overview.Entry{{Module: m}}, 0).items {
		rows = append(rows, strings.Join(strings.Fields(item[0]), " "))
	}
	return rows
}

// What has stood for the longest comes first, and what does not stand last.
func TestTopShowsWhatStandsLongestFirst(t *testing.T) {
	t.Parallel()
	now := time.Now()
	m := &overview.Module{Name: "m", Topologies: []overview.Topology{{Name: "runs"}, {Name: "short", StandsSince: now}, {Name: "too"}, {Name: "long", StandsSince: now.Add(-time.Hour)}}}
	for i, want := range []string{"m long ", "m short ", "m runs ", "m too "} {
		if rows := rowsOf(m); !strings.HasPrefix(rows[i], want) {
			t.Errorf("row %d is %s, want %s", i, rows[i], want)
		}
	}
}

// What is not known is not shown as a number, and what is known in part is marked.
func TestTopShowsNoNumberThatIsNotKnown(t *testing.T) {
	t.Parallel()
	unread := []overview.Source{{Error: "the topic is gone"}}
	silent := []overview.Task{{State: overview.TaskRuns, Status: &overview.Status{}}, {State: overview.TaskSilent}}
	for want, m := range map[string]*overview.Module{
		"m t caught up 0 0.0 0.0 0 (0/9) 0 0": {Tasks: silent[:1], Topologies: []overview.Topology{{Name: "t", Limit: 9}}},
		"m t not read - - - 0 (0/9) 0 0":      {Tasks: silent[:1], Topologies: []overview.Topology{{Name: "t", Limit: 9, Sources: unread}}},
		"m t not read 5? 1.0? - 3 (3/9) 0 0":  {Topologies: []overview.Topology{{Name: "t", Lag: 5, DonePerSecond: 1, InFlight: 3, Fullest: 3, Limit: 9, Sources: unread}}},
		"m t works 5 0.0 0.0 3? (3/9) 2? 0":   {Tasks: silent, Topologies: []overview.Topology{{Name: "t", Lag: 5, InFlight: 3, Fullest: 3, Limit: 9, Retries: 2}}},
		"m t works 5 0.0 0.0 - (0/9) - 0":     {Tasks: silent, Topologies: []overview.Topology{{Name: "t", Lag: 5, Limit: 9}}},
		"m t works 5 0.0 0.0 - - 0":           {Tasks: silent[1:], Topologies: []overview.Topology{{Name: "t", Lag: 5}}},
	} {
		m.Name = "m"
		if got := rowsOf(m)[0]; got != want {
			t.Errorf("it shows %q, want %q", got, want)
		}
	}
}

// What is parked is of the module, and stands beside it once.
func TestTopTellsOnceWhatIsParked(t *testing.T) {
	t.Parallel()
	text := strings.Join(fitted((&top{}).page(many(1), 0), 0), "\n")
	if got := len(regexp.MustCompile(`(?m)^module00 .* 7$`).FindAllString(text, -1)); got != 1 {
		t.Errorf("it is told %d times:\n%s", got, text)
	}
}

// The task that stands is shown before those that are busy, wherever it is among them.
func TestTopShowsTheWorstTasksFirst(t *testing.T) {
	t.Parallel()
	m := &overview.Module{Name: "m", Tasks: make([]overview.Task, 1000), Findings: []overview.Finding{{Severity: overview.Stuck, What: "topology t stands still", Tasks: []task.ID{700}}}}
	for i := range m.Tasks {
		m.Tasks[i] = overview.Task{Task: task.ID(i), State: overview.TaskRuns, Status: &overview.Status{Queued: i}}
	}
	m.Tasks[900] = overview.Task{Task: 900, State: overview.TaskSilent, Waits: "the handler of step slow, which has not returned"}
	m.Tasks[950] = overview.Task{Task: 950, State: overview.TaskHalted}
	lines := fitted((&top{module: "m", screen: &screen{}}).page([]overview.Entry{{Module: m}}, 80), 24)
	checkFits(t, lines, 80, 24)
	var order []string
	for _, line := range lines {
		if found := regexp.MustCompile(`^(\d+) +(halted|silent|runs) `).FindStringSubmatch(line); found != nil {
			order = append(order, found[1])
		}
	}
	if got := strings.Join(order, " "); !strings.HasPrefix(got, "950 900 700 999 998") || !strings.HasPrefix(lines[len(lines)-1], "and ") {
		t.Errorf("in the order %s:\n%s", got, strings.Join(lines, "\n"))
	}
}

// away answers once, and then no more.
type away struct {
	overview.Cluster
	looks  int
	cancel func()
}

func (c *away) Modules(context.Context) ([]client.ModuleInfo, error) {
	if c.looks++; c.looks == 1 {
		return nil, nil
	}
	if c.looks == 3 && c.cancel != nil {
		c.cancel()
	}
	return nil, errAway
}

// The terminal is given back however top ends: interrupted, by an error, or when it has looked as
// often as it should, where the last look stays; and it is not taken where the first look fails.
func TestTopGivesTheTerminalBack(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]struct {
		looks, from int
		interrupted bool
		after       string
		opened      int
	}{
		"interrupted": {0, 0, true, "", 1}, "an error": {2, 0, false, "", 1}, "looked enough": {1, 0, false, "no module runs on these servers\n", 1}, "a first look that fails": {0, 1, false, "", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			c := &away{looks: end.from}
			if end.interrupted {
				c.cancel = cancel
			}
			var out strings.Builder
			one := &top{out: &out, look: overview.New(overview.Config{Cluster: c, Period: time.Nanosecond}), screen: &screen{out: &out, size: func() (int, int, error) { return 80, 24, nil }}}
			err := one.run(ctx, time.Millisecond, end.looks)
			if (err == nil) != (end.after != "") || err != nil && !errors.Is(err, errAway) {
				t.Errorf("it ended with %v", err)
			}
			text := out.String()
			if strings.Count(text, openScreen) != end.opened || strings.Count(text, closeScreen) != end.opened || end.opened > 0 && !strings.HasSuffix(text, closeScreen+end.after) {
				t.Errorf("it wrote %q", text)
			}
			if end.interrupted && (!strings.Contains(text, `tried again: the servers are \x1b[2Jaway`) || !strings.Contains(text, "As it was last seen")) {
				t.Errorf("while the servers are away it wrote %q", text)
			}
		})
	}
}

// A text goes on in the next lines, and ends after a few of them.
func TestWrapped(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"short":                            "short",
		"one two three four five":          "one two three|    four five",
		strings.Repeat("x", 20):            "xxxxxxxxxxxxx|    xxxxxxx",
		strings.Repeat("ää ", 20):          "ää ää ää ää|    ää ää ää|    ää ää ää…",
		"  → mend it, and then look again": "  → mend it,|    and then|    look aga…",
	} {
		if got := strings.Join(wrapped(text, 13), "|"); got != want {
			t.Errorf("%q becomes %q, want %q", text, got, want)
		}
	}
}
