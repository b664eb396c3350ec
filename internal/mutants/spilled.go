package mutants

// spilled breaks R43, and what fails as one.
func spilled() []Mutation {
	const spill = "runtime/spill.go"
	return []Mutation{
		{Name: "spill-overtaken", Rule: "R43", What: "events that come back from disk are overtaken by those behind them", File: spill,
			Old: "if len(l.spool.entries) > 0 || len(l.frames) > 0 &&", New: "if len(l.frames) > 0 &&"},
		{Name: "outlet-overtaken", Rule: "R43", What: "events that wait for a way to open are overtaken by those behind them", File: spill,
			Old: "if !o.shut && len(o.spool.entries) == 0 {", New: "if !o.shut {"},
		{Name: "pieces-stay", Rule: "3.65", What: "what a failed event has sent off and moved out of memory leaves", File: "internal/host/outbox.go",
			Old: "if o.base > mark {", New: "if false {"},
		{Name: "spills-survive", Rule: "R43", What: "what is on disk survives the ownership period in the engine's books", File: "runtime/drop.go",
			Old: "t.forgetSpills()", New: "if t.spills.entries == nil {\n\t\tt.forgetSpills()\n\t}"},
		{Name: "batch-mates-stand", Rule: "3.63", What: "a batch that fails as one fails the event alone, and takes back all", File: "runtime/whole.go",
			Old: "t.failMates(it, err)\n\t\treturn", New: "return"},
		{Name: "nobody-to-blame", Rule: "R20", What: "where a batch fails as one and takes its sources back, the attempt that failed is not counted", File: "runtime/whole.go",
			Old: "\tt.blame(it, err)\n", New: "", Workloads: "both", Seeds: 20_000},
		{Name: "batch-appends-stand", Rule: "3.63", What: "a batch that fails as one takes its writes back, and not what its events appended to depots", File: "runtime/whole.go",
			Old: "\tb.batchAppends.reset()\n", New: ""},
	}
}
