package eventtree

import (
	"fmt"

	"github.com/coppice-run/coppice/task"
)

// Missing are tasks for which nobody answers: what they know is not in what was put together.
type Missing struct {
	Worker string    `json:"worker,omitempty"` // address of their owner; "": none is known
	Tasks  []task.ID `json:"tasks"`
	Error  string    `json:"error"`
}

func (m Missing) String() string {
	whose := fmt.Sprintf("%d tasks", len(m.Tasks))
	if len(m.Tasks) == 1 {
		whose = fmt.Sprintf("task %d", m.Tasks[0])
	}
	if m.Worker != "" {
		whose += " of worker " + m.Worker
	}
	return fmt.Sprintf("nobody answers for %s: %s", whose, m.Error)
}

// MissingOf lists them by worker, in the order of the parts.
func MissingOf(parts []Part) (all []Missing) {
	at := map[string]int{}
	for _, p := range parts {
		if p.Error == "" {
			continue
		}
		n, known := at[p.Worker]
		if !known {
			n = len(all)
			at[p.Worker] = n
			all = append(all, Missing{Worker: p.Worker, Error: p.Error})
		}
		all[n].Tasks = append(all[n].Tasks, p.Task)
	}
	return all
}
