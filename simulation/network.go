package simulation

import (
	"fmt"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// link is the connection from one process to another.
type link struct{ from, to int }

// line is the state of a link.
type line struct {
	arrival int64  // of the last frame: they stay in order
	epoch   uint64 // counts its breaks
}

func (w *world) line(from, to *owner) *line {
	l := w.lines[link{from.number, to.number}]
	if l == nil {
		l = &line{}
		w.lines[link{from.number, to.number}] = l
	}
	return l
}

// ship sends a frame to whoever is known to own the task.
func (w *world) ship(from *owner, f *wire.Frame) {
	to := w.owners[f.To]
	if to == nil {
		return // nobody listens there yet
	}
	raw, err := f.Append(nil)
	if err != nil {
		w.violate("%v: frame does not encode: %v", from, err)
		return
	}
	w.checkOpened(from, f)
	w.sendIf(from, to, raw, func() bool { return true }, f)
	if w.faulty(DoubleFrame) {
		// Within one period of the receiver: a transport delivers at most once, and the
		// engine's own numbers are a second line behind it (T30).
		period := to.periods
		w.after(w.between(0, 50*millisecond), func() {
			w.sendIf(from, to, raw, func() bool { return to.periods == period && to.runs }, nil)
		})
	}
	if w.config.Plant == DoubleFrames && w.chance(50) {
		f.Number++
		if again, err := f.Append(nil); err == nil {
			w.send(from, to, again)
		}
	}
}

func (w *world) send(from, to *owner, raw []byte) {
	w.sendIf(from, to, raw, func() bool { return true }, nil)
}

// checkOpened holds parcels that go along opened, as within one process, against what is
// stored of them.
func (w *world) checkOpened(from *owner, f *wire.Frame) {
	for i, p := range f.Opened {
		if p == nil {
			continue
		}
		raw, events, acks, err := wire.NewPacker(f.Words).Pack(nil, p.ParcelHead, p.Frame, 0, p.Acks, 0)
		if err != nil || events != len(p.Frame.Events) || acks != len(p.Acks) || string(raw) != f.Parcels[i] || p.Frame.From != f.From || p.Frame.To != f.To {
			w.violate("%v sent parcel %d to task %d opened, and it is not what is stored: %v", from, p.Number, f.To, err)
		}
	}
}

// inProcess reports whether tasks are as in one process, in every other run: values stay
// as they are until they are stored, and parcels come opened.
func (w *world) inProcess() bool { return w.config.Seed%2 == 1 }

// sendIf sends what is delivered only if a condition holds then.
func (w *world) sendIf(from, to *owner, raw []byte, deliver func() bool, inProcess *wire.Frame) {
	l := w.line(from, to)
	l.arrival = max(l.arrival, w.now+w.between(20*microsecond, 4*millisecond))
	epoch := l.epoch
	w.at(l.arrival, func() {
		if l.epoch != epoch || !to.alive || !deliver() {
			return // lost with the connection
		}
		f, err := wire.ParseFrame(raw, w.newColumn)
		if err != nil {
			w.violate("frame from task %d to task %d does not parse: %v", from.id, to.id, err)
			return
		}
		if inProcess != nil && w.inProcess() {
			f.Opened, f.Words = inProcess.Opened, inProcess.Words
		}
		to.step(&runtime.FrameIn{Frame: f})
	})
}

func (w *world) newColumn(step uint16) (wire.Column, error) {
	if int(step) >= len(w.steps) {
		return nil, fmt.Errorf("no step %d", step)
	}
	return w.steps[step].NewColumn(true), nil
}

// breakLines breaks the connections of a process with all others, or with one.
func (w *world) breakLines(o, only *owner) {
	for _, other := range w.everyone {
		if other == o || only != nil && other != only {
			continue
		}
		w.line(o, other).epoch++
		w.line(other, o).epoch++
		w.tellLost(other, o.id)
		w.tellLost(o, other.id)
	}
}

// drainLines has all others hear of a process's end behind what it has sent.
func (w *world) drainLines(o *owner) {
	for _, other := range w.everyone {
		if other == o || !other.alive {
			continue
		}
		w.line(other, o).epoch++
		w.at(max(w.now, w.line(o, other).arrival), func() { w.tellLost(other, o.id) })
	}
}

// tellLost has a process hear, before anything that comes later, that frames
// from and to a task may be lost.
func (w *world) tellLost(o *owner, of task.ID) {
	if !o.alive || o.id == of {
		return
	}
	w.after(w.between(0, 5*millisecond), func() { o.step(&runtime.PeerLost{Task: of}) })
}
