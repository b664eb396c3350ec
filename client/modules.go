package client

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// ModuleInfo says what a module consists of.
type ModuleInfo struct {
	Name       string   `json:"name"`
	Tasks      int      `json:"tasks"`
	Topologies []string `json:"topologies"`
	Depots     []string `json:"depots"`
	PStates    []string `json:"pStates"`
	// Error says why nothing else is known of the module: its registration does not decode.
	Error string `json:"error,omitempty"`
}

// Modules lists the modules that have run on these servers, by name.
func (c *Client) Modules(ctx context.Context) ([]ModuleInfo, error) {
	names, err := c.config.Log.Modules(ctx)
	if err != nil {
		return nil, fmt.Errorf("client: listing the modules: %w", err)
	}
	var all []ModuleInfo
	for _, name := range names {
		b, err := c.registered(ctx, name)
		if unreadable := (*module.RegistrationError)(nil); errors.As(err, &unreadable) {
			all = append(all, ModuleInfo{Name: name, Error: err.Error()})
			continue
		}
		if err != nil {
			return nil, err
		}
		if b == nil {
			continue // it is being launched, or was removed
		}
		info := ModuleInfo{Name: name, Tasks: b.tasks}
		for _, s := range b.plan.Streams {
			info.Topologies = append(info.Topologies, s.Name)
		}
		for _, d := range b.plan.Depots {
			info.Depots = append(info.Depots, d.Name)
		}
		for _, p := range b.plan.PStates {
			info.PStates = append(info.PStates, p.Name)
		}
		all = append(all, info)
	}
	return all, nil
}

// TaskInfo is what the store says of one task.
type TaskInfo struct {
	Task    task.ID `json:"task"`
	Owner   string  `json:"owner"`   // address of the worker that has its head; "" if none ever had
	Epoch   string  `json:"epoch"`   // token of the present ownership period: a new one at each hand-over
	Commits uint64  `json:"commits"` // of the present ownership period
	Parked  int     `json:"parked"`  // records
	Empty   bool    `json:"empty"`   // the slot holds no progress
}

// Tasks lists the tasks of a module, as their slots show them.
func (c *Client) Tasks(ctx context.Context, module string) ([]TaskInfo, error) {
	b, err := c.named(ctx, module)
	if err != nil {
		return nil, err
	}
	all := make([]TaskInfo, b.tasks)
	err = sideBySide(b.tasks, func(i int) (err error) {
		all[i], err = c.taskInfo(ctx, b, task.ID(i))
		return err
	})
	if err != nil {
		return nil, err
	}
	return all, nil
}

func (c *Client) taskInfo(ctx context.Context, b *bound, id task.ID) (TaskInfo, error) {
	slot := b.slots[id]
	reads := []store.Read{{Kind: store.Len, Table: wire.ParkedTable(slot.Tag)}}
	for _, s := range b.plan.Streams {
		reads = append(reads, store.Read{Kind: store.Len, Table: wire.TopologyTable(slot.Tag, s.Name, s.Microbatch)})
	}
	head, err := c.config.Store.Read(ctx, slot, reads)
	if err != nil {
		return TaskInfo{}, fmt.Errorf("module %s: reading the slot of task %d: %w", b.name, id, err)
	}
	info := TaskInfo{Task: id, Owner: head.Address, Epoch: epoch(head.Token), Commits: head.Number, Parked: reads[0].Count, Empty: true}
	for _, r := range reads[1:] {
		info.Empty = info.Empty && r.Count == 0
	}
	return info, nil
}

// epoch is the token of an ownership period as text; "" where there was none.
func epoch(t task.Token) string {
	if t.IsZero() {
		return ""
	}
	return t.String()
}

// ErrNotEmpty: the task has data, and nothing is to be rebuilt.
var ErrNotEmpty = errors.New("the task's slot holds data")

// RebuildTask lets a task begin anew whose slot was emptied, by a store that lost
// all its data, and which has halted for that reason: its PStates are built from its
// depots once more, and every hop takes effect again where it goes to. Restoring the
// store is better, where that can be done. Errors: ErrNotEmpty, where the slot holds
// data.
func (c *Client) RebuildTask(ctx context.Context, module string, id task.ID) error {
	b, err := c.named(ctx, module)
	if err != nil {
		return err
	}
	if id < 0 || int(id) >= b.tasks {
		return fmt.Errorf("module %s, task %d: %w; it has 0 to %d", module, id, ErrNoTask, b.tasks-1)
	}
	info, err := c.taskInfo(ctx, b, id)
	if err != nil {
		return err
	}
	if !info.Empty {
		return fmt.Errorf("module %s task %d: %w: there is nothing to rebuild", module, id, ErrNotEmpty)
	}
	if err := c.config.Log.PutMeta(ctx, module, wire.DataNoteKey+strconv.Itoa(int(id)), nil); err != nil {
		return fmt.Errorf("module %s task %d: %w", module, id, err)
	}
	return nil
}
