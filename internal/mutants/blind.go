package mutants

// blind returns mistakes written by somebody who knew the rules and the engine, and
// had not seen what the simulator runs and checks: they tell how much of the
// simulator was made to fit the other mutations.
func blind() []Mutation {
	all := append(blindOwnership(), blindCommits()...)
	all = append(all, blindTrees()...)
	all = append(all, blindOrder()...)
	all = append(all, blindReads()...)
	for i := range all {
		all[i].Blind = true
	}
	return all
}

// blindOwnership is what a change of the owner leaves behind, or forgets.
func blindOwnership() []Mutation {
	const take = "runtime/take.go"
	return []Mutation{
		{Name: "finish-sticks", Rule: "R5", What: "a task that was told to finish and is nominated again begins no more records", File: take,
			Old: "\tif in.Yes {\n\t\tt.finishing, t.finished = false, false\n\t}\n", New: ""},
		{Name: "peers-survive", Rule: "R16", What: "what an earlier connection showed of other owners counts on the next one: frames of a former owner that it knew are taken in without a look", File: "runtime/drop.go",
			Old: "t.peers = make([]peer, t.config.Tasks)",
			New: "if t.peers == nil {\n\t\tt.peers = make([]peer, t.config.Tasks)\n\t}"},
		{Name: "asked-survives", Rule: "R10", What: "a question for heads that was under way when the connection broke counts as under way for ever: no head is asked for again", File: "runtime/drop.go",
			Old: "t.reading, t.asked, t.looking, t.holding = false, false, notLooking, 0",
			New: "t.reading, t.looking, t.holding = false, notLooking, 0"},
		{Name: "regression-unseen", Rule: "R11", What: "the mark to compare with is replaced before the comparison: an owner that finds its slot behind what it had committed says nothing", File: take,
			Old: "\tt.settle(in.Previous)\n\tt.known = t.head.Mark\n",
			New: "\tt.known = t.head.Mark\n\tt.settle(in.Previous)\n"},
		{Name: "peer-number-kept", Rule: "R16", What: "the frames of a new owner are counted from the last of the owner before: the first of them count as delivered", File: "runtime/peers.go",
			Old: "p.token, p.number, p.since = f.Sender.Token, 0, p.shown.Number", New: "p.token, p.since = f.Sender.Token, p.shown.Number"},
		{Name: "starts-by-position", Rule: "R22", What: "the answers of where sources begin are laid against all sources, not against those that were asked for: a new source beside known ones begins elsewhere", File: "runtime/load.go",
			Old: "\t\t\t\ttopo.dirty = true\n\t\t\t\ti++\n\t\t\t}\n", New: "\t\t\t\ttopo.dirty = true\n\t\t\t}\n\t\t\ti++\n"},
		{Name: "order-lost", Rule: "R10", What: "an order about a parked record that was under way when the connection broke is neither carried out nor answered", File: "runtime/drop.go",
			Old: "o.begun, o.waits = false, nil //", New: "_ = o //"},
	}
}

// blindCommits is what is believed or sent too early.
func blindCommits() []Mutation {
	const batch = "runtime/batch.go"
	return []Mutation{
		{Name: "passed-early", Rule: "3.59", What: "hops of a record that is not to be retried leave before it is stored that it was begun, where its handler writes nothing", File: batch,
			Old: "len(b.books) == 0 && len(b.passed) == 0 && !due", New: "len(b.books) == 0 && !due"},
		{Name: "books-early", Rule: "R20", What: "the numbers of attempts and the generations are not stored by a batch that writes nothing else", File: batch,
			Old: "t.view.Dirty() == 0 && len(b.books) == 0 && len(b.passed)", New: "t.view.Dirty() == 0 && len(b.passed)"},
		{Name: "finished-early", Rule: "R3", What: "a task reports that it has finished while the commit with the progress of its last records is under way: a graceful hand-over may repeat them", File: "runtime/engine.go",
			Old: "return t.inflight == nil && t.open == nil", New: "return t.open == nil"},
		{Name: "await-uncommitted", Rule: "R40", What: "who asks for a record whose commit is under way is told that it is done", File: "runtime/await.go",
			Old: "if t.recordOver(key, t.inflight) {", New: "if t.recordOver(key, nil) {"},
		{Name: "await-elsewhere", Rule: "R40", What: "a record whose tree is complete in one stream counts as done, though its commit in another one is under way", File: "runtime/await.go",
			Old: "t.waiters[key] != nil && t.recordOver(key, t.inflight)", New: "t.waiters[key] != nil && t.recordOver(key, nil)"},
		{Name: "number-of-another", Rule: "R20", What: "a task that comes back to its slot counts only the attempts that it remembers, not those of the owner between", File: "runtime/attempts.go",
			Old: "ok && r.Number <= known.number {", New: "ok {"},
		{Name: "ready-at-the-end", Rule: "R3", What: "a task that is to finish does not run the attempts whose numbers are stored, and waits for them", File: "runtime/source.go",
			Old: "\tif t.now < s.heldUntil || t.shut(s) != \"\" {", New: "\tif t.finishing || t.now < s.heldUntil || t.shut(s) != \"\" {"},
		{Name: "failure-noted-late", Rule: "R20", What: "the failures of a record are noted before the newest is counted: after a lost connection it does not count", File: "runtime/trees.go",
			Old: "\tf.failures = min(f.failures+uint16(by), failuresMax)\n\tif f.number > 0 {\n\t\tf.source.counted[f.record.Offset] = counted{f.failures, f.number}\n\t}\n",
			New: "\tif f.number > 0 {\n\t\tf.source.counted[f.record.Offset] = counted{f.failures, f.number}\n\t}\n\tf.failures = min(f.failures+uint16(by), failuresMax)\n"},
		{Name: "ranges-touch", Rule: "3.47", What: "finished ranges that touch stay apart: the stored progress is not read back", File: "internal/progress/progress.go",
			Old: "p.done[to].First <= last+1 {", New: "p.done[to].First <= last {"},
	}
}

