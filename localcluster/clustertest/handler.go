package clustertest

import (
	"slices"
	"strings"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// Step names a step of a stream, for where its handle is out of reach.
func Step(stream, name string) module.HandlerName {
	return module.HandlerName{Topology: stream, Name: name}
}

// Source names one source of a stream. The handle of a depot stands for all sources
// that read it; their names are the depot's, or what module.SourceID says.
func Source(stream, name string) module.HandlerName {
	return module.HandlerName{Topology: stream, Name: name, Source: true}
}

// handlers finds what a handle stands for; that there is nothing fails the test.
func (k *Kit) handlers(h module.Handles) []module.HandlerName {
	k.t.Helper()
	found := module.HandlersOf(k.plan, h)
	if len(found) == 0 {
		var have []string
		for _, name := range k.plan.Handlers() {
			have = append(have, name.String())
		}
		k.t.Fatalf("module %s has no handler for %T %v; it has %s", k.plan.Module, h, h, strings.Join(have, ", "))
	}
	return found
}

// tasks are some tasks of a module; none stands for all.
type tasks []task.ID

func (ts tasks) has(id task.ID) bool { return len(ts) == 0 || slices.Contains(ts, id) }

// some checks tasks that a test names.
func (k *Kit) some(ids []task.ID) tasks {
	k.t.Helper()
	for _, id := range ids {
		if id < 0 || int(id) >= k.tasks {
			k.t.Fatalf("module %s has no task %d; it has 0 to %d", k.plan.Module, id, k.tasks-1)
		}
	}
	return slices.Clone(ids)
}

// at words tasks for messages.
func (ts tasks) String() string {
	if len(ts) == 0 {
		return "any task"
	}
	words := make([]string, len(ts))
	for i, id := range ts {
		words[i] = id.String()
	}
	if len(ts) == 1 {
		return "task " + words[0]
	}
	return "tasks " + strings.Join(words, ", ")
}
