package overview

import "github.com/coppice-run/coppice/client"

// Graph is the plan of a module as boxes and lines: what a console draws.
type Graph struct {
	Nodes []Node `json:"nodes"`
	Edges []Edge `json:"edges"`
}

// NodeKind says what a box stands for.
type NodeKind string

// The kinds of boxes.
const (
	DepotNode  NodeKind = "depot"
	SourceNode NodeKind = "source" // the handler of a topology that reads a depot
	StepNode   NodeKind = "step"
	BatchNode  NodeKind = "batch" // a batch block of a microbatch topology
	PStateNode NodeKind = "pstate"
	TopicNode  NodeKind = "topic" // one that handlers write to
)

// Node is a box.
type Node struct {
	ID       string   `json:"id"`
	Kind     NodeKind `json:"kind"`
	Name     string   `json:"name"`
	Topology string   `json:"topology,omitempty"`
	Note     string   `json:"note"` // its type, schema or placement
}

// Edge is a line. Events is 0 for what is declared: a depot that a source reads.
type Edge struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Events int64  `json:"events"` // that were seen to go along it
}

// nodeID names a box.
func nodeID(kind NodeKind, topology, name string) string {
	return string(kind) + " " + topology + "/" + name
}

// GraphOf is the graph of what a module declares. What handlers send to which step no
// declaration says: Overview.Graph has the lines that were seen, too.
func GraphOf(d *client.Description) Graph {
	g := Graph{Nodes: []Node{}, Edges: []Edge{}}
	add := func(kind NodeKind, topology, name, note string) string {
		id := nodeID(kind, topology, name)
		g.Nodes = append(g.Nodes, Node{id, kind, name, topology, note})
		return id
	}
	for _, p := range d.Depots {
		add(DepotNode, "", p.Name, p.Type)
	}
	for _, t := range d.Topologies {
		for _, s := range t.Sources {
			g.Edges = append(g.Edges, Edge{From: nodeID(DepotNode, "", s.Depot), To: add(SourceNode, t.Name, s.Name, "reads "+s.Depot)})
		}
		for _, s := range t.Steps {
			add(StepNode, t.Name, s.Name, s.Type)
		}
		for _, b := range t.Batches {
			add(BatchNode, t.Name, b.Name, "batch block")
		}
	}
	for _, p := range d.PStates {
		add(PStateNode, p.Topology, p.Name, p.Schema)
	}
	for _, t := range d.Topics {
		add(TopicNode, "", t.Name, t.Type)
	}
	return g
}
