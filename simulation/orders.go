package simulation

import (
	"github.com/coppice-run/coppice/runtime"
)

// given is an order about a parked record that a person gave to an owner.
type given struct {
	to     *owner
	order  runtime.Parked
	answer *runtime.Answer
}

// orderParked has a person decide about some parked records, of workloads that know
// of it: try again, or drop it.
func (w *world) orderParked(o *owner, i *runtime.RecordInfo) {
	if c, ok := w.workload.(interface{ ordering() bool }); !ok || !c.ordering() || !w.chance(500) {
		return
	}
	order := runtime.Parked{Order: runtime.ParkedRetry, Topology: i.Topology, Source: i.Source, Offset: i.Offset}
	if w.chance(300) {
		order.Order = runtime.ParkedSkip
	}
	w.after(w.between(millisecond, 400*millisecond), func() { w.give(w.owners[o.id], order) })
}

func (w *world) give(o *owner, order runtime.Parked) {
	w.waiter++
	order.Waiter = w.waiter
	w.orders = append(w.orders, &given{to: o, order: order})
	w.tracef("%v is to carry out order %d about the parked record at offset %d", o, order.Order, order.Offset)
	o.step(&order)
}

// orderAnswered takes the answer to an order.
func (w *world) orderAnswered(o *owner, a runtime.Answer) {
	for _, g := range w.orders {
		if g.to != o || g.order.Waiter != a.Waiter {
			continue
		}
		if g.answer != nil {
			w.violate("%v answered order %d about the parked record at offset %d twice", o, g.order.Order, g.order.Offset)
		}
		w.tracef("order %d about the parked record at offset %d: answer %d %s", g.order.Order, g.order.Offset, a.Kind, a.Text)
		g.answer = &a
	}
}

// checkOrders: an owner that still has its task has carried out, or refused, what it was
// told, whatever became of its connection meanwhile.
func (w *world) checkOrders() {
	for _, g := range w.orders {
		if g.answer == nil && g.to.alive && w.owners[g.to.id] == g.to {
			w.violate("%v never answered order %d about the parked record at offset %d", g.to, g.order.Order, g.order.Offset)
			return
		}
	}
}
