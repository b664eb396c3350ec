package integration

import (
	"context"
	"errors"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// restamp has a task's slot say that it has applied another attempt at its latest microbatch:
// so does one whose server has lost its tail and run on, while another server has not.
func (m *transfers) restamp(ctx context.Context, s store.Store, id task.ID, tasks int) error {
	tag := task.Tag(m.name, id, tasks)
	head := task.Head{Mark: task.Mark{Token: task.Token{1, 2, 3}}, Address: "nobody"}
	session, before, err := s.Take(ctx, wire.Slot(tag), head)
	if err != nil {
		return err
	}
	defer session.Close()
	table := wire.MicrobatchTable(tag, "bank")
	reads := []store.Read{{Kind: store.Get, Table: table, Field: wire.StampField}}
	if err := session.Read(ctx, reads); err != nil {
		return err
	}
	stamp, err := wire.ParseStamp(reads[0].Value)
	if err != nil {
		return err
	}
	stamp.Token[0] ^= 1
	head.Replaced = before.Mark
	head.Number++
	return session.Commit(ctx, &store.Batch{Head: head, Changes: []store.Change{{Table: table, Writes: []store.Write{{Field: wire.StampField, Value: string(stamp.AppendText(nil))}}}}})
}

// promise 18.04: a snapshot is of one attempt, not only of one id. Chaos found that a snapshot which was read
// while a server lost its tail mixed two microbatches of one id.
func TestASnapshotIsOfOneAttempt(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &transfers{name: unique("Attempts")}
		const tasks = 2
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: tasks}); err != nil {
			t.Fatal(err)
		}
		for i := range accounts {
			if _, err := m.Moves.Append(t.Context(), c.Client(), transferred{From: account(i), To: account(i + 1), Cents: 1}); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.WaitForMicrobatchProcessedCount(t.Context(), m, "bank", accounts); err != nil {
			t.Fatal(err)
		}
		if sum, _, err := m.total(t.Context(), c.Client()); err != nil || sum != 0 {
			t.Fatalf("the accounts hold %d (%v)", sum, err)
		}
		if err := m.restamp(t.Context(), c.Store(), 1, tasks); err != nil {
			t.Fatal(err)
		}
		if _, _, err := m.total(t.Context(), c.Client()); !errors.Is(err, client.ErrMoved) {
			t.Errorf("a snapshot over two attempts at a microbatch says %v, want ErrMoved", err)
		}
	})
}
