package overview

import (
	"context"
	"sync"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/eventtree"
)

// How many trees are looked at for the lines of a plan, and how often.
const (
	treesListed  = 40
	treesOpened  = 6
	edgesPeriod  = 5 * time.Second
	treesKnown   = 10_000
	edgesTimeout = time.Second
)

// hops are the lines that were seen in a module, from handler to handler.
type hops struct {
	mu     sync.Mutex
	at     time.Time // of the last look
	counts map[[2]string]int64
	trees  map[string]bool // that were counted
}

// Graph is the plan of a module with the hops that were seen: in the event trees that the
// workers keep, some at a time, since the first call. What handlers send to which step no
// declaration says.
func (o *Overview) Graph(ctx context.Context, name string) (Graph, error) {
	d, err := o.config.Cluster.Describe(ctx, name)
	if err != nil {
		return Graph{}, err
	}
	g := GraphOf(&d)
	h := &o.watched(name).hops
	h.mu.Lock()
	defer h.mu.Unlock()
	if now := o.config.Now(); now.Sub(h.at) >= edgesPeriod {
		h.at = now
		o.seeHops(ctx, name, h)
	}
	// In the order of the boxes, so that a picture stays as it is.
	for i := range g.Nodes {
		for k := range g.Nodes {
			pair := [2]string{g.Nodes[i].ID, g.Nodes[k].ID}
			if n := h.counts[pair]; n > 0 {
				g.Edges = append(g.Edges, Edge{From: pair[0], To: pair[1], Events: n})
			}
		}
	}
	return g, nil
}

// seeHops opens some trees that were not counted yet. What cannot be asked is left out.
func (o *Overview) seeHops(ctx context.Context, name string, h *hops) {
	ctx, cancel := context.WithTimeout(ctx, edgesTimeout)
	defer cancel()
	if h.counts == nil || len(h.trees) > treesKnown {
		h.trees = map[string]bool{}
	}
	if h.counts == nil {
		h.counts = map[[2]string]int64{}
	}
	trees, err := o.config.Cluster.Trees(ctx, name, client.TreeFilter{Recent: true, Limit: treesListed})
	if err != nil {
		return
	}
	opened := 0
	for _, t := range trees {
		key := t.Record.String() + " " + t.Topology + "/" + t.Source
		if h.trees[key] || opened == treesOpened {
			continue
		}
		opened++
		whole, err := o.config.Cluster.Tree(ctx, name, t.Depot, t.Partition, t.Offset)
		if err != nil {
			return
		}
		h.trees[key] = true
		for i := range whole {
			if whole[i].Topology == t.Topology && whole[i].Source == t.Source {
				h.count(&whole[i])
			}
		}
	}
}

// count counts the hops of a tree.
func (h *hops) count(t *eventtree.Tree) {
	boxes := map[eventtree.ID]string{}
	for _, e := range t.Events {
		kind := StepNode
		if e.Root {
			kind = SourceNode
		}
		boxes[e.ID] = nodeID(kind, t.Topology, e.Step)
	}
	for _, e := range t.Events {
		if from, known := boxes[e.Parent]; known && e.Parent != 0 {
			h.counts[[2]string{from, boxes[e.ID]}]++
		}
	}
}
