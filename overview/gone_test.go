package overview

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport"
)

// A worker is taken for gone if nobody listens at its address. One of whose tasks something else
// goes wrong answers for the others, and is asked what all workers are asked.
func TestWhoIsGone(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		err  error
		gone bool
	}{
		"nobody listens":      {fmt.Errorf("asking worker w:1: %w", transport.ErrNoListener), true},
		"time is over":        {fmt.Errorf("asking worker w:1: %w", context.DeadlineExceeded), false},
		"so the worker tells": {errors.New("asking worker w:1: context deadline exceeded"), false},
		"on the move":         {errors.New("task 0 of module m is on the move"), false},
	} {
		r := newRig(t)
		r.town.status = func(id task.ID) (runtime.Status, error) {
			if id == 0 {
				return runtime.Status{}, test.err
			}
			return runtime.Status{Running: true}, nil
		}
		m := r.look(0)
		if _, gone := m.gone["w:1"]; gone != test.gone || m.Tasks[0].State != TaskSilent || m.Tasks[0].Gone != test.gone {
			t.Errorf("%s: gone are %v, task 0 is %s, gone %v", name, m.gone, m.Tasks[0].State, m.Tasks[0].Gone)
		}
	}
}
