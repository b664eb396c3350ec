package runtime

import (
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/internal/progress"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
)

// A record of an exactly-once topology is consumed by the commit of its first event,
// and done when all its events are. What tells the one from the other survives every
// owner (R29): the records that one batch consumed are a group, whose XOR of the
// events under way stands in the slot; acks come as part of parcels. A record that
// someone waits for is a group of its own.

// group is records that are consumed and not done.
type group struct {
	id      uint64
	source  *source
	xor     uint64
	members []member
	said    []said
	offsets []progress.Range // of the members that are no orders
	batch   uint64           // the last batch that added an event of this task's own
	common  bool             // it is that of a batch
	stored  bool             // the slot knows it
	listed  bool             // among those that the open batch has changed
	ended   bool             // nothing is under way any more
	began   int64            // when its first event did, or this owner found it in its slot
}

// groupDeadline is when those who wait for a group's records are told that they take
// long.
type groupDeadline struct {
	id uint64
	at int64
}

// openGroup gives the running root event its group: that of the batch, or one of its
// own if someone waits for the record or has ordered it.
func (t *Task) openGroup(it *try) *group {
	s := it.source
	if it.order != nil || t.waiters[recordKey{s.plan.Depot.Name, it.record.Offset}] != nil {
		return t.newGroup(s)
	}
	if s.shared == nil || s.sharedBy != t.open.seq {
		s.shared, s.sharedBy = t.newGroup(s), t.open.seq
		s.shared.common = true
	}
	return s.shared
}

func (t *Task) newGroup(s *source) *group {
	return &group{id: t.config.Random.Uint64(), source: s, began: t.root.began}
}

// joinGroup adds the record whose root event is done to its group.
func (t *Task) joinGroup(it *item) {
	h, g := t.host, t.root.group
	if t.hops.groups[g.id] == nil {
		t.hops.groups[g.id] = g
		t.watchGroup(g)
		if g.common {
			it.source.commons = append(it.source.commons, g)
		}
	}
	delta, _ := h.Delta()
	g.xor ^= delta ^ acker.EventID(g.id, h.Seed) // the root itself is done
	g.add(&it.try)
	if returns := h.Returns(); len(returns) > 0 {
		g.hear(&wire.Note{Offset: it.record.Offset, Returns: returns})
	}
	g.batch = t.open.seq
	t.changed(g)
	if it.order == nil && !g.common {
		it.source.consumed[it.record.Offset] = g
	}
	it.source.topology.owed++
	t.open.consumedRecords = append(t.open.consumedRecords, it.try)
}

func (t *Task) changed(g *group) {
	if !g.listed {
		g.listed = true
		t.hops.changed = append(t.hops.changed, g)
	}
}

// ackPile is what the open batch has to say to the groups of one task.
type ackPile struct {
	acks  []wire.GroupAck
	place map[uint64]int
	last  int // place of the group that was added to last: neighbours are often of one
}

func (p *ackPile) any() bool { return len(p.acks) > 0 }

func (p *ackPile) add(group, delta uint64, notes []wire.Note) {
	i, ok := p.last, p.last < len(p.acks) && p.acks[p.last].Group == group
	if !ok {
		i, ok = p.place[group]
	}
	if !ok {
		if p.place == nil {
			p.place = map[uint64]int{}
		}
		i = len(p.acks)
		p.place[group] = i
		p.acks = slices.Grow(p.acks, 1)[:i+1] // with the notes' memory of before
		p.acks[i].Group, p.acks[i].Delta, p.acks[i].Notes = group, 0, p.acks[i].Notes[:0]
	}
	p.last = i
	p.acks[i].Delta ^= delta
	p.acks[i].Notes = append(p.acks[i].Notes, notes...)
}

func (p *ackPile) reset() {
	for i := range p.acks {
		clear(p.acks[i].Notes)
	}
	p.acks = p.acks[:0]
	clear(p.place)
}

// ackEvent reports the end of the running event to its group, with what there is to
// say of its record.
func (t *Task) ackEvent(delta uint64, n *wire.Note) {
	var notes []wire.Note
	if n != nil {
		t.hops.note[0] = *n
		notes = t.hops.note[:]
	}
	if o := &t.host.Origin; o.Root == t.config.Task {
		t.ackGroup(o.Tree.ID, delta, notes, true)
	} else {
		t.hops.acks[o.Root].add(o.Tree.ID, delta, notes)
	}
	clear(notes)
}

// groupOf finds a group under way; nil if there is none. Neighbouring events are often of
// one.
func (t *Task) groupOf(id uint64) *group {
	if g := t.hops.latest; g != nil && g.id == id && !g.ended {
		return g
	}
	g := t.hops.groups[id]
	t.hops.latest = g
	return g
}

// ackGroup books ended events; own are those of the open batch, the others are
// committed where they ran.
func (t *Task) ackGroup(id, delta uint64, notes []wire.Note, own bool) {
	g := t.groupOf(id)
	if g == nil {
		if t.listener.Strayed != nil {
			t.listener.Strayed(StrayedInfo{TaskInfo: t.info, Group: id})
		}
		return
	}
	g.xor ^= delta
	for i := range notes {
		g.hear(&notes[i])
	}
	if own {
		g.batch = t.open.seq
	}
	t.changed(g)
	t.touched()
	if g.xor == 0 {
		t.groupEnded(g)
	}
}

