package worker

import (
	"context"
	"fmt"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime/microbatch"
	"github.com/coppice-run/coppice/store"
)

// appliedAll looks whether what is decided of the microbatch topologies that this version has
// no longer is applied. It says nothing of a version that still runs elsewhere and decides
// more: the topology is to be paused before.
// Errors: *module.UnappliedError.
func (l *loaded) appliedAll(ctx context.Context, w *Worker, before *module.Registration) error {
	for _, topology := range l.plan.Dropped(before) {
		e := &module.UnappliedError{Module: l.plan.Module, Topology: topology}
		stamps := make([]uint64, len(l.slots))
		for id, slot := range l.slots {
			table := wire.MicrobatchTable(slot.Tag, topology)
			reads := []store.Read{{Kind: store.Get, Table: table, Field: wire.StampField}, {Kind: store.Get, Table: table, Field: wire.CurrentField}}
			if _, err := w.config.Store.Read(ctx, slot, reads); err != nil {
				return fmt.Errorf("module %s: looking how far topology %s is: %w", l.plan.Module, topology, err)
			}
			stamp, err := wire.ParseStamp(reads[0].Value)
			if err != nil {
				return fmt.Errorf("module %s: stored stamp of topology %s: %w", l.plan.Module, topology, err)
			}
			if id == 0 { // which coordinates
				state, err := microbatch.ParseState(reads[1].Value)
				if err != nil {
					return fmt.Errorf("module %s, topology %s: %w", l.plan.Module, topology, err)
				}
				if state.Decided {
					e.Microbatch = state.ID
				}
			}
			stamps[id] = stamp.ID
			e.Microbatch = max(e.Microbatch, stamp.ID) // one is a decision, too (R39)
		}
		for id, stamp := range stamps {
			if stamp < e.Microbatch {
				e.Tasks = append(e.Tasks, id)
			}
		}
		if len(e.Tasks) > 0 {
			return e
		}
	}
	return nil
}
