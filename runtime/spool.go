package runtime

import (
	"github.com/coppice-run/coppice/internal/host"
	"github.com/coppice-run/coppice/internal/wire"
)

// spool is what comes behind the frames of a lane, or waits to leave to a task, and found
// no room in memory (R43): entries of a local store that the driver keeps, in order. The
// last one may still gather in memory, so that small frames do not cost a write each.
type spool struct {
	entries []*entry
	reading bool    // the first is on its way back
	lane    *lane   // whose spool it is
	outlet  *outlet // … or this one's
}

// entry is some frames, in order, in their stored form.
type entry struct {
	id      uint64 // in the local store; 0: open for more
	raw     []byte // while it is open
	size    int64
	events  int
	whole   bool   // all events count; else only so many of the first
	home    *spool // nil: a piece of a batch that is not committed
	written bool   // the store has confirmed it
}

// entryBytesMax is what an entry gathers before it is written, and a spool at most has
// in memory beside what is on its way to the store and back.
const entryBytesMax = 256 << 10

// spills is all that is not in memory, or on its way out of it.
type spills struct {
	last    uint64 // id given to an entry, over all ownership periods
	entries map[uint64]*entry
	kept    int   // entries in spools
	events  int   // … and the events in them
	memory  int64 // bytes of entries that are not written
	disk    int64 // … of those that are
	outlets []outlet

	mark    int   // of the running event in the outbox
	writing int   // pieces that the running event waits for
	failed  error // of one of them
}

// forgetSpills forgets everything: the store is emptied with the connection.
func (t *Task) forgetSpills() {
	t.spills = spills{last: t.spills.last, entries: map[uint64]*entry{}}
	e := &t.effects
	e.Spills, e.Unspills, e.Unwanted = e.Spills[:0], e.Unspills[:0], e.Unwanted[:0]
}

// keep puts a frame of events at the end of a spool.
func (t *Task) keep(s *spool, f *wire.Frame) {
	var e *entry
	if n := len(s.entries); n > 0 && s.entries[n-1].id == 0 {
		e = s.entries[n-1]
	} else {
		e = &entry{home: s, whole: true}
	}
	raw, err := wire.AppendPacked(e.raw, f)
	if err != nil {
		t.undo(f, &SpillError{Task: t.config.Task, Err: err}) // payloads were checked when they were sent
		return
	}
	if e.raw == nil {
		s.entries = append(s.entries, e)
		t.spills.kept++
	}
	t.spills.events += len(f.Events)
	grew := int64(len(raw)) - e.size
	e.raw, e.size, e.events = raw, int64(len(raw)), e.events+len(f.Events)
	t.spills.memory += grew
	t.pool.Put(f)
	if e.size >= min(entryBytesMax, t.options.TreeBytesMax/8) {
		t.write(e)
	}
}

// write hands an entry to the store.
func (t *Task) write(e *entry) {
	t.spills.last++
	e.id = t.spills.last
	t.spills.entries[e.id] = e
	t.effects.Spills = append(t.effects.Spills, Spill{ID: e.id, Raw: e.raw})
	e.raw = nil
}

// keepPiece puts a piece of a committed batch at the end of a spool.
func (t *Task) keepPiece(s *spool, p *host.Piece) {
	e := t.spills.entries[p.ID]
	if e == nil {
		return // of a batch whose commit was in doubt: it is gone with the connection
	}
	e.home, e.whole, e.events = s, p.Events == e.events, p.Events
	s.entries = append(s.entries, e)
	t.spills.kept++
	t.spills.events += e.events
}

// unspool takes the first entry of a spool if it is in memory, and asks for it if not.
func (t *Task) unspool(s *spool) (frames []*wire.Frame, ok bool) {
	if s.reading || len(s.entries) == 0 {
		return nil, false
	}
	switch e := s.entries[0]; {
	case e.id == 0:
		t.shift(s)
		t.spills.memory -= e.size
		frames, err := t.unpack(e, e.raw)
		if err != nil {
			panic(err) // it was written here, and never left
		}
		return frames, true
	case e.written:
		s.reading = true
		t.effects.Unspills = append(t.effects.Unspills, e.id)
	}
	return nil, false
}

func (t *Task) shift(s *spool) {
	t.spills.events -= s.entries[0].events
	s.entries[0] = nil
	s.entries = s.entries[1:]
	if len(s.entries) == 0 {
		s.entries = nil
	}
	t.spills.kept--
}

