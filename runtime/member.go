package runtime

import (
	"cmp"
	"maps"
	"slices"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/progress"
	"github.com/coppice-run/coppice/internal/wire"
)

// member is a record of a group. Key and value are not kept: it does not run again.
type member struct {
	offset  int64
	order   *order // that had it run, if it was parked
	attempt uint16
	said    int32 // place in the group's said, from 1 on; 0: nothing
}

// said is what there is to say of a record beyond that it is done.
type said struct {
	headers []depot.Header // a trace may be in them
	outcome wire.Outcome
	step    string // whose handler said so, unless done
	text    string
	returns []wire.Return // one for each ack: those that came are combined
}

// search finds the place of a record in a group; members are in the order of their
// offsets.
func (g *group) search(offset int64) (at int, ok bool) {
	if n := len(g.members); n == 0 || g.members[n-1].offset < offset {
		return n, false
	}
	return slices.BinarySearchFunc(g.members, offset, func(m member, o int64) int { return cmp.Compare(m.offset, o) })
}

// hasRecord reports whether a record is in the group for whose end someone may wait. What an
// order has run again is none: a parked record was answered when it was put aside, and a parked
// event has the offset of a record that may be another task's.
func (g *group) hasRecord(offset int64) bool {
	at, ok := g.search(offset)
	return ok && g.members[at].order == nil
}

// add takes a record into the group.
func (g *group) add(it *try) {
	at, _ := g.search(it.record.Offset)
	g.members = slices.Insert(g.members, at, member{offset: it.record.Offset, order: it.order, attempt: it.attempt})
	if len(it.record.Headers) > 0 {
		g.saidOf(at).headers = it.record.Headers
	}
	if it.order == nil {
		g.offsets = progress.AddOffset(g.offsets, it.record.Offset)
	}
}

func (g *group) saidOf(at int) *said {
	m := &g.members[at]
	if m.said == 0 {
		g.said = append(g.said, said{})
		m.said = int32(len(g.said))
	}
	return &g.said[m.said-1]
}

// hear takes what the end of an event says of its record.
func (g *group) hear(n *wire.Note) {
	at, ok := g.search(n.Offset)
	if !ok {
		return // of an order to an earlier owner
	}
	s := g.saidOf(at)
	if n.Outcome > s.outcome { // parked weighs more than rejected
		s.outcome, s.step, s.text = n.Outcome, n.Step, n.Text
	}
	for _, r := range n.Returns {
		var err error
		if s.returns, err = g.source.topology.combine(s.returns, r); err != nil && s.outcome == wire.Done {
			s.text = err.Error()
		}
	}
}

// load takes over the members that the slot holds, and what was said of them.
func (g *group) load(notes []wire.Note) {
	for _, r := range g.offsets {
		for offset := r.First; offset <= r.Last; offset++ {
			g.members = append(g.members, member{offset: offset, attempt: 1})
		}
	}
	for i := range notes {
		n := &notes[i]
		if at, ok := g.search(n.Offset); ok {
			*g.saidOf(at) = said{outcome: n.Outcome, step: n.Step, text: n.Text, returns: n.Returns}
		}
	}
}

// finished is how one of the group's records ended. The record that it names is in
// scratch.
func (g *group) finished(at int, scratch *depot.Record) finished {
	m := &g.members[at]
	*scratch = depot.Record{Offset: m.offset}
	f := finished{try: try{source: g.source, record: scratch, attempt: m.attempt, order: m.order}, combined: true, began: g.began}
	if m.said > 0 {
		s := g.saidOf(at)
		scratch.Headers = s.headers
		f.outcome, f.text, f.returns = s.outcome, s.text, s.returns
		if f.outcome == wire.Parked {
			f.text = "step " + s.step + ": " + s.text
		}
	}
	return f
}

// notes are what the slot keeps of the members.
func (g *group) notes(dst []wire.Note) []wire.Note {
	for i := range g.members {
		m := &g.members[i]
		if m.said == 0 {
			continue
		}
		if s := g.saidOf(i); s.outcome != wire.Done || s.text != "" || len(s.returns) > 0 {
			dst = append(dst, wire.Note{Offset: m.offset, Outcome: s.outcome, Step: s.step, Text: s.text, Returns: s.returns})
		}
	}
	return dst
}

// groupAt finds the group of a record that is consumed and not done; nil: it is not.
func (s *source) groupAt(offset int64) *group {
	if g := s.consumed[offset]; g != nil {
		return g
	}
	for _, g := range s.commons {
		if _, ok := g.search(offset); ok {
			return g
		}
	}
	return nil
}

func (s *source) leaveCommon(g *group) {
	if i := slices.Index(s.commons, g); i >= 0 {
		s.commons = slices.Delete(s.commons, i, i+1)
	}
}

// consumedOffsets lists the records that are consumed and not done, in their order.
func (s *source) consumedOffsets() []int64 {
	offsets := slices.Sorted(maps.Keys(s.consumed))
	for _, g := range s.commons {
		for i := range g.members {
			offsets = append(offsets, g.members[i].offset)
		}
	}
	slices.Sort(offsets)
	return offsets
}
