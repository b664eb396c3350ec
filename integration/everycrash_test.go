package integration

import (
	"fmt"
	"testing"

	"github.com/coppice-run/coppice/examples/components"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/localcluster/clustertest"
)

// forest is a kit with a forest of components, and a key on each of its tasks.
func forest(t *testing.T, c *localcluster.Cluster) (m *components.Module, kit *clustertest.Kit, keys []string) {
	t.Helper()
	m = &components.Module{Name: unique("Components")}
	kit = clustertest.Start(t, m, clustertest.Config{Cluster: c})
	return m, kit, clustertest.KeyPerTask(kit, m.Components)
}

func change(t *testing.T, m *components.Module, kit *clustertest.Kit, c components.Change) {
	t.Helper()
	if _, err := m.Changes.Append(t.Context(), kit, c); err != nil {
		t.Fatal(err)
	}
}

// linked checks that a child exists below its parent, or that neither does.
func linked(t *testing.T, m *components.Module, kit *clustertest.Kit, parent, child string, want bool) {
	t.Helper()
	_, there, err := m.Components.Key(parent).Lookup(kit)
	if err != nil || there != want {
		t.Errorf("the parent exists: %t, want %t, error %v", there, want, err)
	}
	have, there, err := m.Components.Key(child).Lookup(kit)
	if err != nil || there != want || want && have.Parent != parent {
		t.Errorf("the child exists: %t with the parent %q, want %t, error %v", there, have.Parent, want, err)
	}
	if shown, err := m.Children.Key(parent).Has(kit, child); err != nil || shown != want {
		t.Errorf("the parent shows the child: %t, want %t, error %v", shown, want, err)
	}
}

// promise 0.07, promise 0.36, promise 0.37: the owner ends at each moment of each event of a
// creation, and of a deletion, whose parts lie on two tasks. The record runs again from its
// start, over what is done already, and what is left is what is left without a crash.
func TestEveryCrashOfAProtocol(t *testing.T) {
	for _, handler := range []string{"changes", "reserve", "persist", "confirm", "remove", "hide", "clear", "detach"} {
		for _, point := range []clustertest.Point{clustertest.BeforeCommit, clustertest.AfterCommit, clustertest.BeforeAcks} {
			t.Run(fmt.Sprint(handler, " ", point), func(t *testing.T) {
				onAll(t, func(t *testing.T, c *localcluster.Cluster) {
					m, kit, keys := forest(t, c)
					top, parent, child := keys[0], keys[1], keys[2]
					change(t, m, kit, components.Create{ID: top, Text: "top"})
					change(t, m, kit, components.Create{ID: parent, Parent: top, Text: "parent"})
					name := clustertest.Step("forest", handler)
					name.Source = handler == "changes"
					crash := kit.CrashAt(point, name)
					change(t, m, kit, components.Create{ID: child, Parent: parent, Text: "child"})
					kit.Settle()
					linked(t, m, kit, parent, child, true)
					change(t, m, kit, components.Delete{ID: parent})
					crash.Await()
					kit.Settle()
					linked(t, m, kit, parent, child, false)
				})
			})
		}
	}
}

// promise 0.08, promise 0.28: the parent is deleted while the child is about to come,
// which nobody is shown. Wherever the creation stands then, both are gone in the end.
func TestAParentIsDeletedInBetween(t *testing.T) {
	for _, step := range []string{"reserve", "persist", "confirm"} {
		t.Run(step, func(t *testing.T) {
			onAll(t, func(t *testing.T, c *localcluster.Cluster) {
				m, kit, keys := forest(t, c)
				parent, child := keys[3], keys[0]
				change(t, m, kit, components.Create{ID: parent, Text: "parent"})
				hold := kit.Hold(clustertest.Step("forest", step))
				creation := clustertest.Begin(kit, m.Changes, components.Change(components.Create{ID: child, Parent: parent, Text: "child"}))
				hold.Await(1)
				if shown, err := m.Children.Key(parent).Has(kit, child); shown || err != nil {
					t.Errorf("the child is shown before it is confirmed: %v", err)
				}
				deletion := clustertest.Begin(kit, m.Changes, components.Change(components.Delete{ID: parent}))
				if step == "reserve" { // the deletion has nothing to wait for
					if _, err := deletion.Await(); err != nil {
						t.Error(err)
					}
				}
				hold.Release()
				_, err := creation.Await()
				if rejected := err != nil; rejected != (step == "reserve") {
					t.Errorf("the creation says %v", err)
				}
				kit.Settle()
				linked(t, m, kit, parent, child, false)
			})
		})
	}
}

// promise 0.13: records of two partitions, or of two depots, have no order: the one that
// was appended later is done first.
func TestNoWiderOrder(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m, kit, keys := forest(t, c)
		hold := kit.Hold(m.Changes, 0)
		first := clustertest.Begin(kit, m.Changes, components.Change(components.Create{ID: keys[0], Text: "first"}))
		hold.Await(1)
		change(t, m, kit, components.Create{ID: keys[1], Text: "second"})
		if _, there, err := m.Components.Key(keys[0]).Lookup(kit); there || err != nil {
			t.Errorf("the first is there: %t, %v", there, err)
		}
		hold.Release()
		if _, err := first.Await(); err != nil {
			t.Fatal(err)
		}
	})
}
