package console

import (
	"context"
	"fmt"
	"net/http"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/httpapi"
	"github.com/coppice-run/coppice/overview"
)

func showTopologies(q *request) error {
	m, err := q.look()
	if err != nil {
		return err
	}
	return q.show("topologies", frame{Title: "Topologies", Lead: "How far each is with its depots, and how fast.", Crumbs: q.within(), JSON: "/modules/" + q.module + "/overview"}, m)
}

// topologyPage is one topology.
type topologyPage struct {
	overview.Topology
	Module     string
	Info       client.TopologyInfo
	PStates    []client.PStateInfo
	Findings   []overview.Finding
	Micro      *client.MicrobatchInfo
	ProgressAt string // the Redis key of the progress
}

func showTopology(q *request) error {
	name := q.r.PathValue("topology")
	m, err := q.look()
	if err != nil {
		return err
	}
	d := m.Description()
	page := topologyPage{Module: q.module}
	for i := range m.Topologies {
		if m.Topologies[i].Name == name {
			page.Topology = m.Topologies[i]
		}
	}
	for i := range d.Topologies {
		if d.Topologies[i].Name == name {
			page.Info = d.Topologies[i]
		}
	}
	if page.Name == "" || page.Info.Name == "" {
		return &httpapi.Problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("module %s has no topology %s", q.module, name), Mend: "choose one from the list of topologies"}
	}
	for _, p := range d.PStates {
		if p.Topology == name {
			page.PStates = append(page.PStates, p)
		}
	}
	for _, f := range m.Findings {
		if f.Topology == name {
			page.Findings = append(page.Findings, f)
		}
	}
	if page.Kind == "microbatch" {
		info, err := q.h.cluster.Microbatches(q.ctx, q.module, name)
		if err != nil {
			return err
		}
		page.Micro = &info
	}
	page.ProgressAt = "$$__streaming-state-" + name
	if page.Micro != nil {
		page.ProgressAt = "$$__microbatcher-state-" + name
	}
	return q.show("topology", frame{Title: name, Lead: page.Info.Guarantee, Section: "topologies", Crumbs: q.within(link{"Topologies", at("m", q.module, "topologies")}), JSON: "/modules/" + q.module + "/overview"}, &page)
}

func pauseTopology(q *request) error {
	return q.switchTopology("It is paused: it begins no record until it is resumed.", q.h.cluster.Pause)
}

func resumeTopology(q *request) error { return q.switchTopology("It goes on.", q.h.cluster.Resume) }

func (q *request) switchTopology(done string, do func(ctx context.Context, module, topology string) error) error {
	name := q.r.PathValue("topology")
	return q.change(client.AuditEntry{Subject: "topology " + name}, at("m", q.module, "topologies", name), done, func(ctx context.Context) error {
		return do(ctx, q.module, name)
	})
}
