package flow

import (
	"fmt"

	"github.com/coppice-run/coppice/module"
)

// Source has a topology process the records of a depot by a dataflow: f puts its
// operations into the block. It is called once, when the module is declared. Options are
// those of module.DeclareSource.
func Source[T any](of module.Topology, d module.Depot[T], f func(b *Block, record Var[T]), options ...module.SourceOption) {
	g := &graph{front: module.FrontOf(of), of: of}
	plan := g.front.Plan()
	where := line()
	if f == nil {
		g.front.Declare(where, func() {
			g.front.Mistake("flow.Source of "+fmt.Sprintf("%q", plan.Name), "has no function", "pass a func(*flow.Block, flow.Var["+typeName[T]()+"])")
		})
		return
	}
	n := &node{flow: g, verb: "Source", text: typeName[T](), line: where, next: make([][]*node, 1), labels: make([]string, 1)}
	n.simply(func(*run) error { return nil })
	g.nodes = []*node{n}
	b := &Block{flow: g, at: at{outlets: []outlet{{n, 0}}}}
	record := result[T](b, n)

	sources := len(plan.Sources)
	g.front.Declare(where, func() {
		module.DeclareSource(of, d, func(ev *module.Event, v T) error {
			x := g.begin(ev)
			if g.yields {
				x.key = module.RecordKeyHash(ev)
			}
			record.set(x, v)
			return g.end(x, x.at(n))
		}, options...)
	})
	g.source = "source"
	if len(plan.Sources) > sources {
		g.source = plan.Sources[sources].Name
		n.text = g.source + ": " + typeName[T]()
	}
	f(b, record)
	g.finish()
}

// finish cuts the flow at its hops, and declares them.
func (g *graph) finish() {
	g.done = true
	for _, m := range g.mistakes {
		m.tell(g)
	}
	g.live()
	if g.query {
		for _, h := range g.hops {
			h.carried = g.listed(h.node.carry)
		}
		return
	}
	for _, h := range g.hops {
		h.declare()
	}
	for _, c := range g.calls {
		c.declare()
	}
	g.declareParts()
	plan := g.front.Plan()
	plan.Flows = append(plan.Flows, g.plan())
}

// called is a call to the outside.
type called interface{ declare() }

// plan draws the flow up for the plan of the module.
func (g *graph) plan() *module.FlowPlan {
	p := &module.FlowPlan{Source: g.source, Nodes: make([]module.FlowNode, len(g.nodes))}
	for i, n := range g.nodes {
		drawn := module.FlowNode{Kind: n.verb, Text: n.text, Line: n.line}
		if n.hop != nil {
			drawn.Step = n.hop.name
			for _, v := range n.hop.carried {
				drawn.Carries = append(drawn.Carries, v.name()+" "+v.typed)
			}
		}
		for o, outlet := range n.next {
			for _, to := range outlet {
				drawn.Next = append(drawn.Next, module.FlowEdge{To: to.id, Label: n.labels[o]})
			}
		}
		if n.part != nil {
			drawn.Part = n.part.name
		}
		if n.loop != nil {
			drawn.Next = append(drawn.Next, module.FlowEdge{To: n.loop.id, Label: "again"})
		}
		p.Nodes[i] = drawn
	}
	return p
}
