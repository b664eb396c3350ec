package client

import (
	"context"
	"fmt"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// MigrationProgress is how far a task has come with the values of a PState that migrate.
type MigrationProgress struct {
	PState    string  `json:"pState"`
	Migration string  `json:"migration"` // those that its values pass, the oldest first, with commas
	Task      task.ID `json:"task"`
	Done      bool    `json:"done"`      // no value of before is left
	Seen      int64   `json:"seen"`      // values that were looked at
	Rewritten int64   `json:"rewritten"` // those of them that were of before
}

// Migrations tells how far each task of a module is with the PStates whose values migrate, as the
// store shows it. Reads see migrated values from the start on; when a migration is done on all
// tasks, the next version may leave it out.
func (c *Client) Migrations(ctx context.Context, moduleName string) ([]MigrationProgress, error) {
	b, err := c.bind(ctx, moduleName, nil) // as it is now
	if err != nil {
		return nil, err
	}
	all := []MigrationProgress{}
	for _, p := range b.plan.PStates {
		if len(p.Migrations) == 0 {
			continue
		}
		tasks := b.tasks
		if p.Global {
			tasks = 1
		}
		for id, slot := range b.slots[:tasks] {
			one := MigrationProgress{PState: p.Name, Migration: p.MigrationID(), Task: task.ID(id)}
			reads := []store.Read{{Kind: store.Get, Table: wire.MigrationsTable(slot.Tag), Field: p.Name}}
			if _, err := c.config.Store.Read(ctx, slot, reads); err != nil {
				return nil, fmt.Errorf("module %s, task %d: %w", b.name, id, err)
			}
			if reads[0].Found {
				m, err := wire.ParseMigration(reads[0].Value)
				if err != nil {
					return nil, fmt.Errorf("module %s, task %d, PState %s: %w", b.name, id, p.Name, err)
				}
				if m.ID == one.Migration {
					one.Done, one.Seen, one.Rewritten = m.Done, m.Seen, m.Rewritten
				}
			}
			all = append(all, one)
		}
	}
	return all, nil
}

// WaitMigrated waits until the migrations of a module are done on all tasks.
func (c *Client) WaitMigrated(ctx context.Context, moduleName string) error {
	return c.poll(ctx, func() (bool, error) {
		all, err := c.Migrations(ctx, moduleName)
		for _, m := range all {
			if !m.Done {
				return false, err
			}
		}
		return err == nil, err
	})
}
