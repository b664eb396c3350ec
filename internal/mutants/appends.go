package mutants

// appends breaks R30 and what surrounds it: appends of handlers to depots.
func appends() []Mutation {
	const emit, batch = "runtime/append.go", "runtime/batch.go"
	return []Mutation{
		{Name: "early-appends", Rule: "R30", What: "appends of handlers leave before the commit", File: batch,
			Old: "t.inflight = b\n\tt.effects.Commit", New: "t.sendAppends(b)\n\tb.appends = b.appends[:0]\n\tt.inflight = b\n\tt.effects.Commit"},
		{Name: "unawaited-appends", Rule: "R30", What: "no record waits for the appends of its events", File: "internal/host/emit.go",
			Old: "!a.Unawaited {\n", New: "!a.Unawaited {\n\t\t\ta.Unawaited = true\n\t\t\tcontinue\n"},
		{Name: "failed-append-is-done", Rule: "R30", What: "an append that failed ends like one that did not", File: emit,
			Old: "if in.Err != nil {\n\t\tack.More", New: "if false {\n\t\tack.More"},
	}
}
