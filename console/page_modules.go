package console

import (
	"slices"

	"github.com/coppice-run/coppice/overview"
)

// modulesPage is the list of all modules.
type modulesPage struct {
	Entries  []overview.Entry
	Findings []moduleFinding
}

// moduleFinding is a finding with its module.
type moduleFinding struct {
	Module  string
	Finding overview.Finding
}

func showModules(q *request) error {
	all, err := q.h.look.All(q.ctx)
	if err != nil {
		return err
	}
	page := modulesPage{Entries: all, Findings: worstOfAll(all)}
	return q.show("modules", frame{Title: "Modules", JSON: "/overviews", Spoken: plural(len(page.Findings), "thing stands still", "things stand still")}, page)
}

// worstOfAll are the findings of all modules that are more than to be known, the worst first. A
// module that cannot be seen is one: nobody knows whether it gets on.
func worstOfAll(all []overview.Entry) (found []moduleFinding) {
	for _, e := range all {
		if e.Module == nil {
			found = append(found, moduleFinding{e.Info.Name, overview.Finding{
				Severity: overview.Broken, What: "it cannot be seen, so nobody knows whether it gets on", Waits: e.Error, Mend: "look whether Kafka, Redis and its workers answer: coppice doctor looks at each",
			}})
			continue
		}
		for _, f := range e.Module.Findings {
			if f.Severity != overview.Notable {
				found = append(found, moduleFinding{e.Info.Name, f})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b moduleFinding) int { return overview.WorstFirst(a.Finding.Severity, b.Finding.Severity) })
	return found
}
