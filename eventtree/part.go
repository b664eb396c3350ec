package eventtree

import (
	"time"

	"github.com/coppice-run/coppice/task"
)

// Query asks a task, or the tasks of a worker, what they know.
type Query struct {
	// Depot, Partition and Offset name the record that is asked for; with List, Depot is the
	// one whose records count.
	Depot     string  `json:"depot,omitempty"`
	Partition task.ID `json:"partition"`
	Offset    int64   `json:"offset"`
	// Trees are the ids of its attempts' trees, as far as they are known: of events that
	// have run and are not committed only those are noted.
	Trees []ID `json:"trees,omitempty"`
	// Topology, with List, is the one whose trees count; "": all.
	Topology string `json:"topology,omitempty"`
	// List asks for so many trees at most of each task instead, the oldest first, without
	// their events.
	List int `json:"list,omitempty"`
	// Recent has those listed that are over, too, as far as they were kept.
	Recent bool `json:"recent,omitempty"`
	// Drawn asks workers for the ends of the records that they drew instead, and tasks for
	// nothing. A worker that does not know of it lists trees.
	Drawn bool `json:"drawn,omitempty"`
	// Zero is the time of day at which the task's own time was 0. The worker fills it in.
	Zero time.Time `json:"-"`
}

// At is the time of day at a time of the task's own, the zero time for 0.
func (q *Query) At(now int64) time.Time {
	if now == 0 {
		return time.Time{}
	}
	return q.Zero.Add(time.Duration(now))
}

// Part is what one task knows.
type Part struct {
	Task   task.ID `json:"task"`
	Worker string  `json:"worker"`
	// Trees are those of records of the task's own partition.
	Trees []Tree `json:"trees,omitempty"`
	// Events are the record's events that are on the task, or leave it.
	Events []Event `json:"events,omitempty"`
	// Kept: it is what a worker has kept of what its tasks did, and no task's own word. Task
	// is -1 then.
	Kept bool `json:"kept,omitempty"`
	// Drawn are the ends of records that the worker drew, by topology.
	Drawn []Drawn `json:"drawn,omitempty"`
	// Unseen are events on the worker's disk, which were not looked at.
	Unseen int `json:"unseen,omitempty"`
	// Silent: the task did not answer in time, since it runs Handler. What the part holds
	// is what can be seen from outside of it.
	Silent  bool     `json:"silent,omitempty"`
	Handler *Handler `json:"handler,omitempty"`
	// Error is why nobody answers for the task.
	Error string `json:"error,omitempty"`
}
