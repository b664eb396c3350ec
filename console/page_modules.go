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

// worstOfAll are the findings of all modules that are more than to be known, the worst first.
func worstOfAll(all []overview.Entry) (found []moduleFinding) {
	for i := range all {
		for _, f := range all[i].Findings() {
			if f.Severity != overview.Notable {
				found = append(found, moduleFinding{all[i].Info.Name, f})
			}
		}
	}
	slices.SortStableFunc(found, func(a, b moduleFinding) int { return a.Finding.Severity.Rank() - b.Finding.Severity.Rank() })
	return found
}
