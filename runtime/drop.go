package runtime

import (
	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/internal/host"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/runtime/stream"
	"github.com/coppice-run/coppice/task"
)

// drop gives up the connection and everything in memory that rests on it (R10,
// R19), and tries to take the slot anew, unless the task is to stop.
func (t *Task) drop(cause error) {
	t.counts.Drops++
	if t.listener.Dropped != nil {
		t.listener.Dropped(DroppedInfo{TaskInfo: t.info, Cause: cause})
	}
	t.dropPassed(cause)
	t.stopFeeds() // while it is known what is read
	t.forget()
	t.effects.stop() // what this step has asked of the connection is over with it
	t.effects.Drop = true
	if !t.nominated {
		t.stop()
		return
	}
	t.phase = taking
	t.want()
	t.tries++
	t.retakeAt = t.now + stream.Backoff(uint16(min(t.tries+1, 30)), retakePause, retakePauseMax, t.config.Random.Float64())
}

func (t *Task) stop() {
	t.phase = idle
	t.tenure.asked = 0
	t.doubt = nil
	if t.objects == objectsOpen {
		t.objects, t.host.Objects = objectsClosed, nil
	}
	t.effects.Stopped = true
}

// forget empties the memory.
func (t *Task) forget() {
	t.co.stop()
	t.began = beganRecord{}
	t.view = overlay.New(t.config.Tag, len(t.plan.PStates)+1) // and the parked records
	t.view.Tasks, t.view.Sole = t.config.Tasks, true
	t.view.Suspend = t.suspend
	if len(t.micros.all) > 0 {
		t.view.Learns()
	}
	t.view.Accesses = &t.accesses
	t.host.View = t.view
	t.host.Out = nil
	t.ledger = acker.NewLedger[rooted](t.config.Random.Uint64())
	t.queue = queue{}
	t.forgetSpills()
	t.emissions.forget()
	t.open, t.inflight, t.held = nil, nil, nil
	t.reading, t.asked, t.looking, t.holding = false, false, notLooking, 0
	t.own, t.doom = notLooking, nil
	t.unproven, t.proving = nil, nil
	t.endings = nil
	t.calls.forget()
	t.root, t.busy = rootEvent{}, nil
	if t.exact {
		t.hops.forget(t.config.Tasks)
	}
	t.pool = host.Pool{}
	for _, o := range t.orders {
		o.begun, o.waits = false, nil // what became of it is unknown; it is looked up again
		o.gone = false
	}
	t.numbers = make([]uint64, t.config.Tasks)
	t.peers = make([]peer, t.config.Tasks)
	t.generations = map[generationKey]task.Mark{}
	for _, topo := range t.topology {
		topo.executing, topo.owed, topo.limited, topo.dirty, topo.finished = 0, 0, false, false, 0
		topo.deadlines, topo.groupDeadlines = nil, nil
		for _, s := range topo.sources {
			s.forget()
		}
	}
	for _, f := range t.allFeeds() {
		f.forget()
	}
	t.micros.forget(t.config.Tasks)
}
