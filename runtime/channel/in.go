package channel

import (
	"fmt"

	"github.com/coppice-run/coppice/internal/wire"
)

// In is the receiving end of a channel: parcels are taken in one behind another, and
// their events applied in that order.
type In struct {
	position wire.InPosition // with what the open batch has applied
	arrived  uint64          // the last parcel taken in
	last     wire.ParcelID
	parcels  []*wire.Parcel // taken in, with events that are not applied
	parcel   int            // the next event to draw: of this one of parcels
	event    int
	bytes    int64 // of parcels
	pending  int   // events of parcels that are not applied
	passed   []*wire.Frame
}

// Load begins at a stored position.
func (in *In) Load(p wire.InPosition) { *in = In{position: p, arrived: p.Number, last: p.ID} }

// Forget drops what was taken in and is not applied: its sender has a new owner, and
// sends again what holds now (R26).
func (in *In) Forget() { in.Load(in.position) }

// Position is how far the parcels are applied.
func (in *In) Position() *wire.InPosition { return &in.position }

// Verdict says what to do with a parcel.
type Verdict uint8

// The verdicts.
const (
	Known   Verdict = iota // it was taken in before
	Next                   // it is to be taken in
	Missing                // others before it are missing
	Stray                  // its predecessor is not the one taken in last, or it is not the one that was partly applied (R27)
)

// Judge looks at a parcel that came.
func (in *In) Judge(h *wire.ParcelHead) Verdict {
	p := &in.position
	switch {
	case h.Number <= in.arrived:
		return Known
	case h.Number > in.arrived+1:
		return Missing
	case h.Before != in.last:
		return Stray
	case h.Number == p.Number+1 && p.Index > 0 && h.ID != p.PartID:
		return Stray
	case h.Number == p.AckNumber && h.ID != p.AckID:
		return Stray
	}
	return Next
}

// Put takes in a parcel that is next, and reports whether its acks are to be applied;
// they count as applied from here on.
func (in *In) Put(p *wire.Parcel) (acks bool, err error) {
	if p.Number == in.position.Number+1 && in.position.Index > len(p.Frame.Events) {
		return false, fmt.Errorf("parcel %d has %d events, and %d are applied", p.Number, len(p.Frame.Events), in.position.Index)
	}
	in.arrived, in.last = p.Number, p.ID
	acks = p.Number > in.position.AckNumber
	if acks {
		in.position.AckNumber, in.position.AckID = p.Number, p.ID
	}
	in.pending += len(p.Frame.Events)
	if len(in.parcels) == 0 {
		in.pending -= in.position.Index
		in.parcel, in.event = 0, in.position.Index
	}
	in.parcels = append(in.parcels, p)
	in.bytes += p.Frame.Bytes()
	in.pass()
	return acks, nil
}

// Draw returns the next event to run.
func (in *In) Draw() (p *wire.Parcel, event int, ok bool) {
	for in.parcel < len(in.parcels) {
		p = in.parcels[in.parcel]
		if in.event < len(p.Frame.Events) {
			in.event++
			return p, in.event - 1, true
		}
		in.parcel++
		in.event = 0
	}
	return nil, 0, false
}

// Undraw has the events that were drawn and are not applied drawn again.
func (in *In) Undraw() { in.parcel, in.event = 0, in.position.Index }

// Applied notes that the event at the position is applied.
func (in *In) Applied() {
	p := in.parcels[0]
	in.pending--
	in.position.Index++
	in.position.PartID = p.ID
	in.position.Attempt = 0
	in.pass()
}

// pass goes past the parcels whose events are all applied.
func (in *In) pass() {
	for len(in.parcels) > 0 && in.position.Index >= len(in.parcels[0].Frame.Events) {
		p := in.parcels[0]
		in.position.Number, in.position.ID = p.Number, p.ID
		in.position.Index, in.position.PartID = 0, wire.ParcelID{}
		in.bytes -= p.Frame.Bytes()
		if p.Unparsed && len(p.Frame.Events) > 0 {
			in.passed = append(in.passed, p.Frame)
		}
		in.parcels[0] = nil
		in.parcels = in.parcels[1:]
		if in.parcel > 0 {
			in.parcel--
		} else {
			in.event = 0
		}
	}
}

// TakePassed appends the frames of parcels that came opened and are passed. They may be
// used again when what their events did is committed.
func (in *In) TakePassed(frames []*wire.Frame) []*wire.Frame {
	if len(in.passed) == 0 {
		return frames
	}
	frames = append(frames, in.passed...)
	clear(in.passed)
	in.passed = in.passed[:0]
	return frames
}

// Waiting is the number of parcels with events that are not applied.
func (in *In) Waiting() int { return len(in.parcels) }

// Pending is the number of events that were taken in and are not applied.
func (in *In) Pending() int { return in.pending }

// Bytes is about how much memory they take.
func (in *In) Bytes() int64 { return in.bytes }
