package mutants

// logs breaks what a task does where the log loses records: T20, T22, T23.
func logs() []Mutation {
	const feed, source = "runtime/feed.go", "runtime/source.go"
	all := []Mutation{
		{Name: "other-records", Rule: "T20", What: "an offset that was finished is not looked at when it is another record's", File: source,
			Old: "return r.Offset < s.seen && s.progress.Epoch >= 0 && r.LeaderEpoch > s.progress.Epoch ||\n\t\tr.Offset < s.claimed.below && s.claimed.epoch >= 0 && r.LeaderEpoch > s.claimed.epoch",
			New: "return false"},
		{Name: "claims-forgotten", Rule: "T20", What: "a new owner does not look whether finished records are still in the log", File: source,
			Old: "s.claimed = claim{p.End(), p.Epoch}", New: ""},
		{Name: "epoch-unknown", Rule: "T20", What: "a position does not name the leader epoch of what was read", File: feed,
			Old: "\t\t\torder.Epoch = e\n", New: ""},
		{Name: "epoch-of-the-newest", Rule: "T20", What: "a position names the newest leader epoch that a source has met, which may be that of records that took the place of another source's", File: feed,
			Old: "(order.Epoch < 0 || e < order.Epoch)", New: "e > order.Epoch"},
		{Name: "reached-unknown", Rule: "T20", What: "a position does not say how far records were read", File: feed,
			Old: "order.Reached = max(order.Reached, s.seen, s.claimed.below)", New: ""},
		{Name: "epoch-of-finished", Rule: "T20", What: "the leader epoch that stands with the progress is that of the records whose trees are done", File: source,
			Old: "\t\ts.progress.Epoch = max(s.progress.Epoch, r.LeaderEpoch)\n", New: "\t\tif s.progress.Done(r.Offset) {\n\t\t\ts.progress.Epoch = max(s.progress.Epoch, r.LeaderEpoch)\n\t\t}\n"},
		{Name: "topic-unknown", Rule: "T23", What: "a position does not name the topic that it belongs to", File: feed,
			Old: "order.Topic = s.progress.Topic", New: "_ = s.progress.Topic"},
		{Name: "fault-ignored", Rule: "T22", What: "a task whose place in the log is gone goes on without that depot", File: feed,
			Old: "t.haltIfOwner(fmt.Errorf(\"depot %s: %w\", in.Depot, in.Err))", New: "_ = fmt.Errorf"},
		{Name: "halts-when-replaced", Rule: "R18", What: "a task halts for the log's sake without a look whether it is still the owner", File: "runtime/proof.go",
			Old: "t.doom = why\n\t}\n\tt.lookHome()", New: "t.doom = why\n\t}\n\tt.halt(why)"},
	}
	for i := range all {
		all[i].Workloads = "sources,count,tree,once,order" // the log may lose their records, or their progress runs ahead
		if all[i].Name == "epoch-of-the-newest" || all[i].Name == "halts-when-replaced" {
			all[i].Seeds = 8_000
		}
	}
	return all
}
