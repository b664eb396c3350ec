package overview

import (
	"fmt"
	"strings"

	"github.com/coppice-run/coppice/eventtree"
)

// waits words what a task waits for now; "": nothing holds it.
func waits(t *Task) string {
	switch t.State {
	case TaskHalted:
		return "nothing any more: it has halted"
	case TaskNoOwner:
		return "a worker to take it"
	case TaskStarts:
		return "the take-over of its slot"
	case TaskSilent:
		if h := t.Handler; h != nil {
			return fmt.Sprintf("the handler of %s of %s, which has not returned, for record %s", handlerName(h), h.Topology, h.Record)
		}
		if t.Gone {
			return "another worker to take it: none listens on " + t.Owner
		}
		return "a handler that has not returned, or its worker"
	case TaskUnasked:
		return ""
	}
	s := t.Status
	var words []string
	for _, h := range s.Held {
		words = append(words, fmt.Sprintf("%s of %s, held by a test", plural(h.Events, "event", "events"), h.Handler))
	}
	if s.Reading {
		words = append(words, "the store, to answer a read")
	}
	if s.Committing {
		words = append(words, "the store, to confirm a commit")
	}
	if s.Calls > 0 {
		words = append(words, plural(s.Calls, "call", "calls")+" to the outside")
	}
	if s.Appends > 0 {
		words = append(words, "the log, to take "+plural(s.Appends, "append", "appends"))
	}
	if s.Trees > 0 {
		words = append(words, "events of "+plural(s.Trees, "tree", "trees")+" on other tasks")
	}
	return strings.Join(words, ", ")
}

// handlerName names a handler within its topology.
func handlerName(h *eventtree.Handler) string {
	if h.Root {
		return "source " + h.Step
	}
	return "step " + h.Step
}
