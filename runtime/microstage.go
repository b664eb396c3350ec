package runtime

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/coppice-run/coppice/internal/host"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime/microbatch"
	"github.com/coppice-run/coppice/store"
)

// stage is what an attempt writes on this task: in the slot, or on its way there.
type stage struct {
	wire.Stage
	seal wire.Seal
	// If this owner has made it: the view that it comes from, the memory that it lies in,
	// and what is put aside.
	view   *overlay.View
	memory *stageMemory
	parked []aside
	again  []*order
	ended  staged
}

// stageMemory is what the writes of a stage lie in. It is used again for that of a later
// microbatch, when the commit that applies this one is over.
type stageMemory struct {
	batch store.Batch
	arena overlay.Arena
}

// takeMemory returns empty memory for a stage.
func (m *micro) takeMemory() *stageMemory {
	spare := m.spare
	if m.spare = nil; spare == nil {
		return &stageMemory{}
	}
	spare.batch.Changes = spare.batch.Changes[:0]
	spare.arena.Reset()
	return spare
}

// loadStage reads what the slot holds.
func loadStage(seal *wire.Seal, elements []store.Element) (*stage, error) {
	chunks := make([]string, seal.Chunks)
	for _, e := range elements {
		n, err := strconv.Atoi(e.Field)
		if err != nil || n < 0 || n >= len(chunks) {
			return nil, fmt.Errorf("the stage of microbatch %d has a chunk %q, and %d by its seal", seal.ID, e.Field, len(chunks))
		}
		chunks[n] = e.Value
	}
	if i := slices.Index(chunks, ""); i >= 0 {
		return nil, fmt.Errorf("the stage of microbatch %d lacks chunk %d of %d", seal.ID, i, len(chunks))
	}
	parsed, err := wire.ParseStage(chunks)
	if err != nil {
		return nil, err
	}
	return &stage{Stage: *parsed, seal: *seal}, nil
}

// sealRun takes what the attempt has written, for the next commit.
func (t *Task) sealRun(m *micro) {
	r := m.run
	memory := m.takeMemory()
	if err := r.view.Seal(&memory.batch, &memory.arena); err != nil {
		t.halt(err) // values are checked when they are written
		return
	}
	st := &stage{Stage: wire.Stage{Changes: memory.batch.Changes, Appends: r.appends}, view: r.view, memory: memory, parked: r.parked, again: r.again, ended: r.ended}
	st.seal.ID, st.seal.Token, st.seal.Records = r.name.ID, r.name.Token, r.count
	for _, g := range r.ranges {
		if g.Parked != "" {
			continue // its source is past it
		}
		s := m.source(g.Source)
		st.seal.Ends = append(st.seal.Ends, wire.SealEnd{Source: s.plan.Name, From: g.From, To: g.To, Epoch: s.progress.Epoch})
	}
	m.stage, m.sealing = st, true
	m.leave()
}

// microsDue reports whether microbatches have something to store.
func (t *Task) microsDue() bool {
	for _, m := range t.micros.all {
		if m.store != nil || m.sealing || m.applying {
			return true
		}
	}
	return false
}

// size is what the stage takes in a commit: fields, with tables that it drops, and bytes.
func (st *stage) size() (fields, bytes int) {
	for i := range st.Changes {
		c := &st.Changes[i]
		fields += len(c.Writes)
		if c.Drop {
			fields++
		}
		for j := range c.Writes {
			bytes += len(c.Writes[j].Field) + len(c.Writes[j].Value)
		}
	}
	for i := range st.Appends {
		r := &st.Appends[i].Record
		bytes += len(r.Key) + len(r.Value)
	}
	return fields + len(st.Appends), bytes
}

// room is what a commit still may hold (R42). What is larger than that goes alone.
type room struct {
	fields, bytes int
	none          bool // nothing is in it yet
}

func (t *Task) roomIn(b *batch) room {
	r := room{fields: t.options.MaxFieldsPerBatch - t.view.Dirty(), bytes: int(t.options.MaxBytesPerBatch) - t.view.Written(), none: b.events == 0 && t.view.Dirty() == 0}
	return r
}

// take reports whether there is room, and takes it.
func (r *room) take(fields, bytes int) bool {
	if !r.none && (fields > r.fields || bytes > r.bytes) {
		return false
	}
	r.fields, r.bytes, r.none = r.fields-fields, r.bytes-bytes, false
	return true
}

// storeMicros adds to the batch that is being sealed what microbatches have to store. The
// write sets of several topologies, and of streams, are in one commit where it holds them; else
// the next one is left to microbatches, so that none waits for ever.
func (t *Task) storeMicros(b *batch) {
	left := t.roomIn(b)
	t.micros.wait = false
	for _, m := range t.micros.all {
		if m.store != nil {
			b.note(m.topology.table, store.Write{Field: wire.CurrentField, Value: string(m.store.AppendText(nil))})
			b.micros = append(b.micros, microDone{m, microStored, m.store, nil})
			m.store = nil
		}
		if !m.sealing && !m.applying {
			continue
		}
		fields, bytes := m.stage.size()
		if m.sealing {
			fields = bytes/stagedFieldBytes + 1
		}
		if !left.take(fields, bytes) {
			t.micros.wait = true
			continue
		}
		if m.sealing {
			m.sealing = false
			t.storeStage(m, b)
		}
		if m.applying {
			m.applying = false
			t.applyStage(m, b)
		}
	}
}

