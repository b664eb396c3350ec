package runtime

import (
	"fmt"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// parkedMicro is what is put aside of an event that parks: its record, or the event alone.
func (t *Task) parkedMicro(it *item, why error) wire.ParkedRecord {
	if it.isRoot() {
		return parkedRecord(&finished{try: it.try, outcome: wire.Parked, text: why.Error()})
	}
	e := &it.frame.Events[it.index]
	step := t.steps[e.Step]
	of, _ := wire.MicroPart(e.Tree.Slot)
	p := wire.ParkedRecord{
		Version: 1, Topology: step.Topology, Source: t.sourceName(step.TopologyID(), e.Source),
		Partition: int32(of), Offset: e.Offset, TimeMillis: e.Time,
		Step: step.Name, Event: wire.GroupField(e.Seed), Task: t.config.Task,
		Reason: "step " + step.Name + ": " + why.Error(), Attempts: int(e.Attempt),
	}
	if value, err := it.frame.Columns[e.Step].AppendEncoded(nil, int(e.Index)); err == nil {
		p.Text, p.Bytes = textOrBytes(value)
	}
	return p
}

// parkStaged puts something aside with the microbatch; trace is its record's.
func (t *Task) parkStaged(r *run, p wire.ParkedRecord, trace *wire.Trace) {
	if before := r.parkedAgain(p.Field()); before != nil {
		p.Partition, p.Attempts, p.Edited = before.Partition, before.Attempts+1, before.Edited
	} else if p.Event == "" {
		r.ended.parked++
	} else {
		r.ended.events++
	}
	path := t.parkedPath(p.Field())
	save := r.view.Begin()
	r.view.Owner = parkedOwner
	overlay.Set(r.view, &path, &p)
	if err := r.view.Failure(); err != nil {
		t.halt(fmt.Errorf("parked records: %w", err))
	}
	r.view.Release(save)
	depot := ""
	if s := r.micro.topology.sourcePlan(p.Source); s != nil {
		depot = s.Depot.Name
	}
	r.parked = append(r.parked, aside{p.Field(), RecordInfo{
		TaskInfo: t.info, Topology: p.Topology, Source: p.Source, Depot: depot, Partition: task.ID(p.Partition), Offset: p.Offset,
		Attempt: p.Attempts, Microbatch: r.name.ID, Err: p.Reason, Trace: trace,
	}})
}

// aside is what a microbatch puts aside.
type aside struct {
	field string
	info  RecordInfo
}
