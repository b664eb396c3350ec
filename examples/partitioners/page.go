// Package partitioners shows on which task it goes on behind a hop. What each task has seen
// is kept in a list of its own.
package partitioners

import (
	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Page is the page.
var Page = program.Page{
	Name:     "partitioners",
	Title:    "Partitioners",
	Programs: []program.Program{hash, all, direct, custom, shuffle, global},
	Missing: []program.Missing{
		{Rama: "MirrorPStateExample", Text: "nothing hops to a task of another module: a lookup reads its PState beside the task (dependencies/mirrors)"},
	},
}

// seen prints what tasks have seen, of those that have seen anything.
func seen(r *program.Run, tasks int, list pstate.List[string]) {
	for id := range tasks {
		var all []string
		for _, e := range program.All(list.Range(r.AtTask(module.TaskID(id)), pstate.All[int]())) {
			all = append(all, e.Val)
		}
		if all != nil {
			r.Println("task", id, all)
		}
	}
}
