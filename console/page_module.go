package console

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/draw"
	"github.com/coppice-run/coppice/overview"
)

// modulePage is how a module is.
type modulePage struct {
	*overview.Module
	Graph overview.Graph
}

func showModule(q *request) error {
	m, err := q.look()
	if err != nil {
		return err
	}
	graph, err := q.h.look.Graph(q.ctx, q.module)
	if err != nil {
		return err
	}
	return q.show("module", frame{Title: q.module, Crumbs: q.crumbs(), JSON: "/modules/" + q.module + "/overview"}, modulePage{m, graph})
}

// crumbs lead to the pages above one of a module's.
func (q *request) crumbs(more ...link) []link {
	return append([]link{{"Modules", "/"}}, more...)
}

// within are the crumbs of a page of the module, below the module's own.
func (q *request) within(more ...link) []link {
	return q.crumbs(append([]link{{q.module, at("m", q.module)}}, more...)...)
}

// planPage is what a module declares.
type planPage struct {
	client.Description
	Graph overview.Graph
	Flows bool // it has dataflow that is drawn
	// Undrawn is why nobody knows whether it has.
	Undrawn string
}

func showPlan(q *request) error {
	var page planPage
	group, ctx := errgroup.WithContext(q.ctx) // a log that does not answer has all of them wait
	group.Go(func() (err error) {
		page.Description, err = q.h.look.Describe(ctx, q.module)
		return err
	})
	group.Go(func() (err error) {
		page.Graph, err = q.h.look.Graph(ctx, q.module)
		return err
	})
	group.Go(func() error {
		reading, cancel := context.WithTimeout(ctx, q.h.config.Timeout/3)
		defer cancel()
		plan, err := q.h.cluster.Plan(reading, q.module)
		if err != nil {
			page.Undrawn = err.Error()
			return nil // what was kept is shown all the same
		}
		page.Flows = slices.ContainsFunc(plan.Streams, func(s *module.StreamPlan) bool { return len(s.Flows) > 0 })
		return nil
	})
	if err := group.Wait(); err != nil {
		return err
	}
	return q.show("plan", frame{Title: "Plan", Lead: "What the module declares, as it registered it.", Crumbs: q.within(), JSON: "/modules/" + q.module + "/plan"}, page)
}

// drawPlan is the dataflow as a picture.
func drawPlan(q *request) error {
	plan, err := q.h.cluster.Plan(q.ctx, q.module)
	if err != nil {
		return err
	}
	q.w.Header().Set("Content-Type", "image/svg+xml")
	// The picture has a sheet of its own.
	q.w.Header().Set("Content-Security-Policy", strings.Replace(policy, "style-src 'self'", "style-src 'unsafe-inline'", 1))
	_, _ = q.w.Write([]byte(draw.SVG(plan))) // who asked has gone
	return nil
}
