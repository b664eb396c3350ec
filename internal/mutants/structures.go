package mutants

// structures breaks what PStates keep: lists, fixed keys, what other topologies see, and
// what paths do with it.
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
	along := []Mutation{
		{Name: "gap-left", Rule: "design 4", What: "of several elements that a path takes out of a list, the first alone leaves", File: "internal/overlay/list.go",
			Old: "_, gone := slices.BinarySearch(indexes, i); !gone", New: "i != first"},
		{Name: "met-again", Rule: "design 4", What: "elements of a set that a path has replaced are met again", File: "pstate/cells.go",
			Old: "\tif c.after == nil {\n", New: "\tif c.after == nil || len(*c.after) >= 0 {\n"},
		{Name: "first-for-last", Rule: "design 4", What: "the last entries of a range are its first", File: "pstate/places.go",
			Old: "return MapPart[K, E, M]{of, span.Reverse().Limit(last), true}", New: "return MapPart[K, E, M]{of, span.Limit(last), false}"},
		{Name: "same-for-all", Rule: "design 4", What: "a subselect writes one value everywhere", File: "module/nav/control.go",
			Old: "\t\tvalues = values[1:]\n", New: ""},
	}
	for i := range all {
		all[i].Workloads = "structures"
	}
	for i := range along {
		along[i].Workloads = "paths"
	}
	cold := Mutation{Name: "foreseen-absent", Rule: "3.39", What: "an element that is foreseen counts as absent until the store has answered", File: "internal/overlay/guess.go",
		Old: "\tv.want(e)\n", New: "\te.n.flags |= loaded\n", Workloads: "cold"}
	return append(append(all, along...), cold)
}
