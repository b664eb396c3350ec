package worker

import (
	"context"
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
// in this worker's memory (R43).
func (w *Worker) watchPressure() {
	ticker := time.NewTicker(queuePeriod)
	defer ticker.Stop()
	var lookedAt time.Time
	warned := map[string]bool{} // by address
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
					d.askMemory(w.ctx, warned)
				}
				d.press(queued)
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

// askMemory looks how full the slot's server is, and says so when it fills up.
func (d *driver) askMemory(ctx context.Context, warned map[string]bool) {
	ctx, cancel := context.WithTimeout(ctx, memoryPeriod)
	defer cancel()
	m, err := d.w.config.Store.Memory(ctx, d.slot)
	if err != nil {
		return // the slot's own line tells of it
	}
	d.storePercent = m.Percent()
	switch full := d.storePercent >= memoryWarns; {
	case full && !warned[m.Address]:
		d.log.Warn("the store's memory fills up: sources stop at store.memory.stop.percent, and a full store takes no writes at all; raise its maxmemory", "address", m.Address, "percent", d.storePercent, "used_bytes", m.UsedBytes, "max_bytes", m.MaxBytes)
		warned[m.Address] = true
	case !full && d.storePercent < memoryWarns-5 && warned[m.Address]:
		d.log.Info("the store's memory has room again", "address", m.Address, "percent", d.storePercent)
		warned[m.Address] = false
	}
}

// press tells the task, where that changes something.
func (d *driver) press(queued int64) {
	p := runtime.Pressure{StorePercent: d.storePercent, QueueBytes: queued}
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
