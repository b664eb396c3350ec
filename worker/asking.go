package worker

import (
	"maps"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
)

// ask hands a request to the engine. answered is called once, from any goroutine, and does not
// block; behind askOver it need not be called.
func (d *driver) ask(q *wire.Request, answered func(runtime.Answer)) (id uint64) {
	d.mu.Lock()
	d.waiter++
	id = d.waiter
	d.waiters[id] = answered
	deaf := d.deaf
	d.mu.Unlock()
	if deaf != "" {
		d.deliver(runtime.Answer{Waiter: id, Kind: runtime.AnswerHalted, Text: deaf})
		return id
	}
	if p := q.Parked; p != nil {
		d.send(&runtime.Parked{Order: runtime.ParkedOrder(p.Order), Topology: p.Topology, Source: p.Source, Offset: p.Offset, Step: p.Step, Event: p.Event, Value: p.Value, Waiter: id})
	} else {
		d.send(&runtime.Await{Depot: q.Await.Depot, Offset: q.Await.Offset, Waiter: id})
	}
	return id
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
	answered := d.waiters[a.Waiter]
	delete(d.waiters, a.Waiter)
	d.mu.Unlock()
	if answered != nil {
		answered(a)
	}
}

// workerStopped is why a task ends that may go on elsewhere.
const workerStopped = "the worker has stopped"

// failWaiters answers all who wait, and all who still come, when the task ends here.
func (d *driver) failWaiters(why string) {
	d.mu.Lock()
	d.deaf = why
	waiters := maps.Clone(d.waiters)
	clear(d.waiters)
	d.mu.Unlock()
	for id, answered := range waiters {
		answered(runtime.Answer{Waiter: id, Kind: runtime.AnswerHalted, Text: why})
	}
}
