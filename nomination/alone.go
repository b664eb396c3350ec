package nomination

import (
	"context"

	"github.com/coppice-run/coppice/task"
)

// Alone is a group for one worker that has every task.
type Alone struct{}

var _ Group = Alone{}

// Join nominates the member for all tasks.
func (Alone) Join(_ context.Context, m Member, on func(Change)) (Membership, error) {
	all := make([]task.ID, m.Tasks)
	for i := range all {
		all[i] = task.ID(i)
	}
	on(Change{Gained: all})
	return alone{}, nil
}

type alone struct{}

func (alone) Nominated(task.ID) bool             { return true }
func (alone) Leave(context.Context) (int, error) { return 0, nil }
func (alone) Close()                             {}
