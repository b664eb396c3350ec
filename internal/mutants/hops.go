package mutants

// hops breaks durable hops: R23 to R29. That the newest copy of a parcel counts (R26) is
// not among them: no run of the simulator has a server lose a tail in the moment between
// taking a parcel in and the commit that says so. TestTheNewestCopyOfAParcelCounts of the
// runtime has.
func hops() []Mutation {
	const hops, arrive, groups, batch, peers = "runtime/hops.go", "runtime/arrive.go", "runtime/groups.go", "runtime/batch.go", "runtime/peers.go"
	const in, out = "runtime/channel/in.go", "runtime/channel/out.go"
	all := []Mutation{
		{Name: "parcel-before-commit", Rule: "R23", What: "parcels leave before their commit", File: hops,
			Old: "\t\tb.parcels = append(b.parcels, leaves)\n", New: "\t\tb.parcels = append(b.parcels, leaves)\n\t\tif f.To != t.config.Task {\n\t\t\tt.post(f.To, p.Raw, nil)\n\t\t\tt.postMail()\n\t\t}\n"},
		{Name: "uncommitted-resent", Rule: "R23", What: "parcels are sent again before they are committed", File: out,
			Old: "return o.kept[number-o.stored.Number : o.committed-o.stored.Number]", New: "return o.kept[number-o.stored.Number:]"},
		{Name: "outbox-in-memory", Rule: "R23", What: "the outbox is kept in memory only", File: hops,
			Old: "b.note(wire.OutboxTable(t.config.Tag), store.Write{Field: parcelField(f.To, p.Number), Value: p.Raw})", New: "_ = parcelField"},
		{Name: "confirmed-early", Rule: "R25", What: "a parcel is confirmed before the commit that applies it", File: arrive,
			Old: "\tin.dirty = true\n\tt.touched()\n\tif acks {", New: "\tin.dirty = true\n\tt.touched()\n\tif in.from != t.config.Task {\n\t\tt.mailTo(in.from).Receipt = &wire.Receipt{Number: p.Number, ID: p.ID}\n\t}\n\tif acks {"},
		{Name: "position-apart", Rule: "R23", What: "the position is stored one commit later than what was applied", File: arrive,
			Old: "\t\tin.dirty = false\n\t\tposition := in.Position()", New: "\t\tif b.events > 0 {\n\t\t\tt.touched()\n\t\t\tcontinue\n\t\t}\n\t\tin.dirty = false\n\t\tposition := in.Position()"},
		{Name: "index-forgotten", Rule: "R24", What: "a new owner applies a parcel from its first event on, whatever was applied of it", File: in,
			Old: "in.parcel, in.event = 0, in.position.Index\n\t}", New: "in.parcel, in.event = 0, 0\n\t}"},
		{Name: "applied-twice", Rule: "R24", What: "a parcel that was applied is taken in again", File: in,
			Old: "case h.Number <= in.arrived:\n\t\treturn Known", New: "case h.Number < in.arrived:\n\t\treturn Known\n\tcase h.Number == in.arrived && len(in.parcels) == 0:\n\t\treturn Next"},
		{Name: "unseen-head-applied", Rule: "R25", What: "parcels are applied, and confirmations acted on, although the head that they name is not shown", File: peers,
			Old: "return f.Lasting() && !f.Lineage.Same(t.lineage) && !p.shown.Covers(f.Sender)", New: "return false"},
		{Name: "unseen-head-looked", Rule: "R25", What: "a head is looked at, and not compared", File: peers,
			Old: "\t\tif t.unshown(p, f) {\n\t\t\tt.askLost(id)\n\t\t\tt.pool.Put(f)\n\t\t\tcontinue\n\t\t}\n", New: ""},
		{Name: "receipt-unchecked", Rule: "R27", What: "what a receiver says it has applied is not compared with the outbox", File: "runtime/mail.go",
			Old: "if !out.Has(r.Number, r.ID) {", New: "if len(out.Behind(r.Number)) == 0 && len(out.Behind(r.Number-1)) == 0 {\n\t\treturn\n\t}\n\tif false {"},
		{Name: "no-chain", Rule: "R24", What: "a parcel's id is its number: neither its predecessor nor what a receiver has applied is told from another of that number", File: hops,
			Old: "Mark: task.Mark{Token: t.head.Token, Number: t.head.Number + 1}", New: "Mark: task.Mark{Token: task.Token{1}, Number: uint64(out.Next(wire.ParcelID{}).Number)}"},
		{Name: "parcel-parent-kept", Rule: "R24", What: "of a parcel that is read, the events of a record are taken for those that the record before has sent off", File: "internal/wire/parcelevent.go",
			Old: "\te.Time += p.varint()\n\tp.kin.parent = acker.Root(p.kin.stem, e.Offset)\n", New: "\te.Time += p.varint()\n\tif form == originWhole {\n\t\tp.kin.parent = acker.Root(p.kin.stem, e.Offset)\n\t}\n"},
		{Name: "groups-in-memory", Rule: "R29", What: "which records are consumed and not done is kept in memory only", File: groups,
			Old: "\t\t\tb.note(table, store.Write{Field: field, Value: t.groupText(g)})\n", New: "\t\t\t_ = t.groupText(g)\n"},
		{Name: "acks-in-memory", Rule: "R29", What: "acks of consumed records reach the slot with the group's first commit only", File: groups,
			Old: "\t\tcase !g.ended:\n", New: "\t\tcase !g.ended && !g.stored:\n"},
		{Name: "failing-passed", Rule: "R28", What: "an event that fails does not hold those behind it", File: arrive,
			Old: "\tin.Undraw()\n\tt.queue.removeOf(in)\n\toptions", New: "\tin.Applied()\n\toptions"},
		{Name: "source-apart", Rule: "R23", What: "a record is consumed one commit after its first event", File: groups,
			Old: "\t\ts.pass(f.record.Offset, false)\n\t\ts.progress.Epoch", New: "\t\tif late := f.record.Offset - 1; late >= 0 {\n\t\t\ts.pass(late, false)\n\t\t}\n\t\ts.progress.Epoch"},
		{Name: "ending-forgotten", Rule: "3.104", What: "a later owner does not know that a record was rejected", File: "runtime/endings.go",
			Old: "\tt.endings = append(t.endings, ending{", New: "\t_ = append(t.endings, ending{"},
	}
	for i := range all {
		all[i].Workloads = "exactly-once,torn"
	}
	return all
}
