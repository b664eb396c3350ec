package host

import (
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// Piece is a frame's worth of events that one event sent off and that did not find room
// in memory. It is older than what the outbox keeps for the same task.
type Piece struct {
	To     task.ID
	Frame  *wire.Frame // until whoever moves it out of memory has taken it
	Events int         // that count, from the first on
	ID     uint64      // given to it where it is kept

	mark   int // of the event that moved it out of memory
	before int // events of it that others had sent off before that one
}

// Spill takes the events of at-least-once topologies out of the outbox, for the running
// event whose Mark is given, and returns them in pieces. Acks stay.
func (o *Outbox) Spill(mark int) []*Piece {
	var fresh []*Piece
	var frames []*wire.Frame
	o.shelves[passing].each(func(f *wire.Frame) { frames = append(frames, f) })
	for _, f := range frames {
		if len(f.Events) > 0 {
			events := f.SplitEvents()
			fresh = append(fresh, &Piece{To: f.To, Frame: events, Events: len(events.Events), mark: mark})
		}
	}
	for _, f := range frames { // what is left of them
		if len(f.Acks) > 0 {
			acks := o.frame(f.To, passing)
			acks.Acks = append(acks.Acks, f.Acks...)
		}
		o.shelves[passing].pool.Put(f)
	}
	mine := o.sent[max(mark-o.base, 0):]
	tellApart(fresh, mine)
	o.pieces = append(o.pieces, fresh...)
	// What others sent off before cannot be taken back any more, by itself; what the
	// running event started besides can.
	total := o.Mark()
	kept := o.sent[:0]
	for _, s := range mine {
		if s.by != passing {
			kept = append(kept, s)
		}
	}
	o.sent, o.base = kept, total-len(kept)
	return fresh
}

// tellApart counts in each piece what others had sent off before the running event, whose
// events are given.
func tellApart(pieces []*Piece, mine []sent) {
	last := map[task.ID]int{} // events to each task that are the running event's
	for _, s := range mine {
		if s.by == passing {
			last[s.to]++
		}
	}
	for i := len(pieces) - 1; i >= 0; i-- {
		p := pieces[i]
		n := min(last[p.To], p.Events)
		last[p.To] -= n
		p.before = p.Events - n
	}
}

// rollbackPieces takes back what the event of a mark has moved out of memory.
func (o *Outbox) rollbackPieces(mark int) {
	kept := o.pieces[:0]
	for _, p := range o.pieces {
		if p.mark == mark {
			o.base -= p.Events - p.before
			p.Events = p.before
		}
		if p.Events > 0 {
			kept = append(kept, p)
		} else {
			o.Gone(p)
		}
	}
	clear(o.pieces[len(kept):])
	o.pieces = kept
}

// TakePieces returns the pieces of the batch, in the order of sending to each task.
func (o *Outbox) TakePieces() []*Piece {
	pieces := o.pieces
	o.pieces = nil
	return pieces
}
