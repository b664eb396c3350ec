package mutants

// yields breaks promise 11.12: an event that gives its task up keeps its key's later events
// waiting.
func yields() []Mutation {
	const yield = "runtime/yield.go"
	return []Mutation{
		{Name: "yielded-overtaken", Rule: "11.12", What: "an event that has given the task up lets its key's later events pass", File: yield, Workloads: "yield",
			Old: "y.waiting = append(y.waiting, *it)\n\tt.queue.aside++\n\treturn true", New: "return false"},
		{Name: "yielded-twice", Rule: "11.12", What: "where an event gives the task up twice, its key's later events wait for its first part alone", File: yield, Workloads: "yield",
			Old: "y.parts++", New: "y.parts = 1"},
		{Name: "released-behind", Rule: "11.12", What: "what has waited for an event of its key runs behind what came later", File: yield, Workloads: "yield",
			Old: "t.queue.drawn = slices.Insert(t.queue.drawn, t.queue.at, y.waiting...)", New: "t.queue.drawn = append(t.queue.drawn, y.waiting...)"},
		{Name: "rest-waits", Rule: "11.12", What: "what is left of an event waits for itself", File: yield, Workloads: "yield",
			Old: "if len(t.queue.yielded) == 0 || t.isRest(it) {", New: "if len(t.queue.yielded) == 0 {"},
		{Name: "failed-yield-counts", Rule: "11.12", What: "its key waits for what an event that failed was to leave", File: "runtime/run.go", Workloads: "yield",
			Old: "view.Rollback(save)\n\t\tt.eventFailed(it, err)", New: "view.Rollback(save)\n\t\tt.hasYielded()\n\t\tt.eventFailed(it, err)"},
		{Name: "rest-lost", Rule: "11.12", What: "its key waits for ever for what was left of an event and found no room on the disk", File: "runtime/spool.go", Workloads: "yield",
			Old: "t.rested(&it)", New: "_ = it"},
		{Name: "aside-not-taken-back", Rule: "3.60", What: "a source that goes back leaves those of its records that wait for one of their key, and has them run again", File: "runtime/queue.go", Workloads: "yield",
			Old: "gone := which(&it)\n", New: "gone := false && which(&it)\n"},
	}
}
