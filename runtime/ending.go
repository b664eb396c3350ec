package runtime

import (
	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/internal/host"
	"github.com/coppice-run/coppice/internal/wire"
)

// eventDone books a finished event.
func (t *Task) eventDone(it *item) {
	if it.part != nil {
		t.microEventDone(it)
		return
	}
	h := t.host
	said := t.collect(it)
	if it.inbox != nil {
		t.inboxEventDone(it)
		return
	}
	if it.lastingCall() {
		delta, _ := h.Delta()
		t.callEnded(it.outside, delta, t.returnNote())
		return
	}
	if it.outside != nil {
		delete(t.calls.all, it.outside.id)
	}
	if it.source == nil {
		delta, touched := h.Delta()
		t.host.Out.Ack(h.Origin.Root, h.Origin.Tree, delta, touched, returned(h))
		return
	}
	if h.Origin.Tree.ID == 0 {
		t.open.finished = append(t.open.finished, finished{try: it.try, returns: h.Returns(), said: said, began: t.root.began, unheard: !t.root.followed})
		return
	}
	if h.Lasting {
		t.joinGroup(it)
		return
	}
	t.plant(it)
	if it.source.dropsFailures() && it.order == nil {
		it.source.passed[it.record.Offset] = it.try
		t.open.passed = append(t.open.passed, it.try)
	}
	delta, touched := h.Delta()
	t.host.Out.Ack(t.config.Task, h.Origin.Tree, delta, touched, returned(h))
}

func returned(h *host.Event) *wire.AckMore {
	if len(h.Returns()) == 0 {
		return nil
	}
	return &wire.AckMore{Returns: h.Returns()}
}

// eventFailed books an event that ended with an error; its writes and hops are
// rolled back.
func (t *Task) eventFailed(it *item, err error) {
	if it.part != nil {
		t.microEventFailed(it, err)
		return
	}
	if t.failsWhole(err) {
		t.takeBackBatch()
	}
	outcome, h := outcomeOf(err), t.host
	if it.inbox != nil {
		t.inboxEventFailed(it, outcome, err)
		return
	}
	if it.lastingCall() {
		t.callFailed(it, outcome, err)
		return
	}
	if it.outside != nil {
		delete(t.calls.all, it.outside.id)
	}
	if it.source == nil {
		// The children are rolled back: only the event itself ends.
		own := acker.EventID(h.Origin.Tree.ID, h.Seed)
		t.host.Out.Ack(h.Origin.Root, h.Origin.Tree, own, 0, &wire.AckMore{Outcome: outcome, Text: err.Error(), Step: t.steps[it.frame.Events[it.index].Step].Name})
		return
	}
	if h.Origin.Tree.ID != 0 && !h.Lasting {
		t.ledger.Close(t.ledger.Find(h.Origin.Tree))
	}
	f := finished{try: it.try, outcome: outcome, text: err.Error(), began: t.root.began}
	switch {
	case outcome == wire.Failed:
		t.attemptFailed(f, byHandler)
	case outcome == wire.Undone:
		f.outcome = wire.Failed
		t.attemptFailed(f, byWorld)
	case outcome == wire.Parked:
		t.putAside(f)
	default:
		t.toOpen(f)
	}
}

func (t *Task) eventInfo(it *item, err error, trace *wire.Trace) EventInfo {
	h := t.host
	info := EventInfo{
		TaskInfo: t.info, Offset: h.Origin.Offset, RootTask: h.Origin.Root, Attempt: int(h.Origin.Attempt),
		Microbatch: h.Microbatch, Tree: h.Origin.Tree.ID, Seed: h.Seed, Children: h.Hopped(), Accesses: t.accesses, Err: err, Trace: trace,
	}
	if it.part != nil {
		info.RootTask, _ = wire.MicroPart(h.Origin.Tree.Slot)
	}
	if it.source != nil && it.frame == nil {
		info.Topology, info.Step, info.Source, info.Root = it.source.topology.plan.Name, it.source.plan.Name, it.source.plan.Name, true
		info.Depot = it.source.plan.Depot.Name
	} else {
		step := t.steps[it.frame.Events[it.index].Step]
		info.Topology, info.Step, info.Source = step.Topology, step.Name, t.sourceName(step.TopologyID(), h.Origin.Source)
		info.Depot = t.depotName(step.TopologyID(), h.Origin.Source)
	}
	return info
}
