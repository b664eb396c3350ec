package integration

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/examples/componentsmicrobatch"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// processed is an Appender that waits until all topologies are done with a record.
type processed struct{ c *client.Client }

func (p processed) SendRecord(ctx context.Context, r module.Record) (acks module.Acks, err error) {
	place, err := p.c.Put(ctx, r)
	if err == nil {
		err = p.c.WaitProcessed(ctx, place)
	}
	return acks, err
}

// promise 0.20, promise 0.39: the forest of microbatches on every kind of server: what is refused
// leaves nothing, what is deleted goes with all below it, and once more is once.
func TestTheForestOfMicrobatches(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &componentsmicrobatch.Module{Name: unique("Components")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4}); err != nil {
			t.Fatal(err)
		}
		for _, change := range []componentsmicrobatch.Change{
			componentsmicrobatch.Create{ID: "house", Text: "of wood"},
			componentsmicrobatch.Create{ID: "kitchen", Parent: "house", Text: "with a stove"},
			componentsmicrobatch.Create{ID: "stove", Parent: "kitchen", Text: "hot"},
			componentsmicrobatch.Create{ID: "stove", Parent: "house", Text: "cold"},   // there is one
			componentsmicrobatch.Create{ID: "bed", Parent: "house"},                   // without a text
			componentsmicrobatch.Create{ID: "bath", Parent: "bathroom", Text: "warm"}, // nowhere
			componentsmicrobatch.Create{ID: "attic", Parent: "house", Text: "dusty"},
			componentsmicrobatch.Delete{ID: "kitchen"},
			componentsmicrobatch.Delete{ID: "kitchen"},
			componentsmicrobatch.Create{ID: "table", Parent: "kitchen", Text: "round"}, // it has gone
		} {
			if _, err := m.Changes.Append(t.Context(), processed{c.Client()}, change); err != nil && !errors.Is(err, client.ErrRejected) {
				t.Fatal(err)
			}
		}
		var there []string
		err := c.Client().Snapshot(t.Context(), m.ModuleName(), componentsmicrobatch.Topology, func(r pstate.Reader, _ uint64) error {
			there = nil
			for _, id := range []string{"house", "kitchen", "stove", "bed", "bath", "bathroom", "attic", "table"} {
				if _, exists, err := m.Components.Key(id).Lookup(r); err != nil {
					return err
				} else if exists {
					there = append(there, id)
				}
				for child, err := range m.Children.Key(id).Range(r, pstate.All[string]()) {
					if err != nil {
						return err
					}
					there = append(there, id+">"+child.Key)
				}
			}
			return nil
		})
		if got, want := strings.Join(there, " "), "house house>attic attic"; err != nil || got != want {
			t.Errorf("%q (%v), want %q", got, err, want)
		}
	})
}

// promise 0.30: a deletion behind a creation of its id holds also where both are in one microbatch, whose
// creation has not heard from its parent.
func TestADeletionComesBehindItsCreation(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &componentsmicrobatch.Module{Name: unique("Behind")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4}); err != nil {
			t.Fatal(err)
		}
		ask := func(change componentsmicrobatch.Change) {
			t.Helper()
			if _, err := m.Changes.Append(t.Context(), c.Client(), change, module.Wait(module.AckAppend)); err != nil {
				t.Fatal(err)
			}
		}
		ask(componentsmicrobatch.Create{ID: "house", Text: "of wood"})
		if err := c.WaitForMicrobatchProcessedCount(t.Context(), m, componentsmicrobatch.Topology, 1); err != nil {
			t.Fatal(err)
		}
		if err := c.Client().PauseMicrobatches(t.Context(), m.ModuleName(), componentsmicrobatch.Topology); err != nil {
			t.Fatal(err)
		}
		ask(componentsmicrobatch.Create{ID: "kitchen", Parent: "house", Text: "small"})
		ask(componentsmicrobatch.Delete{ID: "kitchen"})
		ask(componentsmicrobatch.Create{ID: "attic", Parent: "house", Text: "dusty"})
		ask(componentsmicrobatch.Delete{ID: "attic"})
		ask(componentsmicrobatch.Create{ID: "attic", Parent: "house", Text: "clean"})
		if err := c.Client().ResumeMicrobatches(t.Context(), m.ModuleName(), componentsmicrobatch.Topology); err != nil {
			t.Fatal(err)
		}
		if err := c.WaitForMicrobatchProcessedCount(t.Context(), m, componentsmicrobatch.Topology, 6); err != nil {
			t.Fatal(err)
		}
		at := c.Client().At(t.Context())
		if _, exists, err := m.Components.Key("kitchen").Lookup(at); err != nil || exists {
			t.Errorf("the kitchen exists: %v (%v)", exists, err)
		}
		if n, err := m.Children.Key("house").Len(at); err != nil || n > 1 {
			t.Errorf("the house has %d children (%v)", n, err)
		}
	})
}
