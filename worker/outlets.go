package worker

import (
	"sync"
	"time"

	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// outlets tells tasks when so much is on its way to another task that what comes behind
// had better wait on their disk (runtime.Outlet), and when it has gone. Nobody waits for
// anything: a task goes on with what it has to run.
type outlets struct {
	mu       sync.Mutex
	shut     map[way]func() int64 // the bytes that are on the way
	watching bool
}

// way is from a task here to any other.
type way struct {
	from *driver
	to   task.ID
}

// How much may be on the way to one place, and how often it is looked whether it has
// arrived. It opens again at half.
const (
	outletBytesMax = 8 << 20
	outletPeriod   = 5 * time.Millisecond
)

// sent looks how much is on a way when something more was sent there.
func (o *outlets) sent(from *driver, to task.ID, backlog func() int64) {
	if backlog() <= outletBytesMax {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	w := way{from, to}
	if o.shut == nil {
		o.shut = map[way]func() int64{}
	}
	if o.shut[w] == nil {
		from.send(&runtime.Outlet{To: to, Shut: true})
	}
	o.shut[w] = backlog
	if !o.watching {
		o.watching = true
		from.w.background.Go(func() { o.watch(from.w) })
	}
}

// watch opens ways again, until all are open.
func (o *outlets) watch(w *Worker) {
	for {
		pause(w.ctx, outletPeriod)
		if !o.open(w.ctx.Err() != nil) {
			return
		}
	}
}

// open opens the ways on which there is room, or all. It reports whether some are shut.
func (o *outlets) open(all bool) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	for w, backlog := range o.shut {
		if all || w.from.gone.Load() || backlog() <= outletBytesMax/2 {
			delete(o.shut, w)
			w.from.send(&runtime.Outlet{To: w.to})
		}
	}
	o.watching = len(o.shut) > 0
	return o.watching
}

// backlog is what waits in this task's mailbox.
func (d *driver) backlog() int64 {
	if d.gone.Load() {
		return 0
	}
	return d.mail.bytes.Load()
}

// backlog is what the link holds for an address.
func (w *Worker) backlog(address string) int64 {
	if link, ok := w.link.(interface{ Backlog(address string) int64 }); ok {
		return link.Backlog(address)
	}
	return 0
}