// stagedFieldBytes is about what a field of a stored stage holds.
const stagedFieldBytes = 64 << 10

// storeStage adds the stage and its seal (R35).
func (t *Task) storeStage(m *micro, b *batch) {
	change := store.Change{Table: wire.StageTable(t.config.Tag, m.topology.plan.Name), Drop: true}
	m.stage.seal.Chunks = m.stage.Chunks(func(field, raw string) {
		change.Writes = append(change.Writes, store.Write{Field: field, Value: raw})
	})
	b.extra = append(b.extra, change)
	b.note(m.topology.table, store.Write{Field: wire.StageField, Value: string(m.stage.seal.AppendText(nil))})
	b.micros = append(b.micros, microDone{m, microSealed, nil, nil})
}

// applyStage adds the write set, the stamp, the progress and the appends, and takes the
// stage away: one commit, so all of it is there at one instant (R38).
func (t *Task) applyStage(m *micro, b *batch) {
	st := m.stage
	b.extra = append(b.extra, st.Changes...)
	b.learn = append(b.learn, st.Changes...)
	b.extra = append(b.extra, store.Change{Table: wire.StageTable(t.config.Tag, m.topology.plan.Name), Drop: true})
	m.records += st.seal.Records
	stamp := wire.Stamp{ID: st.seal.ID, Token: st.seal.Token, Records: m.records}
	b.note(m.topology.table, store.Write{Field: wire.StampField, Value: string(stamp.AppendText(nil))})
	b.note(m.topology.table, store.Write{Field: wire.StageField, Delete: true})
	for _, end := range st.seal.Ends {
		if s := t.sourceNamed(m.topology.plan.Name, end.Source); s != nil {
			s.passMicro(end)
			t.steer(s.strand)
		}
	}
	m.topology.dirty = true
	b.emitStaged(m, st)
	b.micros = append(b.micros, microDone{m, microApplied, nil, st})
}

// emitStaged adds the appends of a microbatch to those of the batch: numbered, so that
// they leave once (R30).
func (b *batch) emitStaged(m *micro, st *stage) {
	for i := range st.Appends {
		a := &st.Appends[i]
		e := emission{topology: m.topology.plan.Name, step: a.Step, numbered: true}
		e.Append = host.Append{Depot: a.Depot, Topic: a.Topic, Partition: a.Partition, Record: a.Record, Seed: a.Seed, Unawaited: true}
		b.appends = append(b.appends, e)
		b.appendBytes += bytesOfAppend(&e.Append)
		b.numbered = true
	}
}

// passMicro takes a source past the records of a microbatch that is applied.
func (s *source) passMicro(end wire.SealEnd) {
	if from := max(end.From, s.progress.Next); end.To > from {
		s.progress.FinishRange(from, end.To-1)
	}
	s.progress.Epoch = max(s.progress.Epoch, end.Epoch)
	s.begun = max(s.begun, s.progress.Next)
	s.dropPassed()
}

// dropPassed takes the records out of the buffer that the source is past.
func (s *source) dropPassed() {
	for s.count > 0 && s.fetched[0][s.first].Offset < s.progress.Next {
		s.take()
	}
}

// noteMicroProgress adds the progress of microbatch topologies: it lies in a table with
// what else is stored of them.
func (t *Task) noteMicroProgress(b *batch) {
	for _, m := range t.micros.all {
		topo := m.topology
		if !topo.dirty {
			continue
		}
		topo.dirty, topo.finished, topo.writtenAt = false, 0, t.now
		for _, s := range topo.sources {
			s.sealed = s.progress.Next
			b.note(topo.table, store.Write{Field: s.plan.Name, Value: string(s.progress.AppendText(nil))})
		}
	}
}

// addExtra adds changes of microbatches to a commit; each table is there once.
func (b *batch) addExtra() {
	for i := range b.extra {
		c := &b.extra[i]
		at := slices.IndexFunc(b.commit.Changes, func(have store.Change) bool { return have.Table.Key == c.Table.Key })
		if at < 0 {
			b.commit.Open(c.Table)
			at = len(b.commit.Changes) - 1
		}
		into := &b.commit.Changes[at]
		into.Drop = into.Drop || c.Drop
		into.Writes = append(into.Writes, c.Writes...)
	}
}

// releaseMicros goes on with what waited for the commit.
func (t *Task) releaseMicros(b *batch) {
	for _, d := range b.micros {
		if d.what == microApplied {
			t.tellApplied(d.stage)
		}
	}
	if b.mark.Token != t.head.Token || t.phase != running {
		return // what the slot holds is read
	}
	for _, d := range b.micros {
		m := d.micro
		switch d.what {
		case microStored:
			m.coordinator.Stored(d.state)
		case microSealed:
			m.member.SealStored()
			t.tellMicro(m, microbatch.Stages, m.member.Name())
		case microApplied:
			m.member.ApplyStored()
			t.answerAgain(m.stage)
			m.applied, m.spare, m.stage = m.stage.view, m.stage.memory, nil
			t.tellMicro(m, microbatch.Stamps, m.member.Stamp())
		}
		t.noteMicro(m)
	}
}

// tellApplied counts the records of a microbatch that is applied, and tells what it has put
// aside.
func (t *Task) tellApplied(st *stage) {
	t.counts.countStage(st.seal.Records, st.ended)
	if t.listener.RecordParked != nil {
		for _, a := range st.parked {
			t.listener.RecordParked(a.info)
		}
	}
}
