package module

// FlowPlan is a source or a query that is written as dataflow (module/flow): what is done with
// its records, or to answer, for those who draw it.
type FlowPlan struct {
	Source string
	Nodes  []FlowNode // the source first, each behind all that lead to it but loops
}

// FlowNode is one operation of a dataflow.
type FlowNode struct {
	Kind string // "source", "each", "if", "hop" and so on
	Text string // what it does, in short
	Line string // of the user's source
	// Step is the step that the node hops to, and Carries are the variables that the hop
	// takes along. Both are empty where the event goes on.
	Step    string   `json:",omitempty"`
	Carries []string `json:",omitempty"`
	// Part is the part of a batch block that the node gives rows to, or begins with: what is
	// behind it runs when all rows are there.
	Part string     `json:",omitempty"`
	Next []FlowEdge `json:",omitempty"`
}

// FlowEdge leads to the node that is run next.
type FlowEdge struct {
	To    int    // index in Nodes
	Label string `json:",omitempty"` // "yes", "no", "again" and the like
}
