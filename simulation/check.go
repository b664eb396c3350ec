package simulation

import (
	"fmt"
	"strings"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// check compares the PStates with what was appended.
func (w *world) check() {
	if w.config.unchecked {
		return
	}
	parked := func(number int) bool { return w.records[number].parked }
	if survivor, ok := w.workload.(Survivor); ok && (Losses{w}).Any() {
		if err := survivor.CheckLoss(w.present(), Losses{w}); err != nil {
			w.violate("the log has lost records: %v", err)
		}
		return
	}
	if err := w.workload.Check(w.present(), parked); err != nil {
		w.violate("%v", err)
	}
	w.checkTables()
	if c, ok := w.workload.(interface{ checkKept() error }); ok && !w.lost {
		if err := c.checkKept(); err != nil {
			w.violate("%v", err)
		}
	}
	if c, ok := w.workload.(interface {
		checkTopics(topics map[string][]depot.Record, exact bool) error
	}); ok {
		if err := c.checkTopics(w.foreign, w.result.LostTails == 0); err != nil {
			w.violate("%v", err)
		}
	}
	if c, ok := w.workload.(interface {
		checkAt(at []pstate.Reader, exact bool) error
	}); ok {
		if err := c.checkAt(w.taskReaders(), w.result.LostTails == 0); err != nil {
			w.violate("%v", err)
		}
	}
	if c, ok := w.workload.(interface {
		checkRead(topics map[string][]depot.Record, at []pstate.Reader, exact bool) error
	}); ok {
		if err := c.checkRead(w.foreign, w.taskReaders(), w.result.LostTails == 0); err != nil {
			w.violate("%v", err)
		}
	}
}

// taskReaders read the partition of each task.
func (w *world) taskReaders() []pstate.Reader {
	at := make([]pstate.Reader, w.tasks)
	for i := range at {
		at[i] = taskReader{w, w.tags[i]}
	}
	return at
}

// Read answers from the servers' present histories.
func (w *world) Read(slot store.Slot, reads []store.Read) error {
	for i, tag := range w.tags {
		if tag != slot.Tag {
			continue
		}
		state := w.serverOf(task.ID(i)).current.slot(tag)
		for j := range reads {
			state.answer(&reads[j])
		}
		return nil
	}
	return fmt.Errorf("no slot %s", slot.Tag)
}

// progressOnly leaves out what a commit says of PStates.
func progressOnly(changes []store.Change) []store.Change {
	var kept []store.Change
	for _, c := range changes {
		if !strings.Contains(c.Table.Key, "}:p:") || strings.Contains(c.Table.Key, "}:p:$$__") {
			kept = append(kept, c)
		}
	}
	return kept
}
