package components

import (
	"errors"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/simulation"
)

// The test of docs/guides/testing-interleavings.md.
func TestAParentThatGoesWhileItsChildComes(t *testing.T) {
	t.Parallel()
	m := &Module{}
	users := simulation.Users{Seeds: 20, Program: func(p *simulation.Program) error {
		_, err := m.Changes.Append(p.Context(), p, Create{ID: "c1", Parent: "c2", Text: "some"})
		if err != nil && !errors.Is(err, client.ErrRejected) {
			return err
		}
		p.Pause(10 * time.Millisecond)
		_, err = m.Changes.Append(p.Context(), p, Delete{ID: "c2"})
		return err
	}}
	simulation.Check(t, m, users, m.integrity)
}
