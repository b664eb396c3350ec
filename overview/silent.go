package overview

import (
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/task"
)

// silent are the tasks whose owner does not answer for them, by what is known of why: a handler
// that does not return, an address on which nobody listens, or no more than the owner.
func silent(m *Module) []Finding {
	g := grouped{m: m, at: map[string]int{}}
	for i := range m.Tasks {
		switch t := &m.Tasks[i]; {
		case t.State != TaskSilent:
		case t.Handler != nil:
			g.held(t)
		case t.Gone:
			g.gone(t)
		default:
			g.mute(t)
		}
	}
	for i := range g.all {
		f := &g.all[i]
		f.What = tasksHave(f.Tasks, "does not answer", "do not answer") + " on " + g.owners(f.Tasks)
	}
	return g.all
}

// grouped are findings of which those with the same cause are one.
type grouped struct {
	m   *Module
	all []Finding
	at  map[string]int // by cause
}

// of finds the finding of a cause, or adds it, with a task that has it.
func (g *grouped) of(cause string, t *Task, made Finding) *Finding {
	n, known := g.at[cause]
	if !known {
		n = len(g.all)
		g.at[cause] = n
		g.all = append(g.all, made)
	}
	f := &g.all[n]
	f.Tasks = append(f.Tasks, t.Task)
	return f
}

// held takes a task that a handler holds up. Of several the one that has run for longest is told of.
func (g *grouped) held(t *Task) {
	h := t.Handler
	f := g.of("handler "+h.Topology+" "+handlerName(h), t, Finding{
		Severity: Stuck, Topology: h.Topology, Since: h.Since, Page: "trees",
		Mend: "see what the handler does: a call without a timeout, a lock, an endless loop; restarting its worker ends it, and the record runs again",
	})
	if f.Record == nil || h.Since.Before(f.Since) {
		f.Waits, f.Since, f.Record = t.Waits, h.Since, &h.Record
	}
}

// gone takes a task whose owner is not there.
func (g *grouped) gone(t *Task) {
	made := Finding{Severity: Stuck, Waits: t.Waits, Since: t.SilentSince, Page: "tasks", Mend: "nothing, if that worker was stopped just now: another one takes its tasks when its session is over; if none does, look at the log of the others"}
	if !g.m.answers() {
		made.Severity, made.Mend = Broken, "start a worker of the module: none of it answers"
	}
	g.since(g.of("gone "+t.Owner, t, made), t)
}

// mute takes a task of whose owner nothing is known.
func (g *grouped) mute(t *Task) {
	g.since(g.of("mute "+t.Owner, t, Finding{Severity: Stuck, Waits: t.Waits, Mend: "look whether the worker is there, and whether it has a processor to run on: " + t.Error, Since: t.SilentSince, Page: "tasks"}), t)
}

func (g *grouped) since(f *Finding, t *Task) {
	if t.SilentSince.Before(f.Since) {
		f.Since = t.SilentSince
	}
}

// owners names whose the tasks are.
func (g *grouped) owners(ids []task.ID) string {
	var all []string
	for _, id := range ids {
		if owner := g.m.Tasks[id].Owner; !slices.Contains(all, owner) {
			all = append(all, owner)
		}
	}
	if len(all) > 3 {
		return fmt.Sprintf("%d workers", len(all))
	}
	return words(all)
}

// words joins words to a list.
func words(all []string) string {
	list := ""
	for i, one := range all {
		switch {
		case i == 0:
		case i == len(all)-1:
			list += " and "
		default:
			list += ", "
		}
		list += one
	}
	return list
}

// answers reports whether some worker of the module does.
func (m *Module) answers() bool {
	return slices.ContainsFunc(m.Tasks, func(t Task) bool { return t.Status != nil })
}
