package mutants

import "slices"

// All returns every mutation.
func All() []Mutation {
	return slices.Concat(ownership(), commits(), trees(), records(), structures(), appends(), hops(), blind(), logs(), spilled(), micros(), yields())
}

// ownership breaks R1 to R6 and R10 to R16.
func ownership() []Mutation {
	const take, engine, peers, proof = "runtime/take.go", "runtime/engine.go", "runtime/peers.go", "runtime/proof.go"
	return []Mutation{
		{Name: "same-token", Rule: "R2", What: "a take-over that is tried again uses its token again", File: take,
			Old: "t.head = task.Head{Mark: task.Mark{Token: t.config.NewToken()}, Address: t.config.Address}",
			New: "token := t.head.Token\n\tif token.IsZero() {\n\t\ttoken = t.config.NewToken()\n\t}\n\tt.head = task.Head{Mark: task.Mark{Token: token}, Address: t.config.Address}"},
		{Name: "stale-memory", Rule: "R10", What: "what is in memory survives the connection", File: "runtime/drop.go",
			Old: "t.view = overlay.New(t.config.Tag, len(t.plan.PStates)+1) // and the parked records",
			New: "if t.view == nil {\n\t\tt.view = overlay.New(t.config.Tag, len(t.plan.PStates)+1)\n\t}"},
		{Name: "nil-exec-ignored", Rule: "R10", What: "a commit that the guard refused counts as done", File: take,
			Old: "case in.Err == nil:\n\t\tt.head.Mark", New: "case in.Err == nil || errors.Is(in.Err, store.ErrFenced):\n\t\tt.head.Mark"},
		{Name: "lost-is-applied", Rule: "R11", What: "a commit with a lost reply counts as applied", File: take,
			Old: "if previous.Covers(d.mark) {", New: "if true {"},
		{Name: "lost-is-done", Rule: "R11", What: "a lost reply counts as success, on the same connection", File: take,
			Old: "case in.Err == nil:\n\t\tt.head.Mark", New: "case in.Err == nil || errors.Is(in.Err, store.ErrLost):\n\t\tt.head.Mark"},
		{Name: "no-proof", Rule: "R13", What: "acks of another lineage complete trees without a look at the head", File: "runtime/trees.go",
			Old: "if f.From != t.config.Task && !f.Lineage.Same(t.lineage) {", New: "if false {"},
		{Name: "proof-by-token", Rule: "R13", What: "the number of the head that shows an ack is not looked at", File: proof,
			Old: "!in.Heads[i].Covers(p.mark)", New: "in.Heads[i].Token != p.mark.Token"},
		{Name: "former-owners-frames", Rule: "R16", What: "frames of former owners are taken in", File: peers,
			Old: "if f.Sender.Token != p.shown.Token {", New: "if false {"},
		{Name: "no-idle-probe", Rule: "R18", What: "an idle owner never looks at its own head", File: proof,
			Old: "if at := t.nextProbe(); at != 0 && t.now >= at {", New: "if at := t.nextProbe(); at != 0 && false {"},
		{Name: "busy-never-looks", Rule: "R18", What: "a commit counts as a look at who is the slot's master", File: take,
			Old: "case in.Err == nil:\n\t\tt.head.Mark", New: "case in.Err == nil:\n\t\tt.lookedAt = t.now\n\t\tt.head.Mark"},
		{Name: "forgotten-take-over", Rule: "R5", What: "a take-over whose pause is over happens at ticks only", File: engine,
			Old: "t.onTick()\n\tt.pump()", New: "if _, tick := in.(*Tick); tick {\n\t\tt.onTick()\n\t}\n\tt.pump()"},
	}
}

// commits breaks R7 and what surrounds it.
func commits() []Mutation {
	const batch, run = "runtime/batch.go", "runtime/run.go"
	return []Mutation{
		{Name: "same-number", Rule: "R7", What: "commits of one period have one number", File: batch,
			Old: "b.commit.Head.Number++", New: "b.commit.Head.Number = 1"},
		{Name: "early-acks", Rule: "R7", What: "appenders are answered before the commit", File: batch,
			Old: "t.inflight = b\n\tt.effects.Commit", New: "for i := range b.finished {\n\t\tt.recordDone(&b.finished[i])\n\t}\n\tb.finished = b.finished[:0]\n\tt.inflight = b\n\tt.effects.Commit"},
		{Name: "early-hops", Rule: "R7", What: "hops leave before the commit", File: batch,
			Old: "t.inflight = b\n\tt.effects.Commit", New: "for _, f := range b.frames {\n\t\tif f.To != t.config.Task {\n\t\t\tt.ship(f)\n\t\t}\n\t}\n\tb.frames = slices.DeleteFunc(b.frames, func(f *wire.Frame) bool { return f.To != t.config.Task })\n\tt.inflight = b\n\tt.effects.Commit"},
		{Name: "progress-apart", Rule: "R7", What: "the progress is committed one batch later than the data", File: batch,
			Old: "b.openBooks()\n\tt.writeProgress(b)\n\tb.addExtra()\n\tt.send(b)", New: "b.openBooks()\n\tif len(b.commit.Changes) == 0 {\n\t\tt.writeProgress(b)\n\t}\n\tb.addExtra()\n\tt.send(b)"},
		{Name: "failed-writes-stay", Rule: "design 6", What: "the writes of a failed event are not taken back", File: run,
			Old: "t.host.Out.Rollback(mark)\n\t\tview.Rollback(save)\n\t\tt.eventFailed(it, err)", New: "t.host.Out.Rollback(mark)\n\t\tview.Release(save)\n\t\tt.eventFailed(it, err)"},
		{Name: "failed-hops-stay", Rule: "design 6", What: "the hops of a failed event leave", File: run,
			Old: "t.host.Out.Rollback(mark)\n\t\tview.Rollback(save)\n\t\tt.eventFailed(it, err)", New: "_ = mark\n\t\tview.Rollback(save)\n\t\tt.eventFailed(it, err)"},
		{Name: "look-ahead-stays", Rule: "design 6", What: "what runs ahead is not taken back", File: "runtime/coroutine.go",
			Old: "t.host.Out.Rollback(mark)\n\t\tview.Rollback(save)\n\t}\n\tt.co.ahead = false", New: "t.host.Out.Rollback(mark)\n\t\tview.Release(save)\n\t}\n\tt.co.ahead = false"},
		{Name: "level-ignored", Rule: "R40", What: "what follows from a commit leaves before its durability level is reached", File: batch,
			Old: "b.commit.Level = t.options.Durability", New: "b.commit.Level = store.Applied"},
		{Name: "deletes-lost", Rule: "R7", What: "deletes are left out of commits", File: "internal/overlay/seal.go",
			Old: "w := store.Write{Field: n.field}", New: "w := store.Write{Field: n.field}\n\t\tif n.flags&present == 0 {\n\t\t\tcontinue\n\t\t}"},
	}
}

