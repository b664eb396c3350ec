package mutants

// structures breaks what PStates keep: lists, fixed keys, and what other topologies
// see.
func structures() []Mutation {
	all := []Mutation{
		{Name: "half-committed", Rule: "3.40", What: "of another topology's maps the open batch is seen, of its other structures what is committed", File: "internal/overlay/committed.go",
			Old: "(e == nil || e.n.flags&dirty == 0) {", New: "(e == nil || e.n.flags&dirty == 0 || p.Schema.Kind == KindMap) {"},
		{Name: "open-length", Rule: "3.40", What: "another topology's list is as long as the open batch has made it", File: "internal/overlay/committed.go",
			Old: "(e == nil || e.n.flags&dirty == 0) {", New: "(e == nil || e.n.flags&dirty == 0 || p.column == boundsColumn) {"},
		{Name: "first-stays", Rule: "R12", What: "a list that grows at its beginning keeps its bounds", File: "internal/overlay/list.go",
			Old: "\t\tb.First--\n\t\tposition = b.First\n", New: "\t\tposition = b.First - 1\n"},
		{Name: "fixed-orphans", Rule: "design 7", What: "deleting fixed keys leaves the lists among them", File: "internal/overlay/drop.go",
			Old: "} else if !drop(v, p.Field(i), left, parts) {", New: "} else if field.Kind != KindList && !drop(v, p.Field(i), left, parts) {"},
	}
	for i := range all {
		all[i].Workloads = "structures"
	}
	return all
}
