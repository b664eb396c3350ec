package cli

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/internal/blocking"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// From a record that sticks to the name of what it sticks in: tree and trees say which handler
// does not return, on which task, and for which record.
func TestAStuckRecordOnTheCommandLine(t *testing.T) {
	t.Parallel()
	c, run := remoteServers(t)
	m := blocking.New("Blocking")
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 2}); err != nil {
		t.Fatal(err)
	}
	defer m.LetGo()
	if _, err := m.Lines.Append(t.Context(), c.Client(), "one", module.Wait(module.AckAppend)); err != nil {
		t.Fatal(err)
	}
	<-m.Entered()
	partition := 0
	if info, err := c.Client().PartitionInfo(t.Context(), "Blocking", "lines", 1); err != nil {
		t.Fatal(err)
	} else if info.End > 0 {
		partition = 1
	}
	at := strconv.Itoa(partition)
	if _, err := c.Client().Tree(t.Context(), "Blocking", "lines", 0, -4); !errors.Is(err, client.ErrNoRecord) {
		t.Errorf("of an offset below 0 it says %v", err)
	}
	code, out, errs := run("tree", "lines", at, "0")
	if code != exitOK || !strings.Contains(out, "lines/"+at+"@0 in stuck/lines") || !strings.Contains(out, "stuck    step slow of stuck on task ") || !strings.Contains(out, "waits    the handler of step slow of stuck") {
		t.Errorf("tree: exit %d\n%s%s", code, out, errs)
	}
	code, out, errs = run("tree", "lines", at, "0", "--module", "Blocking", "--json")
	var trees []eventtree.Tree
	if err := json.Unmarshal([]byte(out), &trees); code != exitOK || err != nil || len(trees) != 1 || len(trees[0].Stuck) != 1 || trees[0].Stuck[0].Step != "slow" {
		t.Errorf("tree --json: exit %d, %v\n%s%s", code, err, out, errs)
	}
	code, out, errs = run("trees", "Blocking")
	if code != exitOK || !strings.Contains(out, "lines/"+at+"@0") || !strings.Contains(out, "the handler of step slow") {
		t.Errorf("trees: exit %d\n%s%s", code, out, errs)
	}
	for _, wrong := range [][]string{{"tree", "lines", "x", "0"}, {"tree", "lines", "0", "x"}, {"tree", "none", "0", "0"}, {"tree", "lines", "7", "0"}, {"tree", "lines", at, "1"}, {"tree", "lines", at, "-1"}, {"trees", "Nobody"}} {
		if code, out, _ := run(wrong...); code != exitError {
			t.Errorf("%v: exit %d\n%s", wrong, code, out)
		}
	}
}

// That no record is under way is said where all tasks have answered alone.
func TestNoTreesOfTasksThatDoNotAnswer(t *testing.T) {
	t.Parallel()
	none := client.TreeList{}
	lacking := client.TreeList{Missing: []eventtree.Missing{{Tasks: []task.ID{0, 1}, Error: "nobody listens there"}}}
	for _, recent := range []bool{false, true} {
		if got := noTrees(&none, recent); !strings.HasPrefix(got, "no record is under way") || strings.Contains(got, "kept none") != recent {
			t.Errorf("of all it says %q", got)
		}
		if got := noTrees(&lacking, recent); !strings.Contains(got, "is not known") || strings.Contains(got, "kept") != recent {
			t.Errorf("without some it says %q", got)
		}
	}
}