// unpack reads the frames of an entry.
func (t *Task) unpack(e *entry, raw []byte) ([]*wire.Frame, error) {
	frames, err := wire.ParsePacked(raw, t.newColumn)
	if err != nil || e.whole {
		return frames, err
	}
	left := e.events
	for i, f := range frames {
		f.Events = f.Events[:min(left, len(f.Events))]
		if left -= len(f.Events); left == 0 {
			frames = frames[:i+1]
			break
		}
	}
	return frames, nil
}

func (t *Task) newColumn(step uint16) (wire.Column, error) {
	if int(step) >= len(t.steps) {
		return nil, wire.ErrMalformed
	}
	return t.steps[step].NewColumn(true), nil
}

// advance goes on with a spool of which something has become known.
func (t *Task) advance(s *spool) {
	if s.lane != nil {
		t.recall(s.lane)
	} else {
		t.drain(s.outlet)
	}
}

// onSpilled goes on when an entry is kept, or cannot be.
func (t *Task) onSpilled(in *Spilled) {
	e := t.spills.entries[in.ID]
	if e == nil {
		return
	}
	t.spills.memory -= e.size
	e.written = in.Err == nil
	if e.written {
		t.spills.disk += e.size
	}
	if t.listener.Spilled != nil {
		t.listener.Spilled(SpillInfo{TaskInfo: t.info, Events: e.events, Bytes: e.size, Err: in.Err})
	}
	if in.Err != nil {
		delete(t.spills.entries, in.ID)
	}
	switch why := (&SpillError{Task: t.config.Task, Err: in.Err}); {
	case e.home == nil:
		t.pieceKept(why)
	case in.Err != nil:
		t.giveUp(e, in.Raw, why)
	default:
		t.advance(e.home)
	}
}

// giveUp takes an entry out of its spool: what it holds will not run.
func (t *Task) giveUp(e *entry, raw []byte, why *SpillError) {
	s := e.home
	for i := range s.entries {
		if s.entries[i] == e {
			s.entries = append(s.entries[:i], s.entries[i+1:]...)
			t.spills.kept--
			t.spills.events -= e.events
			break
		}
	}
	frames, err := t.unpack(e, raw)
	if err != nil {
		t.drop(why)
		return
	}
	for _, f := range frames {
		t.undo(f, why)
	}
	t.advance(s)
}

// undo fails the records of events that are lost here: their roots are told. What was left of
// an event that had yielded is over, too.
func (t *Task) undo(f *wire.Frame, why *SpillError) {
	if t.open == nil {
		t.open = t.newBatch()
	}
	for i := range f.Events {
		e := &f.Events[i]
		if it := (item{frame: f, index: i}); t.isRest(&it) {
			t.rested(&it)
		}
		if i > 0 && f.Events[i-1].Tree == e.Tree && f.Events[i-1].Root == e.Root {
			continue // a failure says all
		}
		t.host.Out.Ack(e.Root, e.Tree, 0, 0, &wire.AckMore{Outcome: wire.Undone, Text: why.Error(), Step: t.steps[e.Step].Name})
	}
}

// onUnspilled takes back what was kept. What is lost there is lost like all that this
// task has in memory: it starts anew, and its trees fail.
func (t *Task) onUnspilled(in *Unspilled) {
	e := t.spills.entries[in.ID]
	if e == nil {
		return
	}
	delete(t.spills.entries, in.ID)
	t.spills.disk -= e.size
	s := e.home
	s.reading = false
	t.shift(s)
	frames, err := []*wire.Frame(nil), in.Err
	if err == nil {
		frames, err = t.unpack(e, in.Raw)
	}
	if err != nil {
		t.drop(&SpillError{Task: t.config.Task, Err: err})
		return
	}
	for _, f := range frames {
		if s.lane != nil {
			t.queue.push(s.lane, f)
		} else {
			t.ship(f)
		}
	}
	t.advance(s)
}

// unwanted forgets an entry.
func (t *Task) unwanted(id uint64) {
	if e, ok := t.spills.entries[id]; ok {
		delete(t.spills.entries, id)
		if e.written {
			t.spills.disk -= e.size
		}
		t.effects.Unwanted = append(t.effects.Unwanted, id)
	}
}
