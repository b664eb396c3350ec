package runtime

import (
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
)

// The pause between two attempts at a microbatch is told of by the task on which the first one
// failed: it alone knows of which record that was.

// microFailure is the last failure of an attempt on this task.
type microFailure struct {
	info  RecordInfo
	at    int64 // 0: the next attempt has begun
	times int   // that it was this record's, one after another
	again bool  // it was of what runs again, which has one attempt
}

// sourcePlan finds a source; nil: this version of the module does not have it.
func (topo *topology) sourcePlan(name string) *module.SourcePlan {
	if n, ok := topo.plan.SourceNumber(name); ok {
		if s, ok := topo.plan.Source(n); ok {
			return s
		}
	}
	return nil
}

func (f *microFailure) note(info *RecordInfo, now int64, again uint16) {
	same := f.info.Source == info.Source && f.info.Partition == info.Partition && f.info.Offset == info.Offset
	if !same || f.info.Microbatch != info.Microbatch {
		f.times = 0
	}
	f.info, f.at, f.again = *info, now, again != 0
	f.times++
}

// tellRetried tells that the next attempt begins behind one that failed here. A record that is put
// aside in it is not tried again: which ones are, the coordinator tells their own tasks alone,
// so it is counted here.
func (t *Task) tellRetried(m *micro, in *wire.Micro) {
	f := &m.failure
	info, at := f.info, f.at
	f.at = 0
	if t.listener.RecordRetried == nil || at == 0 || f.again || info.Microbatch != in.ID {
		return
	}
	source := m.topology.sourcePlan(info.Source)
	if source == nil {
		return // it was a batch block
	}
	if most := source.MaxAttempts; most > 0 && f.times >= most {
		return
	}
	info.Attempt, info.Took, info.Err = int(in.Attempt), t.took(at), ""
	t.listener.RecordRetried(info)
}
