package runtime

import (
	"fmt"
	"strconv"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
)

// parkEvent puts an event of an exactly-once topology aside, in the commit that goes
// past it: the event alone, since what came before it is committed and stays.
func (t *Task) parkEvent(it *item, why error, failures int) {
	e := &it.frame.Events[it.index]
	step := t.steps[e.Step]
	value, err := it.frame.Columns[e.Step].AppendEncoded(nil, int(e.Index))
	if err != nil {
		t.halt(fmt.Errorf("parking an event of step %s: %w", step.Name, err)) // it was stored before
		return
	}
	p := wire.ParkedRecord{
		Version: 1, Topology: step.Topology, Source: t.plan.Streams[step.TopologyID()].SourceName(e.Source),
		Partition: int32(e.Root), Offset: e.Offset, TimeMillis: e.Time,
		Step: step.Name, Event: wire.GroupField(e.Seed), Task: t.config.Task,
		Reason: "step " + step.Name + ": " + why.Error(), Attempts: max(failures, 1),
	}
	p.Text, p.Bytes = textOrBytes(value)
	path := t.parkedPath(p.Field())
	t.bookkeep(func() { overlay.Set(t.view, &path, &p) })
}

// beginParkedEvent runs a parked event again. What it sends belongs to the order and
// no longer to the record, which is done.
func (t *Task) beginParkedEvent(o *order) {
	p := &o.found
	var step uint16
	known := t.exact
	if known {
		step, known = t.directory.Step(p.Step)
	}
	s := t.sourceFor(p.Topology, p.Source)
	seed, err := strconv.ParseUint(p.Event, 16, 64)
	if !known || s == nil || err != nil {
		t.answerOrder(o, AnswerFailed, fmt.Sprintf("the module no longer has step %s of source %s of topology %s", p.Step, p.Source, p.Topology))
		return
	}
	column := t.steps[step].NewColumn(true)
	column.Add(bytesOf(p.Text, p.Bytes))
	f := &wire.Frame{From: t.config.Task, To: t.config.Task, Columns: make([]wire.Column, len(t.steps))}
	f.Columns[step] = column
	attempt := uint16(min(p.Attempts+1, 1<<16-1))
	origin := wire.Origin{Root: t.config.Task, Source: uint16(s.plan.ID), Attempt: attempt, Offset: p.Offset, Time: p.TimeMillis}
	f.Events = []wire.Event{{Origin: origin, Seed: seed, Step: step}}
	r := &depot.Record{Partition: p.Partition, Offset: p.Offset, Time: time.UnixMilli(p.TimeMillis)}
	s.topology.executing++
	again := try{source: s, record: r, attempt: attempt, order: o}
	if t.steps[step].Outside {
		c := t.newCall(f)
		c.try = again
		t.calls.queued = append(t.calls.queued, c)
		t.beginCalls()
		return
	}
	t.queue.drawn = append(t.queue.drawn, item{try: again, frame: f})
}

// sourceFor finds a source of the module, also one that this task does not read.
func (t *Task) sourceFor(topology, name string) *source {
	if s := t.sourceNamed(topology, name); s != nil {
		return s
	}
	for _, topo := range t.topology {
		if topo.plan.Name != topology {
			continue
		}
		for _, plan := range topo.plan.Sources {
			if plan.Name == name {
				s := &source{plan: plan, topology: topo, feed: newFeed(plan.Depot.Name, topo.options, 0, new(uint64))}
				s.forget()
				return s
			}
		}
	}
	return nil
}

// orderedEvent reports whether an item is a parked event that runs again.
func (it *item) orderedEvent() bool { return it.order != nil && it.frame != nil }
