package memgroup_test

import (
	"sync"
	"testing"

	"github.com/coppice-run/coppice/nomination"
	"github.com/coppice-run/coppice/nomination/memgroup"
	"github.com/coppice-run/coppice/nomination/nominationtest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	nominationtest.Run(t, func(*testing.T) nominationtest.Harness {
		return nominationtest.Harness{Group: memgroup.New(1), Module: "M"}
	})
}

// Members that are waited for share the tasks from the start: none moves.
func TestFirstMembersWaitForEachOther(t *testing.T) {
	t.Parallel()
	g := memgroup.New(3)
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			m, err := g.Join(t.Context(), nomination.Member{Module: "M", Tasks: 7}, func(c nomination.Change) {
				if len(c.Lost) > 0 || len(c.Gained) < 2 {
					t.Errorf("told %v", c)
				}
			})
			if err != nil || m == nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}