// blindTrees is about how records complete.
func blindTrees() []Mutation {
	return []Mutation{
		{Name: "lineage-by-run", Rule: "R14", What: "acks of a server that was demoted and promoted since, or whose names are hidden, count as of the same history", File: "runtime/trees.go",
			Old: "if f.From != t.config.Task && !f.Lineage.Same(t.lineage) {",
			New: "if f.From != t.config.Task && f.Lineage.Run != t.lineage.Run {"},
		{Name: "touched-last", Rule: "R19", What: "of the tasks that a tree went to only those that the last ack names are remembered: a lost one does not fail the tree", File: "acker/ledger.go",
			Old: "t.Touched |= touched", New: "if touched != 0 {\n\t\tt.Touched = touched\n\t}"},
		{Name: "ahead-closes-tree", Rule: "3.54", What: "looking ahead closes the tree of an event of this task's own record: the record never ends", File: "runtime/coroutine.go",
			Old: "\t\tif t.host.Record != nil && t.host.Origin.Tree.ID != 0 && !t.host.Lasting && part == nil {\n\t\t\tt.ledger.Close(t.ledger.Find(t.host.Origin.Tree))\n\t\t}\n",
			New: "\t\tif tree := t.ledger.Find(t.host.Origin.Tree); tree != nil {\n\t\t\tt.ledger.Close(tree)\n\t\t}\n"},
		{Name: "returns-shared", Rule: "3.75", What: "the memory of an event's returns is used again for those of the next one: appenders get each other's values", File: "internal/host/event.go",
			Old: "e.returns = nil", New: "e.returns = e.returns[:0]"},
		{Name: "passed-is-over", Rule: "3.59", What: "an appender hears that a record that is not retried is done while its tree is under way", File: "runtime/await.go",
			Old: "if _, underWay := s.passed[key.offset]; underWay || s.groupAt(key.offset) != nil {", New: "if s.groupAt(key.offset) != nil {"},
	}
}

