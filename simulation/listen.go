package simulation

import (
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

func (w *world) listener(o *owner) *runtime.Listener {
	return &runtime.Listener{
		EventEnd: func(i runtime.EventInfo) {
			w.result.Events++
			w.fifo.ended(w, o, &i)
			w.checkFailure(o, &i)
			w.checkAttempt(o, &i)
			o.noteWrites(&i)
			if w.config.Trace != nil {
				w.ran(o, &i)
			}
		},
		Microbatch: func(i runtime.MicrobatchInfo) { w.microbatched(o, &i) },
		Took: func(i runtime.TookInfo) {
			o.runs = true
			o.periods++
			w.tracef("%v runs as %v, replaced %v", o, i.Head, i.Replaced)
		},
		Dropped: func(i runtime.DroppedInfo) {
			o.runs, o.contract.done = false, nil
			w.fifo.reloaded(o)
			w.tracef("%v drops its connection: %v", o, i.Cause)
		},
		Regressed: func(i runtime.RegressedInfo) {
			o.contract.regressed = true
			w.tracef("%v sees its slot go back from %v to %v", o, i.From, i.To)
		},
		Rewound: func(i runtime.RewoundInfo) {
			o.contract.rewound(&i)
			w.tracef("%v: source %s/%s goes back to offset %d", o, i.Topology, i.Source, i.Offset)
		},
		RecordParked: func(i runtime.RecordInfo) {
			w.tracef("%v: record at offset %d parked", o, i.Offset)
			w.orderParked(o, &i)
		},
		Joined: func(i runtime.JoinedInfo) {
			w.tracef("%v: sources of depot %s join at offset %d", o, i.Depot, i.Offset)
		},
		BatchFailed: func(i runtime.BatchFailedInfo) {
			w.result.Wholes++
			w.tracef("%v: an event of step %s fails its batch, %d others: %v", o, i.Step, i.Others, i.Err)
		},
		LostTail: func(i runtime.LostTailInfo) {
			w.result.LostTails++
			w.tracef("%v: depot record at offset %d tells of lost commits of task %d: %d come again, %d are missing", o, i.Offset, i.From, i.Records, i.Missing)
			if w.options.Durability != store.Applied {
				w.violate("%v found output of a commit that was lost although it was durable: offset %d of source %s", o, i.Offset, i.Source)
			}
		},
		RecordDone: func(i runtime.RecordInfo) {
			o.contract.note(&i)
			w.tracef("%v: record at offset %d done in %s", o, i.Offset, i.Topology)
		},
		RecordFailed: func(i runtime.RecordInfo) {
			w.result.Failures++
			w.tracef("%v: record at offset %d failed in %s: %s", o, i.Offset, i.Topology, i.Err)
		},
	}
}
