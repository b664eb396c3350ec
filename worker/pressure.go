package worker

import (
	"context"
	"sync"
	"time"

	"github.com/coppice-run/coppice/runtime"
)

// How often the worker looks for what should keep sources from beginning records.
const (
	queuePeriod  = 100 * time.Millisecond
	memoryPeriod = time.Second
	memoryWarns  = 80 // percent
)

// watchPressure tells the tasks how full their servers are (R44) and how much waits
// in this worker's memory (R43). A server that does not answer holds nothing up: the tasks
// of the others are told beside it, and all of them of the queues.
func (w *Worker) watchPressure() {
	ticker := time.NewTicker(queuePeriod)
	defer ticker.Stop()
	var lookedAt time.Time
	memory := memoryWatch{w: w, warned: map[string]bool{}}
	defer memory.asking.Wait()
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-ticker.C:
		}
		queued := w.queuedBytes()
		look := time.Since(lookedAt) >= memoryPeriod
		if look {
			lookedAt = time.Now()
		}
		for _, l := range w.all() {
			l.each(func(d *driver) {
				if look {
					memory.ask(d)
				}
				d.press(queued)
				memory.tell(d)
			})
		}
	}
}

// queuedBytes is what the tasks hold for events that have not run, and the link for
// other workers.
func (w *Worker) queuedBytes() int64 {
	var sum int64
	for _, l := range w.all() {
		l.each(func(d *driver) { sum += d.queued.Load() + d.mail.bytes.Load() })
	}
	if link, ok := w.link.(interface{ QueuedBytes() int64 }); ok {
		sum += link.QueuedBytes()
	}
	return sum
}

// memoryWatch asks the servers how full they are.
type memoryWatch struct {
	w      *Worker
	asking sync.WaitGroup
	warned map[string]bool // by address
}

// ask looks how full the slot's server is, beside all else; one question of a task is under
// way at a time.
func (m *memoryWatch) ask(d *driver) {
	if !d.askingMemory.CompareAndSwap(false, true) {
		return
	}
	m.asking.Go(func() {
		defer d.askingMemory.Store(false)
		ctx, cancel := context.WithTimeout(m.w.ctx, memoryPeriod)
		defer cancel()
		memory, err := m.w.config.Store.Memory(ctx, d.slot)
		if err != nil {
			return // the slot's own line tells of it
		}
		d.memory.Store(&memory)
	})
}

// tell says so when a server fills up, and when it has room again: its tasks know it then.
func (m *memoryWatch) tell(d *driver) {
	memory := d.memory.Load()
	if memory == d.memoryTold {
		return
	}
	d.memoryTold = memory
	switch percent := memory.Percent(); {
	case percent >= memoryWarns && !m.warned[memory.Address]:
		d.log.Warn("the store's memory fills up: sources stop at store.memory.stop.percent, and a full store takes no writes at all; raise its maxmemory", "address", memory.Address, "percent", percent, "used_bytes", memory.UsedBytes, "max_bytes", memory.MaxBytes)
		m.warned[memory.Address] = true
	case percent < memoryWarns-5 && m.warned[memory.Address]:
		d.log.Info("the store's memory has room again", "address", memory.Address, "percent", percent)
		m.warned[memory.Address] = false
	}
}

// press tells the task, where that changes something.
func (d *driver) press(queued int64) {
	p := runtime.Pressure{QueueBytes: queued}
	if memory := d.memory.Load(); memory != nil {
		p.StorePercent = memory.Percent()
	}
	if most := d.loaded.options.queueBytesMax(); queued <= most && d.pressed.QueueBytes > most && queued > most/2 {
		p.QueueBytes = d.pressed.QueueBytes // open again at half
	} else if queued <= most {
		p.QueueBytes = 0
	}
	if p != d.pressed {
		d.pressed = p
		d.send(&p)
	}
}
