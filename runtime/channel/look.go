package channel

import "github.com/coppice-run/coppice/internal/wire"

// Peek returns the next event to run and leaves it.
func (in *In) Peek() (p *wire.Parcel, event int, ok bool) {
	parcel, next := in.parcel, in.event
	p, event, ok = in.Draw()
	in.parcel, in.event = parcel, next
	return p, event, ok
}

// Undrawn visits the events that were taken in and not drawn, in their order.
func (in *In) Undrawn(visit func(*wire.Event)) {
	from := in.event
	for i := in.parcel; i < len(in.parcels); i++ {
		events := in.parcels[i].Frame.Events
		for n := from; n < len(events); n++ {
			visit(&events[n])
		}
		from = 0
	}
}

// Events is the number of events that were taken in and not drawn.
func (in *In) Events() int {
	n := -in.event
	for i := in.parcel; i < len(in.parcels); i++ {
		n += len(in.parcels[i].Frame.Events)
	}
	return max(n, 0)
}