// trees breaks the tracking of event trees: R19, T30.
func trees() []Mutation {
	const trees, peers = "runtime/trees.go", "runtime/peers.go"
	return []Mutation{
		{Name: "frames-twice", Rule: "T30", What: "a frame that comes twice is taken in twice", File: peers,
			Old: "if f.Number <= p.number {", New: "if false {"},
		{Name: "same-ids", Rule: "R19", What: "the events that one event sends have one id", File: "acker/id.go",
			Old: "return mix(seed + (uint64(i)+1)*step)", New: "return mix(seed + (uint64(i)/2+1)*step)"},
		{Name: "late-acks", Rule: "R19", What: "acks of an attempt that is over count for the tree in its place", File: "acker/ledger.go",
			Old: "t.open && t.Ref.ID == ref.ID {", New: "t.open {"},
		{Name: "no-timeout", Rule: "R19", What: "a tree never times out, and a lost connection fails none", File: "runtime/engine.go",
			Old: "t.failTouching(in.Task, why, t.now)", New: "t.topology[0].options.TreeTimeout = 1e18"},
		{Name: "reversed-frame", Rule: "0.12", What: "the events of a frame run in reverse", File: "runtime/queue.go",
			Old: "q.drawn = append(q.drawn, item{frame: f, index: l.next})", New: "q.drawn = append(q.drawn, item{frame: f, index: len(f.Events) - 1 - l.next})"},
		{Name: "failure-is-done", Rule: "3.54", What: "an event that failed ends like one that did not", File: trees,
			Old: "t.treeFailed(tree, \"step \"+m.Step+\": \"+m.Text, byHandler)\n\t\t\treturn", New: ""},
	}
}

// records breaks the progress and the retry modes: R20, R22, 3.5x. Generations (R21)
// are not among them: since frames of former owners are refused (R16), no run of the
// simulator needs them; they stay as a second line.
func records() []Mutation {
	return []Mutation{
		{Name: "past-pending", Rule: "3.57", What: "the progress passes over records that are under way", File: "internal/progress/progress.go",
			Old: "first = max(first, p.Next)\n\tif first > last {", New: "first = min(max(first, p.Next), p.Next)\n\tif first > last {"},
		{Name: "done-when-begun", Rule: "3.57", What: "a record with hops is done when its tree is planted", File: "runtime/trees.go",
			Old: "tree.Data = rooted{try: it.try, began: t.root.began, opened: t.now, trace: t.host.Origin.Trace}", New: "tree.Data = rooted{try: it.try, began: t.root.began, opened: t.now, trace: t.host.Origin.Trace}\n\tit.source.progress.Finish(it.record.Offset)\n\tit.source.topology.dirty = true"},
		{Name: "no-retry", Rule: "3.54", What: "a failed record is not tried again", File: "runtime/trees.go",
			Old: "f.source.retries.Add(stream.Retry{", New: "_ = (stream.Retry{"},
		{Name: "feed-too-far", Rule: "R17", What: "a new owner reads from one record too far", File: "runtime/feed.go",
			Old: "\t*st.feed.generation++\n", New: "\torder.Offset++\n\t*st.feed.generation++\n"},
		{Name: "never-passed", Rule: "3.59", What: "a source without retries is done with a record when its tree is", File: "runtime/passed.go",
			Old: "s.pass(b.passed[i].record.Offset, false)", New: "_ = b.passed[i].record.Offset"},
		{Name: "no-rewind", Rule: "3.60", What: "a source that keeps its order tries the failed record alone", File: "runtime/rewind.go",
			Old: "s.progress.Rewind(to)\n", New: ""},
		{Name: "unproven-once", Rule: "R13", What: "a source without retries runs what its sender lost", File: "runtime/generation.go",
			Old: "return alive && t.peers[it.frame.From].shown.Covers(it.frame.Sender), alive", New: "return alive, alive"},
	}
}
