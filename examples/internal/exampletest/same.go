// Package exampletest compares examples that are written twice.
package exampletest

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/localcluster/clustertest"
	"github.com/coppice-run/coppice/module"
)

// SameEvents runs two modules, one written with handlers and one as dataflow, through the
// same appends, and fails the test unless their records set off the same trees of events:
// each with the same step, on the same task, with as many reads, writes and hops. The
// second is given with the first one's type, which its type embeds. Of handlers that are
// named as random the task is not compared.
func SameEvents[M module.Module](t *testing.T, handlers M, flow module.Module, flowHandles M, use func(m M, kit *clustertest.Kit) error, random ...string) {
	t.Helper()
	want := events(t, handlers, handlers, use, random)
	got := events(t, flow, flowHandles, use, random)
	if len(want) == 0 {
		t.Fatal("nothing happened")
	}
	if !slices.Equal(got, want) {
		t.Errorf("as dataflow:\n%s\n\nwith handlers:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

var (
	tree  = regexp.MustCompile(` partition \d+ offset \d+`)
	event = regexp.MustCompile(`^( *)(\S+) on task \d+`)
)

func events[M module.Module](t *testing.T, m module.Module, handles M, use func(M, *clustertest.Kit) error, random []string) (all []string) {
	t.Helper()
	kit := clustertest.Start(t, m, clustertest.Config{Tasks: 4})
	recording := kit.Record()
	if err := use(handles, kit); err != nil {
		t.Fatal(err)
	}
	kit.Settle()
	recording.Stop()
	for _, tr := range recording.Trees() {
		lines := strings.Split(tr.String(), "\n")
		for i, l := range lines {
			if name := event.FindStringSubmatch(l); name != nil && slices.Contains(random, name[2]) {
				l = event.ReplaceAllString(l, "$1$2")
			}
			lines[i] = tree.ReplaceAllString(l, "")
		}
		all = append(all, strings.Join(lines, "\n"))
	}
	slices.Sort(all)
	return all
}
