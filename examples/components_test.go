package examples_test

import (
	"errors"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/examples/components"
	"github.com/coppice-run/coppice/examples/internal/exampletest"
	"github.com/coppice-run/coppice/localcluster/clustertest"
)

// As dataflow it does the same, event for event, with loops over tasks and places where
// several ways come together.
func TestComponentsAsDataflow(t *testing.T) {
	t.Parallel()
	flow := &components.Flow{}
	exampletest.SameEvents(t, &components.Module{}, flow, &flow.Module, func(m *components.Module, kit *clustertest.Kit) error {
		for _, c := range []components.Change{
			components.Create{ID: "a", Text: "t"}, components.Create{ID: "b", Parent: "a", Text: "t"}, components.Create{ID: "c", Parent: "b", Text: "t"},
			components.Create{ID: "d", Parent: "b", Text: "t"}, components.Create{ID: "e", Parent: "nobody", Text: "t"}, components.Create{ID: "f", Parent: "f", Text: "t"},
			components.Create{ID: "c", Parent: "a", Text: "t"}, components.Delete{ID: "d"}, components.Delete{ID: "nobody"}, components.Delete{ID: "a"}, components.Create{ID: "b", Parent: "a", Text: "t"},
		} {
			if _, err := m.Changes.Append(t.Context(), kit, c); err != nil && !errors.Is(err, client.ErrRejected) {
				return err
			}
			kit.Settle() // so that both have the same order of everything
		}
		return nil
	})
}
