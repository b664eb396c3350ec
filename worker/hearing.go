package worker

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/telemetry"
)

// listener adds to the configured one what the worker itself wants to hear.
func (d *driver) listener() *runtime.Listener {
	l := *runtime.Tee(d.w.config.Listener, d.w.kept.Listener())
	took, dropped, regressed, parked, failed := l.Took, l.Dropped, l.Regressed, l.RecordParked, l.RecordFailed
	l.RecordFailed = func(i runtime.RecordInfo) {
		if d.log.Enabled(context.Background(), slog.LevelDebug) {
			d.log.Debug("attempt failed", "trace_id", telemetry.TraceID(i.Trace), "topology", i.Topology, "source", i.Source, "offset", i.Offset, "attempt", i.Attempt, "cause", i.Err)
		}
		if failed != nil {
			failed(i)
		}
	}
	l.Took = func(i runtime.TookInfo) {
		d.loaded.owners.learn(d.id, d.w.link.Address())
		d.readyOnce.Do(func() { close(d.ready) })
		d.loaded.starts.took(d)
		d.log.Debug("owns its slot", "head", i.Head, "replaced", i.Replaced)
		if took != nil {
			took(i)
		}
	}
	l.Dropped = func(i runtime.DroppedInfo) {
		why := fmt.Sprint(i.Cause)
		d.dropped.Store(&why)
		d.log.Warn("starts anew: gave up its connection and what it had in memory", "cause", i.Cause)
		if dropped != nil {
			dropped(i)
		}
	}
	l.Regressed = func(i runtime.RegressedInfo) {
		d.log.Error("the store went back: it lost commits that it had confirmed; their records run again", "from", i.From, "to", i.To)
		if regressed != nil {
			regressed(i)
		}
	}
	spilled := l.Spilled
	l.Spilled = func(i runtime.SpillInfo) {
		d.toldSpill(i)
		if spilled != nil {
			spilled(i)
		}
	}
	batchFailed := l.BatchFailed
	l.BatchFailed = func(i runtime.BatchFailedInfo) {
		d.log.Debug("a batch failed as one", "topology", i.Topology, "step", i.Step, "others", i.Others, "cause", i.Err)
		if batchFailed != nil {
			batchFailed(i)
		}
	}
	appended := l.AppendDone
	l.AppendDone = func(i runtime.AppendInfo) {
		switch {
		case i.Err != nil && i.Number > 0:
			d.log.Warn("append of a handler failed; it is sent again", "topology", i.Topology, "step", i.Step, "depot", i.Depot, "topic", i.Topic, "partition", int(i.Partition), "number", i.Number, "cause", i.Err)
		case i.Err != nil && i.Awaited:
			d.log.Warn("append of a handler failed; its record runs again", "topology", i.Topology, "step", i.Step, "depot", i.Depot, "topic", i.Topic, "partition", int(i.Partition), "cause", i.Err)
		case i.Err != nil:
			d.log.Error("append of a handler failed, and nothing waits for it: it may be lost", "topology", i.Topology, "step", i.Step, "depot", i.Depot, "topic", i.Topic, "partition", int(i.Partition), "cause", i.Err)
		}
		if appended != nil {
			appended(i)
		}
	}
	unmigrated := l.MigrationFailed
	l.MigrationFailed = func(i runtime.MigrationInfo) {
		d.log.Error("a value cannot be migrated; the task comes back to it", "pstate", i.PState, "migration", i.Migration, "cause", i.Err)
		if unmigrated != nil {
			unmigrated(i)
		}
	}
	lost := l.LostTail
	l.LostTail = func(i runtime.LostTailInfo) {
		d.log.Error("Kafka has records of commits that the store has lost, or lacks records that it had acknowledged (topology.appends.lost.tail says what follows)", "topology", i.Topology, "source", i.Source, "offset", i.Offset, "of_task", int(i.From), "come_again", i.Records, "missing", i.Missing)
		if lost != nil {
			lost(i)
		}
	}
	panicked := l.Panicked
	l.Panicked = func(i runtime.EventInfo, p *runtime.PanicError) {
		d.log.Error("handler panicked; the record fails", "trace_id", telemetry.TraceID(i.Trace), "topology", i.Topology, "step", i.Step, "offset", i.Offset, "partition", int(i.RootTask), "attempt", i.Attempt, "panic", p.Value, "stack", p.Stack)
		if panicked != nil {
			panicked(i, p)
		}
	}
	l.RecordParked = func(i runtime.RecordInfo) {
		d.log.Warn("record parked", "trace_id", telemetry.TraceID(i.Trace), "topology", i.Topology, "source", i.Source, "offset", i.Offset, "attempts", i.Attempt, "reason", i.Err)
		if parked != nil {
			parked(i)
		}
	}
	return &l
}
