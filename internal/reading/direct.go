// Package reading reads committed PStates straight from the store, for whoever owns no
// task: clients and queries.
package reading

import (
	"context"
	"errors"
	"fmt"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Slots knows the slots of modules, by task.
type Slots interface {
	// Slots are those of a module. Errors: that it is not known.
	Slots(module string) ([]store.Slot, error)
}

// ErrNoTask: the module has not so many tasks.
var ErrNoTask = errors.New("unknown task")

// Direct answers a view's reads from the store. It implements overlay.Direct.
type Direct struct {
	Modules Slots
	Store   store.Store
	Ctx     context.Context
	// Task restricts the reads to one task's partition; task.None: each read goes to the
	// task of its key.
	Task task.ID
}

// View returns a view of what is committed.
func (d *Direct) View() *overlay.View { return overlay.NewDirect(d) }

// Slot finds the slot that holds what a path names.
func (d *Direct) Slot(p *overlay.Path) (store.Slot, error) {
	if p.Decl == nil {
		return store.Slot{}, overlay.ErrUndeclared
	}
	slots, err := d.Modules.Slots(p.Decl.Module)
	if err != nil {
		return store.Slot{}, err
	}
	id := d.Task
	if id == task.None || p.Decl.Global {
		if id, err = p.Task(len(slots)); err != nil {
			return store.Slot{}, fmt.Errorf("PState %s: %w", p.Decl.Name, err)
		}
		if id == task.None {
			return store.Slot{}, fmt.Errorf("PState %s has a partition on each task and this read names no key: say which with AtTask", p.Decl.Name)
		}
	}
	if id < 0 || int(id) >= len(slots) {
		return store.Slot{}, fmt.Errorf("module %s, task %d: %w; it has 0 to %d", p.Decl.Module, id, ErrNoTask, len(slots)-1)
	}
	return slots[id], nil
}

// Read answers reads of one slot, all at one moment.
func (d *Direct) Read(slot store.Slot, reads []store.Read) error {
	_, err := d.ReadAt(slot, reads)
	return err
}

// ReadAt is Read, with the commit that the answers are of.
func (d *Direct) ReadAt(slot store.Slot, reads []store.Read) (task.Mark, error) {
	head, err := d.Store.Read(d.Ctx, slot, reads)
	return head.Mark, err
}