// blindOrder is about retries, the order of records and events, and reading depots.
func blindOrder() []Mutation {
	const rewind, feed = "runtime/rewind.go", "runtime/feed.go"
	return []Mutation{
		{Name: "run-not-counted", Rule: "R21", What: "an attempt whose number was on its way when its source went back runs, ahead of the records before it, and then again", File: rewind,
			Old: "\ts.run++\n\tt.reopen(s, to)", New: "\tt.reopen(s, to)"},
		{Name: "number-under-way", Rule: "3.60", What: "while the number of an attempt is on its way to the slot, a source that keeps its order begins the records behind it", File: "runtime/source.go",
			Old: "s.announcing+len(s.ready) > 0", New: "len(s.ready) > 0"},
		{Name: "taken-back-anew", Rule: "R20", What: "an attempt that a source takes back before it ran is forgotten with the failures before it", File: rewind,
			Old: "\tfor i := range begun {\n\t\tt.keepAttempt(&begun[i])\n\t}\n", New: ""},
		{Name: "waiting-goes-on", Rule: "3.60", What: "an event that waits for what it reads while its source goes back ends as if it belonged to the present run", File: "runtime/run.go",
			Old: "if it.outdated() {", New: "if it.outdated() && t.phase != running {"},
		{Name: "executing-leaks", Rule: "3.86", What: "records whose trees a source closes when it goes back count as under way for ever: at the limit nothing begins any more", File: rewind,
			Old: "\t\t\tt.ledger.Close(tree)\n\t\t\ts.topology.executing--\n", New: "\t\t\tt.ledger.Close(tree)\n"},
		{Name: "resume-in-place", Rule: "3.60", What: "a new owner of a source that keeps its order leaves out what had finished behind a record that runs again", File: "runtime/source.go",
			Old: "\tif s.keepsOrder() {\n\t\tp.Rewind(p.Next)\n\t}\n", New: ""},
		{Name: "feed-counts-anew", Rule: "T25", What: "the readings of a depot are counted from 1 in each ownership period: what an earlier one still delivers looks like a gap, and is left out", File: feed,
			Old: "\tfor i := range f.strands {\n\t\tst := &f.strands[i]\n\t\tst.sources,",
			New: "\t*f.generation = 0\n\tfor i := range f.strands {\n\t\tst := &f.strands[i]\n\t\tst.sources,"},
		{Name: "goes-back-alone", Rule: "3.60", What: "a source that goes back has the depot read again from its own record, not from where another one is that went back further or comes from behind: what is between looks like a gap, and is left out", File: feed,
			Old: "\t\toffset = min(offset, s.seen)\n", New: "\t\t_ = s\n"},
		{Name: "remove-swaps", Rule: "3.60", What: "taking a source's records out of those to run puts later ones in their place: other sources' records lose their order", File: "runtime/queue.go",
			Old: "\tfor _, it := range q.drawn[q.at:] {\n\t\tif !which(&it) {\n\t\t\tkept = append(kept, it)\n\t\t} else {\n\t\t\tremoved = append(removed, it.try)\n\t\t}\n\t}\n",
			New: "\trest := q.drawn[q.at:]\n\tfor i := 0; i < len(rest); {\n\t\tif it := &rest[i]; which(it) {\n\t\t\tremoved = append(removed, it.try)\n\t\t\t*it = rest[len(rest)-1]\n\t\t\trest = rest[:len(rest)-1]\n\t\t\tcontinue\n\t\t}\n\t\ti++\n\t}\n\tkept = append(kept, rest...)\n"},
	}
}

// blindReads is about the overlay that handlers read and write.
func blindReads() []Mutation {
	const access = "internal/overlay/access.go"
	return []Mutation{
		{Name: "rollback-knows", Rule: "3.39", What: "an element that a failed event wrote without reading it counts as known afterwards, and absent: the next event overwrites what the store holds", File: "internal/overlay/savepoint.go",
			Old: "keep := n.flags & (used | wanted)", New: "keep := n.flags & (used | wanted | loaded)"},
		{Name: "drop-stays", Rule: "3.39", What: "a structure that a failed event emptied stays empty", File: "internal/overlay/drop.go",
			Old: "\tv.undo = append(v.undo, undo{table: t, mark: t.cleared})\n\tt.cleared = v.open\n", New: "\tt.cleared = v.open\n"},
		{Name: "note-stays", Rule: "3.39", What: "a nested key that a failed event wrote first counts as noted: later writes beneath it are not found by its outer structure", File: access,
			Old: "v.undo = append(v.undo, undo{table: t, mark: t.cleared, unnote: true})", New: "v.undo = append(v.undo, undo{table: t, mark: t.cleared})"},
		{Name: "pages-stay", Rule: "3.39", What: "a range that one batch read is read from memory by the next, without the writes between", File: "internal/overlay/seal.go",
			Old: "\tclear(v.pages)\n\tv.pages = v.pages[:0]\n", New: "", Workloads: "structures,shapes,paths"},
		{Name: "page-too-short", Rule: "3.39", What: "a range with a limit asks for no more elements than the limit, though the batch has deleted some of them: it returns too few", File: "internal/overlay/scan.go",
			Old: "if most := left + len(t.dirty); left > 0", New: "if most := left; left > 0"},
		{Name: "whole-stays", Rule: "3.39", What: "a table that was empty at first still counts as all in memory when an element was evicted: the element counts as absent", File: "internal/overlay/seal.go",
			Old: "t.noted, t.whole = false, false", New: "t.noted = false"},
		{Name: "whole-anyway", Rule: "3.39", What: "a table counts as all in memory whatever the store holds of it: what an earlier owner wrote counts as absent", File: "internal/overlay/need.go",
			Old: "n.empty.whole = r.Count == 0", New: "n.empty.whole = true"},
		{Name: "owner-ahead", Rule: "3.54", What: "after looking ahead the running event counts as of another topology: its writes are refused and its record fails", File: "runtime/coroutine.go",
			Old: "\tview.Owner, t.accesses = owner, accesses\n", New: "\t_, t.accesses = owner, accesses\n"},
	}
}
