package mutants

// micros breaks the rules of microbatches, R32 to R39.
func micros() []Mutation {
	const coordinator, seal, fail = "runtime/microbatch/coordinator.go", "runtime/microbatch/seal.go", "runtime/microbatch/fail.go"
	const mail, run, stage = "runtime/micromail.go", "runtime/microrun.go", "runtime/microstage.go"
	all := []Mutation{
		{Name: "decision-before-staging", Rule: "R35", What: "a microbatch is decided when its events are over, before anything of it is staged", File: coordinator,
			Old: "\t\treturn\n\t}\n\tc.enter(Staging)", New: "\t\treturn\n\t}\n\tc.state.Decided, c.store = true, true\n\tc.enter(Deciding)"},
		{Name: "seals-not-verified", Rule: "R36", What: "a seal counts that the coordinator's connection has not shown", File: seal,
			Old: "m.staged, m.mark, m.shown = true, mark, shown", New: "m.staged, m.mark, m.shown = true, mark, true"},
		{Name: "owners-not-compared", Rule: "R34", What: "acks and seals of another owner than the one that joined count", File: fail,
			Old: "if c.members[id].owner == owner {", New: "if c.members[id].owner == owner || true {"},
		{Name: "attempts-unnamed", Rule: "R32", What: "all attempts at a microbatch have one name", File: coordinator,
			Old: "s.Token = c.config.NewToken()", New: "s.Token = task.Token{1, byte(s.ID)}"},
		{Name: "decision-told-early", Rule: "R37", What: "tasks hear of a decision that is not stored yet", File: seal,
			Old: "c.state.Blames = parked(c.state.Blames)\n\t\tc.enter(Deciding)", New: "c.state.Blames = parked(c.state.Blames)\n\t\tc.enter(Applying)"},
		{Name: "decision-not-seen", Rule: "R38", What: "a task applies what it was told, without having seen the decision", File: mail,
			Old: "\tcase microbatch.Prove:\n\t\tif shown {", New: "\tcase microbatch.Prove:\n\t\tif true {"},
		{Name: "evidence-ignored", Rule: "R39", What: "a stamp of an undecided microbatch is not taken for its decision", File: seal,
			Old: "\tcase c.phase == Joining:\n\t\tc.decided(stamp)\n", New: "", Workloads: "micro-torn"},
		{Name: "stage-in-memory", Rule: "R35", What: "the stage is kept in memory, and only its seal in the slot", File: stage,
			Old: "change.Writes = append(change.Writes, store.Write{Field: field, Value: raw})", New: "_, _ = field, raw"},
		{Name: "stage-trimmed-early", Rule: "R39", What: "the stage is taken away as soon as it is sealed", File: stage,
			Old: "b.extra = append(b.extra, change)\n", New: "change.Writes = change.Writes[:0]\n\tb.extra = append(b.extra, change)\n"},
		{Name: "stamp-not-stored", Rule: "R38", What: "the write set is stored without its stamp", File: stage,
			Old: "\tb.note(m.topology.table, store.Write{Field: wire.StampField, Value: string(stamp.AppendText(nil))})\n", New: "\t_ = stamp\n"},
		{Name: "micro-progress-apart", Rule: "R38", What: "how far the sources are is not stored with the write set", File: stage,
			Old: "\tm.topology.dirty = true\n\tb.emitStaged(m, st)", New: "\tb.emitStaged(m, st)"},
		{Name: "attempts-mixed", Rule: "R34", What: "events of an earlier attempt run in the present one", File: run,
			Old: "e.Generation == nil || *e.Generation != *m.run.mark {", New: "e.Generation == nil || e.Generation.Number != m.run.mark.Number {"},
		{Name: "overlay-kept", Rule: "R33", What: "an attempt begins over what the one before has written", File: run,
			Old: "\t\tm.run.over = true\n\t\tm.run = nil\n\t}\n}\n\n// newRun begins a task's part, with an empty overlay.\nfunc (t *Task) newRun(m *micro) *run {\n\tr := &run{micro: m, name: m.member.Name(), view: t.runView(m)}\n",
			New: "\t\tm.run.over = true\n\t}\n}\n\n// newRun begins a task's part, with an empty overlay.\nfunc (t *Task) newRun(m *micro) *run {\n\tr := &run{micro: m, name: m.member.Name(), view: t.runView(m)}\n\tif m.run != nil && m.run.name.ID == r.name.ID {\n\t\tr.view = m.run.view\n\t}\n"},
		{Name: "loss-untold", Rule: "R34", What: "nobody hears that events of a microbatch may be lost: it waits for its timeout", File: mail, Test: "./runtime TestALostEventFailsItsMicrobatch",
			Old: "for _, m := range t.micros.all {\n\t\tif m.coordinator != nil {\n\t\t\tm.coordinator.Lost(why)", New: "for _, m := range t.micros.all[:0] {\n\t\tif m.coordinator != nil {\n\t\t\tm.coordinator.Lost(why)"},
		{Name: "streams-not-told", Rule: "3x.05", What: "streams go on reading what was there before a microbatch was applied", File: "runtime/batch.go",
			Old: "\tt.view.Learn(b.learn)\n", New: ""},
	}
	all = append(all,
		Mutation{Name: "appends-with-the-stage", Rule: "R30", What: "appends of a microbatch leave when it is staged, before it is decided", File: stage, Workloads: "micro-emit",
			Old: "b.micros = append(b.micros, microDone{m, microSealed, nil, nil})", New: "b.micros = append(b.micros, microDone{m, microSealed, nil, nil})\n\tb.emitStaged(m, m.stage)\n\tm.stage.Appends = nil"},
		Mutation{Name: "passed-unread", Rule: "R30", What: "a new owner goes past records that it has not read, and misses which appends they are", File: mail, Workloads: "micro-emit",
			Old: "|| !t.fetchedTo(m, m.stage.seal.Ends) {", New: "|| !t.fetchedTo(m, nil) {"},
		Mutation{Name: "appends-unstaged", Rule: "R35", What: "appends are kept in memory, and not in the stage", File: run, Workloads: "micro-emit",
			Old: "\t\tr.appends = append(r.appends, wire.StagedAppend{", New: "\t\tr.appends = append(r.appends[:0], wire.StagedAppend{"},
		Mutation{Name: "dropped-kept", Rule: "R30", What: "records that are dropped stay in the buffer: when it is full of them nothing more is read", File: "runtime/source.go", Workloads: "micro-emit",
			Old: "\tif s.topology.micro != nil {\n\t\ts.dropPassed()\n\t}\n", New: ""},
		Mutation{Name: "parked-in-between", Rule: "R34", What: "a record is put aside while an event waits in the middle of the attempt's view", File: "runtime/microrun.go", Workloads: "micro-again",
			Old: "t.command(r, &order{part: r, found: p, again: k.Reason})", New: "t.parkStaged(r, p, nil)"},
		Mutation{Name: "parked-stays", Rule: "R34", What: "a parked record that runs again stays among the parked ones", File: "runtime/microagain.go", Workloads: "micro-again",
			Old: "\t\tt.unparkStaged(r, p)\n\t\tr.records", New: "\t\tr.records"},
		Mutation{Name: "parked-leaves-early", Rule: "R38", What: "a parked event that runs again leaves the parked ones before its microbatch is decided", File: "runtime/microagain.go", Workloads: "micro-again",
			Old: "\tt.unparkStaged(r, p)\n\tcolumn", New: "\tt.unpark(&order{Parked: Parked{Topology: p.Topology, Source: p.Source, Offset: p.Offset, Step: p.Step, Event: p.Event}})\n\tcolumn"},
		Mutation{Name: "again-unnumbered", Rule: "R34", What: "a failure of what runs again counts for the record of its task at the same offset", File: "internal/wire/micro.go", Test: "./runtime TestWhatRunsAgainIsNoRecord",
			Old: "uint32(of)&(1<<16-1) | uint32(again)<<16 }", New: "uint32(of)&(1<<16-1) | uint32(again)&0 }"},
		Mutation{Name: "gone-back-unseen", Rule: "R39", What: "a task's slot that has gone back is not noticed while the topology is idle", File: fail, Workloads: "micro-torn", Seeds: 8_000,
			Old: "\t\tif !c.state.IsZero() {\n\t\t\tc.enter(Applying)\n\t\t}\n", New: ""},
		Mutation{Name: "alarm-unproven", Rule: "R27", What: "a task halts for a decision that it was told of and has not seen", File: mail,
			Old: "\tcase microbatch.Missing:\n\t\tif !shown {", New: "\tcase microbatch.Missing:\n\t\tif false {"},
		Mutation{Name: "records-lost", Rule: "R34", What: "a task tells that its records have run when the first of them has", File: run,
			Old: "func (r *run) rest(t *Task) {\n\tif r.left == 0 {", New: "func (r *run) rest(t *Task) {\n\tif r.left == 0 && len(r.records) < 2 || r.left == len(r.records)-1 {"},
	)
	const transactor, snapshots = "simulation/transactor.go", "simulation/microbatch.go" // what drives the engine, and reads beside it
	all = append(all,
		Mutation{Name: "position-before-fence", Rule: "R30", What: "a new owner asks for the position of the last transaction, and fences off who writes them after that", File: transactor, Workloads: "micro-emit,emit-once",
			Old: "\t\tstate.epoch++\n\t\tepoch := state.epoch\n",
			New: "\t\tbefore := bytes.Clone(state.position)\n\t\tif !w.faulty(LostAppend) {\n\t\t\tw.after(w.between(100*microsecond, 5*millisecond), func() {\n\t\t\t\tstate.epoch++\n\t\t\t\to.epoch = state.epoch\n\t\t\t\to.step(&runtime.TopicsOpened{Round: round, Position: before})\n\t\t\t})\n\t\t\treturn\n\t\t}\n\t\tepoch := state.epoch\n"},
		Mutation{Name: "stages-not-laid", Rule: "18.04", What: "a snapshot shows tasks that have not applied the latest microbatch as they are, without their stages", File: snapshots, Workloads: "microbatch",
			Old: "\t\t\tif snap.laid[id], err = s.lay(id, topology, at); err != nil {\n", New: "\t\t\tif _, err = s.lay(id, topology, at); err != nil {\n"},
		Mutation{Name: "snapshot-mixes-ids", Rule: "18.04", What: "a client's snapshot shows tasks that have gone on at a later microbatch", File: "client/microbatch.go", Test: "./client TestASnapshotIsOfOneMicrobatch",
			Old: "case stamp.ID > s.at.ID, stamp.ID == s.at.ID && stamp.Token != s.at.Token:", New: "case stamp.ID == s.at.ID && stamp.Token != s.at.Token:"},
		Mutation{Name: "snapshot-mixes-attempts", Rule: "18.04", What: "a client's snapshot shows another attempt at its microbatch", File: "client/microbatch.go", Test: "./client TestASnapshotIsOfOneMicrobatch",
			Old: "case stamp.ID > s.at.ID, stamp.ID == s.at.ID && stamp.Token != s.at.Token:", New: "case stamp.ID > s.at.ID:"},
	)
	const memory, batch = "internal/host/memory.go", "module/batch.go"
	all = append(all,
		Mutation{Name: "no-barrier-in-blocks", Rule: "R34", What: "results are given out in the round in which the parts are sent: some have not come", File: batch, Workloads: "batch",
			Old: "\t\tb.round(\"parts\", all(b.ships))\n\t}\n\tif len(b.yields) > 0 {", New: "\t\tb.round(\"parts\", all(append(b.ships, b.yields...)))\n\t} else if len(b.yields) > 0 {"},
		Mutation{Name: "memory-kept", Rule: "R33", What: "an attempt begins with what batch blocks kept in the one before", File: run, Workloads: "batch",
			Old: "\t\tm.run.over = true\n\t\tm.run = nil\n\t}\n}\n\n// newRun begins a task's part, with an empty overlay.\nfunc (t *Task) newRun(m *micro) *run {\n\tr := &run{micro: m, name: m.member.Name(), view: t.runView(m)}\n",
			New: "\t\tm.run.over = true\n\t}\n}\n\n// newRun begins a task's part, with an empty overlay.\nfunc (t *Task) newRun(m *micro) *run {\n\tr := &run{micro: m, name: m.member.Name(), view: t.runView(m)}\n\tif m.run != nil && m.run.name.ID == r.name.ID {\n\t\tr.memory = m.run.memory\n\t}\n"},
		Mutation{Name: "rows-of-failed-events", Rule: "R34", What: "rows are added at once, also by events that fail or only run ahead", File: memory, Workloads: "batch",
			Old: "e.kept = append(e.kept, change)", New: "change()"},
		Mutation{Name: "full-parts-stay", Rule: "R34", What: "a part that has left before the block was closed is sent once more with it", File: "module/groupby.go", Workloads: "batch",
			Old: "\t\t\t\th.Keep(func() { cell(h).parts.drop(k) })\n", New: ""},
		Mutation{Name: "last-round-left-out", Rule: "R35", What: "the stage is asked for when the last round begins", File: coordinator, Workloads: "batch",
			Old: "\tif c.round < c.config.Rounds {\n\t\tc.begins(c.round + 1)\n\t\treturn\n\t}\n", New: "\tif c.round < c.config.Rounds {\n\t\tif c.begins(c.round + 1); c.round < c.config.Rounds {\n\t\t\treturn\n\t\t}\n\t}\n"},
		Mutation{Name: "temporary-kept", Rule: "13.14", What: "a temporary PState holds what the microbatch before has left", File: "internal/overlay/learn.go", Workloads: "batch",
			Old: "(t.path.Decl.Owner != owner || t.light)", New: "t.path.Decl.Owner != owner"},
	)
	for i := range all {
		if all[i].Workloads == "" && all[i].Test == "" {
			all[i].Workloads = "microbatch"
		}
	}
	return all
}
