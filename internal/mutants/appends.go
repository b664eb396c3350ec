package mutants

// appends breaks R30 and what surrounds it: appends of handlers to depots.
func appends() []Mutation {
	const emit, batch, line, kept, senders, topic = "runtime/append.go", "runtime/batch.go", "runtime/appendline.go", "runtime/appendstore.go", "runtime/senders.go", "runtime/appendtopic.go"
	return []Mutation{
		{Name: "early-appends", Rule: "R30", What: "appends of handlers leave before the commit", File: batch,
			Old: "t.inflight = b\n\tt.effects.Commit", New: "t.sendAppends(b)\n\tb.appends = b.appends[:0]\n\tt.inflight = b\n\tt.effects.Commit"},
		{Name: "unawaited-appends", Rule: "R30", What: "no record waits for the appends of its events", File: "internal/host/emit.go",
			Old: "!a.Unawaited {\n", New: "!a.Unawaited {\n\t\t\ta.Unawaited = true\n\t\t\tcontinue\n"},
		{Name: "failed-append-is-done", Rule: "R30", What: "an append that failed ends like one that did not", File: emit,
			Old: "if in.Err != nil {\n\t\tack.More", New: "if false {\n\t\tack.More"},
		{Name: "appends-not-kept", Rule: "R30", What: "a new owner does not send again what the log may not have", File: kept,
			Old: "l.waiting = append(l.waiting, e)", New: "_ = append(l.waiting, e)\n\t\t\tl.known++"},
		{Name: "appends-trimmed-early", Rule: "R30", What: "an append is trimmed when it is sent", File: line,
			Old: "t.sendAppend(e, t.numberedRecord(e))", New: "t.sendAppend(e, t.numberedRecord(e))\n\t\t\tif e.number == e.chunk.last {\n\t\t\t\tt.trim(e.chunk)\n\t\t\t}"},
		{Name: "failed-number-passed", Rule: "R30", What: "an append that failed is not sent again", File: line,
			Old: "t.breakLine(l)\n\t} else if !l.broken {", New: "}\n\tif !l.broken {"},
		{Name: "sent-behind-is-known", Rule: "R30", What: "what was sent behind an append that failed is not sent again with it", File: line,
			Old: "e.inLog = false // sent", New: "e.inLog = e.inLog // sent"},
		{Name: "senders-not-stored", Rule: "R30", What: "which appends a source has met is kept in memory only", File: senders,
			Old: "for _, id := range s.senders.settle(s.progress.Next) {", New: "for _, id := range s.senders.settle(s.progress.Next)[:0] {"},
		{Name: "senders-ahead", Rule: "R30", What: "which appends a source has met is stored as of what it has fetched, ahead of its progress", File: senders,
			Old: "s.senders.settle(s.progress.Next) {", New: "s.senders.settle(s.seen) {"},
		{Name: "early-taken", Rule: "R30", What: "an append is taken although one before it is missing", File: "internal/sender/position.go",
			Old: "case a.Number == p.Last+1:", New: "case a.Number > p.Last:"},
		{Name: "repeated-taken", Rule: "R30", What: "an append that comes again is taken again", File: "internal/sender/position.go",
			Old: "\t\t\tbreak\n\t\t}\n\t}\n\treturn Repeated", New: "\t\t\tbreak\n\t\t}\n\t}\n\treturn Take"},
		{Name: "position-not-believed", Rule: "R30", What: "a new owner writes again what the position of the last transaction says is there", File: topic,
			Old: "return int(at.Number - l.known), nil", New: "return 0, nil"},
		{Name: "transaction-again", Rule: "R30", What: "a transaction of which nobody knows is written again without fencing and asking", File: topic,
			Old: "t.emissions.topics.state = topicsClosed", New: "t.emissions.topics.state = topicsOpen"},
		{Name: "appends-in-memory", Rule: "R30", What: "numbered appends are kept in memory only", File: batch,
			Old: "t.forgetKept(b)\n\tt.noteSenders(b)\n\tt.noteMicroProgress(b)\n\tb.openBooks()", New: "t.forgetKept(b)\n\tt.noteSenders(b)\n\tt.noteMicroProgress(b)\n\tb.books = slices.DeleteFunc(b.books, func(n book) bool { return strings.HasSuffix(n.table.Key, \"}:appends\") && !n.write.Delete })\n\tb.openBooks()"},
	}
}