// groupEnded has the records of a group done: at once if all that ended it is
// committed, else with the batch that holds the rest.
func (t *Task) groupEnded(g *group) {
	g.ended = true
	delete(t.hops.groups, g.id)
	topo := g.source.topology
	topo.executing -= len(g.members)
	topo.owed -= len(g.members)
	topo.finished += len(g.members)
	for i := range g.members {
		f := g.finished(i, &t.hops.record)
		t.noteEnding(&f)
	}
	switch {
	case g.batch <= t.released:
		t.groupDone(g)
	case t.inflight != nil && t.inflight.seq == g.batch:
		t.inflight.completed = append(t.inflight.completed, g)
	default:
		t.open.completed = append(t.open.completed, g)
	}
}

// groupDone tells the world.
func (t *Task) groupDone(g *group) {
	if g.common {
		g.source.leaveCommon(g)
	}
	for i := range g.members {
		f := g.finished(i, &t.hops.record)
		if f.order == nil && g.source.consumed[f.record.Offset] == g {
			delete(g.source.consumed, f.record.Offset)
		}
		t.recordDone(&f)
	}
}

// consumeRecords marks the records whose root events the batch holds as consumed, in its own
// commit: they never run again.
func (t *Task) consumeRecords(b *batch) {
	for i := range b.consumedRecords {
		f := &b.consumedRecords[i]
		s := f.source
		if f.order != nil {
			t.unpark(f.order)
			continue
		}
		s.pass(f.record.Offset, false)
		s.progress.Epoch = max(s.progress.Epoch, f.record.LeaderEpoch)
		t.forgetAttempts(f, b)
		delete(s.pending, f.record.Offset)
		s.topology.dirty = true
	}
}

// storeGroups adds the groups that the batch has changed to it.
func (t *Task) storeGroups(b *batch) {
	table := wire.GroupsTable(t.config.Tag)
	for _, g := range t.hops.changed {
		g.listed = false
		field := wire.GroupField(g.id)
		switch {
		case g.ended && g.stored:
			b.note(table, store.Write{Field: field, Delete: true})
		case !g.ended:
			b.note(table, store.Write{Field: field, Value: t.groupText(g)})
			g.stored = true
		}
	}
	clear(t.hops.changed)
	t.hops.changed = t.hops.changed[:0]
}

func (t *Task) groupText(g *group) string {
	t.hops.notes = g.notes(t.hops.notes[:0])
	stored := wire.Group{Topology: g.source.topology.plan.Name, Source: g.source.plan.Name, Xor: g.xor, Offsets: g.offsets, Notes: t.hops.notes}
	t.host.Scratch = stored.AppendText(t.host.Scratch[:0])
	clear(t.hops.notes)
	return string(t.host.Scratch)
}

// loadGroups takes over the records that are consumed and not done.
func (t *Task) loadGroups(elements []store.Element) error {
	for _, e := range elements {
		id, err := wire.ParseGroupField(e.Field)
		if err != nil {
			return err
		}
		stored, err := wire.ParseGroup(e.Value)
		if err != nil {
			return err
		}
		s := t.sourceFor(stored.Topology, stored.Source)
		if s == nil || !s.topology.plan.ExactlyOnce {
			return fmt.Errorf("group %s: %w", e.Field, &wire.UnknownStepError{Source: stored.Topology + "/" + stored.Source})
		}
		g := &group{id: id, source: s, xor: stored.Xor, offsets: stored.Offsets, stored: true, began: t.now}
		g.load(stored.Notes)
		for i := range g.members {
			s.consumed[g.members[i].offset] = g
		}
		s.topology.executing += len(g.members)
		s.topology.owed += len(g.members)
		t.hops.groups[id] = g
		t.watchGroup(g)
	}
	return nil
}

func (t *Task) sourceNamed(topology, source string) *source {
	for _, topo := range t.topology {
		for _, s := range topo.sources {
			if topo.plan.Name == topology && s.plan.Name == source {
				return s
			}
		}
	}
	return nil
}

// watchGroup has those who wait for the group told when it takes long.
func (t *Task) watchGroup(g *group) {
	topo := g.source.topology
	topo.groupDeadlines = append(topo.groupDeadlines, groupDeadline{g.id, t.now + int64(topo.options.TreeTimeout)})
}

// expireGroups tells those who wait for records that take longer than the topology's
// timeout that nobody knows the outcome yet. The work goes on (R29).
func (t *Task) expireGroups(topo *topology) {
	for len(topo.groupDeadlines) > 0 && topo.groupDeadlines[0].at <= t.now {
		due := topo.groupDeadlines[0]
		topo.groupDeadlines = topo.groupDeadlines[1:]
		g := t.hops.groups[due.id]
		if g == nil {
			continue
		}
		for i := range g.members {
			if m := &g.members[i]; m.order == nil {
				t.answerLate(g, m.offset)
			}
		}
		t.watchGroup(g)
	}
}

func (t *Task) answerLate(g *group, offset int64) {
	for _, waiter := range t.takeWaiters(recordKey{g.source.plan.Depot.Name, offset}) {
		t.effects.Answers = append(t.effects.Answers, Answer{
			Waiter: waiter, Kind: AnswerUnknown, Topology: g.source.topology.plan.Name,
			Text: "not done within " + g.source.topology.options.TreeTimeout.String() + "; it goes on, and Await asks again",
		})
	}
}

// nextGroupDeadline is when the next of them is due.
func (t *Task) nextGroupDeadline(topo *topology) int64 {
	n := 0
	for n < len(topo.groupDeadlines) && t.hops.groups[topo.groupDeadlines[n].id] == nil {
		n++
	}
	topo.groupDeadlines = topo.groupDeadlines[n:]
	if len(topo.groupDeadlines) == 0 {
		topo.groupDeadlines = nil
		return 0
	}
	return topo.groupDeadlines[0].at
}
