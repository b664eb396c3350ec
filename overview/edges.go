package overview

import (
	"context"
	"errors"
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
	// edgesPatience is how long a plan waits for lines: those that come later are in the next.
	edgesPatience = 300 * time.Millisecond
)

// hops are the lines that were seen in a module, from handler to handler.
type hops struct {
	mu     sync.Mutex
	at     time.Time     // of the last look
	under  chan struct{} // closed at the end of the one that is under way; nil: none is
	counts map[[2]string]int64
	trees  map[string]bool // that were counted; of the look that is under way
}

// Graph is the plan of a module with the hops that were seen: in the event trees that the
// workers keep, some at a time, since the first call. What handlers send to which step no
// declaration says.
func (o *Overview) Graph(ctx context.Context, name string) (Graph, error) {
	w := o.watched(name)
	d, err := o.describe(ctx, w, name)
	if err != nil {
		if errors.Is(err, client.ErrNoModule) {
			o.unwatch(name, w)
		}
		return Graph{}, err
	}
	g := GraphOf(&d)
	h := &w.hops
	select {
	case <-o.lookForHops(ctx, name, w):
	case <-time.After(edgesPatience):
	case <-ctx.Done():
	}
	h.mu.Lock()
	defer h.mu.Unlock()
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

// over is closed: nothing is under way.
var over = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// lookForHops has lines looked for, where that was some time ago. What it returns is closed when
// they are there.
func (o *Overview) lookForHops(ctx context.Context, name string, w *watched) <-chan struct{} {
	h := &w.hops
	ctx = w.withoutGone(context.WithoutCancel(ctx))
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.under != nil {
		return h.under
	}
	now := o.config.Now()
	if now.Sub(h.at) < edgesPeriod {
		return over
	}
	under := make(chan struct{})
	h.at, h.under = now, under
	go func() {
		o.seeHops(ctx, name, h)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.under = nil
		close(under)
	}()
	return under
}

// seeHops opens some trees that were not counted yet. What cannot be asked is left out.
func (o *Overview) seeHops(ctx context.Context, name string, h *hops) {
	ctx, cancel := context.WithTimeout(ctx, edgesTimeout)
	defer cancel()
	if h.trees == nil || len(h.trees) > treesKnown {
		h.trees = map[string]bool{}
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
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.counts == nil {
		h.counts = map[[2]string]int64{}
	}
	for _, e := range t.Events {
		if from, known := boxes[e.Parent]; known && e.Parent != 0 {
			h.counts[[2]string{from, boxes[e.ID]}]++
		}
	}
}
