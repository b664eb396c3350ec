package simulation

import (
	"github.com/coppice-run/coppice/internal/progress"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

// checkApplied holds the moment of an ack against the store that its owner is
// connected with: what is called done is applied there (R12), and durable where
// commits ask for that (R40). That the server may forget later what is only applied
// is another matter; the record runs again then.
//
// Records that hop are left out: their progress follows their tree, later than
// the answer. So are those of which nothing was written: they have nothing to lose, and
// their progress is written with what comes next.
func (w *world) checkApplied(o *owner, a *appended, answer runtime.Answer) {
	if answer.Kind != runtime.AnswerDone || w.hops() || o.conn == nil {
		return
	}
	state, where := o.conn.history.slot(w.tags[a.task]), "the store's"
	if w.options.Durability != store.Applied {
		state, where = o.conn.history.safe(w.tags[a.task]), "the replica's"
	}
	for _, topology := range w.plan.Streams {
		if topology.Microbatch {
			continue // nobody waits for it
		}
		table := state.tables[wire.ProgressTable(w.tags[a.task], topology.Name).Key]
		for _, source := range topology.Sources {
			if source.Depot.Name != a.depot {
				continue
			}
			stored, err := progress.Parse(table[source.Name])
			if err != nil || !stored.Done(a.offset) && o.wrote[root{topology.Name, source.Name, a.offset}] {
				w.violate("record %d (task %d offset %d) was acked by %v, and %s progress is %q", a.number, a.task, a.offset, o, where, table[source.Name])
			}
		}
	}
}

// root names a record that a source of a topology has read from the owner's partition.
type root struct {
	topology, source string
	offset           int64
}

// noteWrites notes the records that wrote something on their own task.
func (o *owner) noteWrites(i *runtime.EventInfo) {
	if i.Err != nil || i.Accesses.Writes == 0 || i.RootTask != o.id {
		return
	}
	if o.wrote == nil {
		o.wrote = map[root]bool{}
	}
	o.wrote[root{i.Topology, i.Source, i.Offset}] = true
}
