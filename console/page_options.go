package console

import (
	"context"
	"net/http"
	"strings"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/httpapi"
)

// optionsPage lists the options for a scope.
type optionsPage struct {
	Module     string
	Scope      client.OptionScope
	Options    []client.OptionValue
	Topologies []string
	Depots     []string
}

// Settable reports whether an option may be set for the scope of the page.
func (p optionsPage) Settable(o client.OptionValue) bool {
	switch {
	case p.Scope.Topology != "":
		return o.Place == "topology"
	case p.Scope.Depot != "":
		return o.Place == "depot"
	}
	return true
}

// Here reports whether the value was set for the scope of the page, and so may be taken back.
func (p optionsPage) Here(o client.OptionValue) bool {
	switch {
	case p.Scope.Topology != "":
		return o.From == "topology "+p.Scope.Topology
	case p.Scope.Depot != "":
		return o.From == "depot "+p.Scope.Depot
	}
	return o.From == "module"
}

// Truth reports whether an option is true or false.
func (p optionsPage) Truth(o client.OptionValue) bool { return o.Unit == "true or false" }

func (q *request) scope() client.OptionScope {
	return client.OptionScope{Topology: q.value("topology"), Depot: q.value("depot")}
}

func showOptions(q *request) error {
	scope := q.scope()
	all, err := q.h.cluster.Options(q.ctx, q.module, scope)
	if err != nil {
		return err
	}
	d, err := q.h.cluster.Describe(q.ctx, q.module)
	if err != nil {
		return err
	}
	page := optionsPage{Module: q.module, Scope: scope, Options: all}
	for _, t := range d.Topologies {
		page.Topologies = append(page.Topologies, t.Name)
	}
	for _, p := range d.Depots {
		page.Depots = append(page.Depots, p.Name)
	}
	return q.show("options", frame{Title: "Options", Lead: "Running workers take a change at once, and it is kept over restarts. The most specific value counts: that of a topology or depot before the module's. What is not set is the default, unless a worker was started with another.", Crumbs: q.within(), JSON: query("/modules/"+q.module+"/options", "topology", scope.Topology, "depot", scope.Depot)}, page)
}

func setOption(q *request) error {
	value := strings.TrimSpace(q.value("value"))
	if value == "" {
		return &httpapi.Problem{Status: http.StatusBadRequest, Detail: "the value is empty", Mend: "go back and give one, or take the setting back"}
	}
	return q.changeOption(value)
}

// unsetOption has an address of its own: it is another operation, which others may be allowed,
// and whoever takes a setting back need not be allowed to set one.
func unsetOption(q *request) error { return q.changeOption("") }

func (q *request) changeOption(value string) error {
	scope, name := q.scope(), q.value("name")
	before, err := q.h.cluster.Option(q.ctx, q.module, scope, name)
	if err != nil {
		return err
	}
	next := query(at("m", q.module, "options"), "topology", scope.Topology, "depot", scope.Depot)
	done := name + " is " + value + " now."
	if value == "" {
		done = "The setting of " + name + " is taken back."
	}
	for _, warning := range q.h.cluster.OptionWarnings(q.ctx, name, value) {
		done += " Mind: " + warning + "."
	}
	return q.change(client.AuditEntry{Subject: name + scopeWords(scope), Before: before.Value, After: value}, next+"#"+name, done, func(ctx context.Context) error {
		return q.h.cluster.SetOption(ctx, q.module, scope, name, value)
	})
}

func scopeWords(s client.OptionScope) string {
	switch {
	case s.Topology != "":
		return " of topology " + s.Topology
	case s.Depot != "":
		return " of depot " + s.Depot
	}
	return ""
}
