package wire

import "github.com/coppice-run/coppice/acker"

// Version 1 of a parcel wrote each seed, and each origin that was not all that of the
// event before. It is read, and not written any more.

// eventBytesMinOld are the least bytes of an event of version 1.
const eventBytesMinOld = 11

// old reads an event of version 1 without its payload.
func (p *parcelEvents) old(before *Event) Event {
	e := Event{Step: p.step(), Seed: p.fixed()}
	flags := p.byte()
	switch {
	case flags == sameOrigin && before != nil && before.Step == e.Step:
		e.Origin = before.Origin
		return e
	case flags&^tracedEvent != 0:
		p.fail("event flags %d", flags)
	}
	if flags&tracedEvent != 0 {
		e.Trace = &Trace{Parent: p.text(), State: p.text()}
	}
	e.Tree = acker.Ref{ID: p.fixed()}
	e.Root = p.task()
	p.kin.source = p.uvarint()
	e.Source = p.source(e.Step)
	e.Offset, e.Time = p.varint(), p.varint()
	return e
}
