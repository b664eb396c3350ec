package simulation

// Workloads returns all workloads of this package.
func Workloads() []Workload {
	return []Workload{Count(), Cold(), Shapes(), Structures(), Paths(), Tree(), Retry(), Once(), Order(), Sources(), Both(), Poison(), Update(), Migrate(), Exact(), Torn(), Arrivals(), Burst(), Emit(), EmitOnce(), Microbatch(), TornMicrobatch(), MicroEmit(), MicroAgain(), Ticks(), IDs(), Batch(), Flow(), FlowExact(), Yield(), Topics(), Objects()}
}

// Find returns the workload of a name.
func Find(name string) (Workload, bool) {
	for _, w := range Workloads() {
		if w.Name == name {
			return w, true
		}
	}
	return Workload{}, false
}
