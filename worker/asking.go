package worker

import (
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
)

// ask hands a request to the engine.
func (d *driver) ask(q *wire.Request) (id uint64, answer <-chan runtime.Answer) {
	ch := make(chan runtime.Answer, 1)
	d.mu.Lock()
	d.waiter++
	id = d.waiter
	d.waiters[id] = ch
	deaf := d.deaf
	d.mu.Unlock()
	if deaf != "" {
		d.deliver(runtime.Answer{Waiter: id, Kind: runtime.AnswerHalted, Text: deaf})
		return id, ch
	}
	if p := q.Parked; p != nil {
		d.send(&runtime.Parked{Order: runtime.ParkedOrder(p.Order), Topology: p.Topology, Source: p.Source, Offset: p.Offset, Step: p.Step, Event: p.Event, Value: p.Value, Waiter: id})
	} else {
		d.send(&runtime.Await{Depot: q.Await.Depot, Offset: q.Await.Offset, Waiter: id})
	}
	return id, ch
}

// askOver says that whoever asked no longer waits. An order is carried out all the
// same.
func (d *driver) askOver(q *wire.Request, id uint64) {
	d.mu.Lock()
	delete(d.waiters, id)
	d.mu.Unlock()
	if q.Await != nil {
		d.send(&runtime.AwaitOver{Depot: q.Await.Depot, Offset: q.Await.Offset, Waiter: id})
	}
}

func (d *driver) deliver(a runtime.Answer) {
	d.mu.Lock()
	ch := d.waiters[a.Waiter]
	delete(d.waiters, a.Waiter)
	d.mu.Unlock()
	if ch != nil {
		ch <- a
	}
}

// failWaiters answers all who wait, and all who still come, when the task ends here.
func (d *driver) failWaiters(why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.deaf = why
	for id, ch := range d.waiters {
		ch <- runtime.Answer{Waiter: id, Kind: runtime.AnswerHalted, Text: why}
		delete(d.waiters, id)
	}
}
