package runtime

import (
	"time"

	"github.com/coppice-run/coppice/internal/wire"
)

// Tee returns a listener that tells all of these, in their order: logs, spans and a
// test may listen to the same tasks. Nil ones are left out; what nobody listens to
// costs nothing. Where some follow more records than others, all hear of all of those, and
// the shortest time counts as slow. EventBegin hands each the trace that the one before returned.
func Tee(listeners ...*Listener) *Listener {
	var all []*Listener
	for _, l := range listeners {
		if l != nil {
			all = append(all, l)
		}
	}
	out := &Listener{
		EventBegin: teeBegin(all),
		EventKept:  tee(all, func(l *Listener) func(EventInfo) { return l.EventKept }),
		EventEnd:   tee(all, func(l *Listener) func(EventInfo) { return l.EventEnd }),
		Panicked:   teePanicked(all),

		Fetched:        tee(all, func(l *Listener) func(FetchInfo) { return l.Fetched }),
		BatchSent:      tee(all, func(l *Listener) func(BatchInfo) { return l.BatchSent }),
		BatchCommitted: tee(all, func(l *Listener) func(BatchInfo) { return l.BatchCommitted }),
		BatchFailed:    tee(all, func(l *Listener) func(BatchFailedInfo) { return l.BatchFailed }),
		Spilled:        tee(all, func(l *Listener) func(SpillInfo) { return l.Spilled }),

		RecordDone:    tee(all, func(l *Listener) func(RecordInfo) { return l.RecordDone }),
		TreeOver:      tee(all, func(l *Listener) func(RecordInfo) { return l.TreeOver }),
		RecordFailed:  tee(all, func(l *Listener) func(RecordInfo) { return l.RecordFailed }),
		RecordRetried: tee(all, func(l *Listener) func(RecordInfo) { return l.RecordRetried }),
		RecordParked:  tee(all, func(l *Listener) func(RecordInfo) { return l.RecordParked }),
		RecordDropped: tee(all, func(l *Listener) func(RecordInfo) { return l.RecordDropped }),

		AppendDone:      tee(all, func(l *Listener) func(AppendInfo) { return l.AppendDone }),
		AppendDropped:   tee(all, func(l *Listener) func(AppendDroppedInfo) { return l.AppendDropped }),
		MigrationFailed: tee(all, func(l *Listener) func(MigrationInfo) { return l.MigrationFailed }),
		LostTail:        tee(all, func(l *Listener) func(LostTailInfo) { return l.LostTail }),

		Microbatch: tee(all, func(l *Listener) func(MicrobatchInfo) { return l.Microbatch }),

		Rewound:   tee(all, func(l *Listener) func(RewoundInfo) { return l.Rewound }),
		Joined:    tee(all, func(l *Listener) func(JoinedInfo) { return l.Joined }),
		Strayed:   tee(all, func(l *Listener) func(StrayedInfo) { return l.Strayed }),
		Took:      tee(all, func(l *Listener) func(TookInfo) { return l.Took }),
		Regressed: tee(all, func(l *Listener) func(RegressedInfo) { return l.Regressed }),
		Dropped:   tee(all, func(l *Listener) func(DroppedInfo) { return l.Dropped }),
	}
	for _, l := range all {
		out.Every, out.Slow = lower(out.Every, l.Every), lower(out.Slow, l.Slow)
	}
	return out
}

// lower is the lower of two limits, of which 0 is none.
func lower[T int | time.Duration](a, b T) T {
	if a == 0 || b == 0 {
		return max(a, b)
	}
	return min(a, b)
}

// tee calls a field of all listeners that have it; nil if none has.
func tee[T any](all []*Listener, field func(*Listener) func(T)) func(T) {
	var calls []func(T)
	for _, l := range all {
		if f := field(l); f != nil {
			calls = append(calls, f)
		}
	}
	if len(calls) <= 1 {
		return only(calls)
	}
	return func(info T) {
		for _, f := range calls {
			f(info)
		}
	}
}

// only is the single call of a list, nil if it is empty.
func only[F any](calls []F) (f F) {
	if len(calls) == 1 {
		f = calls[0]
	}
	return f
}

func teeBegin(all []*Listener) func(EventInfo) *wire.Trace {
	var calls []func(EventInfo) *wire.Trace
	for _, l := range all {
		if l.EventBegin != nil {
			calls = append(calls, l.EventBegin)
		}
	}
	if len(calls) <= 1 {
		return only(calls)
	}
	return func(info EventInfo) *wire.Trace {
		for _, f := range calls {
			info.Trace = f(info)
		}
		return info.Trace
	}
}

func teePanicked(all []*Listener) func(EventInfo, *PanicError) {
	var calls []func(EventInfo, *PanicError)
	for _, l := range all {
		if l.Panicked != nil {
			calls = append(calls, l.Panicked)
		}
	}
	if len(calls) <= 1 {
		return only(calls)
	}
	return func(info EventInfo, p *PanicError) {
		for _, f := range calls {
			f(info, p)
		}
	}
}
