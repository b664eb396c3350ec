package console

import "github.com/coppice-run/coppice/overview"

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
	page := modulesPage{Entries: all}
	for _, e := range all {
		if e.Module == nil {
			continue
		}
		for _, f := range e.Module.Findings {
			if f.Severity != overview.Notable {
				page.Findings = append(page.Findings, moduleFinding{e.Info.Name, f})
			}
		}
	}
	return q.show("modules", frame{Title: "Modules", JSON: "/overviews", Spoken: plural(len(page.Findings), "thing stands still", "things stand still")}, page)
}
