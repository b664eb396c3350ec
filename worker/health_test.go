package worker

import (
	"errors"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/task"
)

// What keeps a worker from being ready is told, each task of it.
func TestReadyTellsWhatIsAmiss(t *testing.T) {
	t.Parallel()
	halt := errors.New("topic was deleted and made again")
	for _, c := range []struct {
		health Health
		want   []string
	}{
		{Health{}, nil},
		{Health{Modules: []ModuleHealth{{Module: "Words", Owned: 4}}}, nil},
		{Health{Leaving: true}, []string{"leaving"}},
		{Health{Modules: []ModuleHealth{{Module: "Words", Owned: 4, Waiting: []task.ID{1}, Silent: []task.ID{2, 3}, Halted: []HaltedTask{{0, halt}}}}},
			[]string{"module Words: tasks [1] have not come to run yet", "module Words: tasks [2 3] do not move", "module Words task 0 has halted: topic was deleted"}},
	} {
		err := c.health.Ready()
		if (err == nil) != (c.want == nil) {
			t.Errorf("%+v: %v", c.health, err)
		}
		for _, want := range c.want {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%v: want %q", err, want)
			}
		}
	}
	if err := (Health{Modules: []ModuleHealth{{Halted: []HaltedTask{{0, halt}}}}}).Ready(); !errors.Is(err, halt) {
		t.Errorf("%v does not wrap why the task has halted", err)
	}
}
