package runtime

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/sender"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// A source drops the numbered appends that it has met before (R30): a task sends
// again what it does not know to be in the log. How far it has got with each sender
// stands in the slot, in the commit with its progress, and as of the same place in
// the log: a new owner that reads from there on decides as the old one did.

// senders is how far a source has got with the numbered appends of other tasks.
type senders struct {
	seen  map[task.ID]*sender.Position // as of source.seen
	base  map[task.ID]*sender.Position // as of progress.Next, when it was written last
	taken []takenAppend                // between the two, in the order of the log
}

// takenAppend is a numbered append that is processed.
type takenAppend struct {
	offset int64
	from   task.ID
	append sender.Append
	again  bool // its number was given before (R31)
}

func (s *senders) forget() { *s = senders{} }

// apply moves a position on by an append that was taken.
func (a *takenAppend) apply(p *sender.Position) {
	if a.again {
		p.Renumber(a.append)
	} else {
		p.Judge(a.append)
	}
}

// position finds or makes the position of a sender.
func position(of map[task.ID]*sender.Position, id task.ID) *sender.Position {
	p := of[id]
	if p == nil {
		p = &sender.Position{}
		of[id] = p
	}
	return p
}

// rewind goes back to an offset of the log.
func (s *senders) rewind(to int64) {
	if len(s.seen) == 0 {
		return
	}
	s.seen = map[task.ID]*sender.Position{}
	for id, p := range s.base {
		at := p.Clone()
		s.seen[id] = &at
	}
	n := 0
	for n < len(s.taken) && s.taken[n].offset < to {
		a := &s.taken[n]
		a.apply(position(s.seen, a.from))
		n++
	}
	s.taken = s.taken[:n]
}

// judge looks at a record that a task may have appended, and marks it as finished if
// it is to be dropped. It returns false if the task halts.
func (t *Task) judge(s *source, r *depot.Record) bool {
	id, numbered, err := wire.FindAppendID(r)
	if !numbered || err != nil || id.Module != t.plan.Module || int(id.Task) >= t.config.Tasks {
		return true // not ours: a record like others
	}
	if s.senders.seen == nil {
		s.senders.seen = map[task.ID]*sender.Position{}
	}
	p := position(s.senders.seen, id.Task)
	verdict := p.Judge(id.Sent())
	switch verdict {
	case sender.Take:
		s.senders.taken = append(s.senders.taken, takenAppend{r.Offset, id.Task, id.Sent(), false})
		return true
	case sender.Renumbered, sender.Missing:
		return t.tailLost(s, r, p, &id)
	}
	s.progress.FinishRange(r.Offset, r.Offset)
	s.topology.dirty = true
	if t.listener.AppendDropped != nil {
		t.listener.AppendDropped(AppendDroppedInfo{
			TaskInfo: t.info, Topology: s.topology.plan.Name, Source: s.plan.Name, Offset: r.Offset, From: id.Task, Number: id.Number, Early: verdict == sender.Early,
		})
	}
	return true
}

// AppendDroppedInfo is about the record of a numbered append that a source does not
// process: it has it, or one before it is missing, and both come once more.
type AppendDroppedInfo struct {
	TaskInfo
	Topology string
	Source   string
	Offset   int64
	From     task.ID // that appended it
	Number   uint64
	Early    bool
	// ID is what the program gave an append that came again (module.AppendID); From is
	// task.None then.
	ID string
}

// noteSenders adds to a batch how far the sources have got with the appends of other
// tasks, as of the progress that the batch writes.
func (t *Task) noteSenders(b *batch) {
	for _, topo := range t.topology {
		if !topo.dirty {
			continue
		}
		for _, s := range topo.sources {
			for _, id := range s.senders.settle(s.progress.Next) {
				t.host.Scratch = s.senders.base[id].AppendText(t.host.Scratch[:0])
				b.note(wire.SendersTable(t.config.Tag), store.Write{Field: senderField(s, id), Value: string(t.host.Scratch)})
			}
		}
	}
}

// settle moves the base up to an offset, and lists the senders that it moved for.
func (s *senders) settle(next int64) []task.ID {
	if len(s.taken) == 0 || s.taken[0].offset >= next {
		return nil
	}
	if s.base == nil {
		s.base = map[task.ID]*sender.Position{}
	}
	moved := map[task.ID]bool{}
	n := 0
	for n < len(s.taken) && s.taken[n].offset < next {
		a := &s.taken[n]
		a.apply(position(s.base, a.from))
		moved[a.from] = true
		n++
	}
	s.taken = s.taken[n:]
	return slices.Sorted(maps.Keys(moved))
}

func senderField(s *source, id task.ID) string {
	return s.topology.plan.Name + "/" + s.plan.Name + "/" + id.String()
}

// loadSenders takes over the positions that the slot holds.
func (t *Task) loadSenders(elements []store.Element) error {
	for _, e := range elements {
		p, err := sender.Parse(e.Value)
		if err != nil {
			return fmt.Errorf("stored sender %s: %w", e.Field, err)
		}
		at := strings.LastIndexByte(e.Field, '/')
		id, err := strconv.Atoi(e.Field[at+1:])
		if at < 0 || err != nil || id < 0 || id >= t.config.Tasks {
			return fmt.Errorf("stored sender %q: want topology/source/task", e.Field)
		}
		s, _, ok := t.sourceOf(e.Field)
		if !ok {
			continue // of a source that the module no longer has
		}
		if s.senders.base == nil {
			s.senders.base, s.senders.seen = map[task.ID]*sender.Position{}, map[task.ID]*sender.Position{}
		}
		seen := p.Clone()
		s.senders.base[task.ID(id)], s.senders.seen[task.ID(id)] = &p, &seen
	}
	return nil
}
