package console

import (
	"fmt"
	"net/http"

	"github.com/coppice-run/coppice/httpapi"
	"github.com/coppice-run/coppice/overview"
)

func showTasks(q *request) error {
	m, err := q.look()
	if err != nil {
		return err
	}
	return q.show("tasks", frame{Title: "Workers and tasks", Lead: "Who owns which task, and what each is at now.", Crumbs: q.within(), JSON: "/modules/" + q.module + "/overview"}, m)
}

// taskPage is one task.
type taskPage struct {
	overview.Task
	Module string
	All    int
}

func showTask(q *request) error {
	m, err := q.look()
	if err != nil {
		return err
	}
	id, err := q.number("task", 0)
	if err != nil {
		return err
	}
	if id < 0 || int(id) >= len(m.Tasks) {
		return &httpapi.Problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("module %s has no task %d; it has 0 to %d", q.module, id, len(m.Tasks)-1), Mend: "choose one from the list of tasks"}
	}
	return q.show("task", frame{Title: fmt.Sprintf("Task %d", id), Section: "tasks", Crumbs: q.within(link{"Workers and tasks", at("m", q.module, "tasks")}), JSON: "/modules/" + q.module + "/overview"}, taskPage{m.Tasks[id], q.module, len(m.Tasks)})
}
