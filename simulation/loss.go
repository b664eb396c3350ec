package simulation

import (
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/task"
)

// Fate is what the log did to a record.
type Fate uint8

// The fates.
const (
	// Stands: it is in the log, or was until all were done with it, and its task goes on.
	Stands Fate = iota
	// Lost: the log has lost it, and its task goes on.
	Lost
	// Unsure: its task has halted since the log lost something, or will when the log
	// holds something at the offsets that were lost.
	Unsure
)

// Survivor is a Case that knows what must be in the PStates although the log has lost
// records: what the log holds, as it stands. Its workload runs with faults that lose
// records.
type Survivor interface {
	Case
	// CheckLoss is Check where the log has lost records or tasks have halted.
	CheckLoss(r pstate.Reader, l Losses) error
}

// Losses says what became of records and tasks.
type Losses struct{ w *world }

// Fate is that of the record of a number.
func (l Losses) Fate(number int) Fate {
	if l.w == nil {
		return Stands
	}
	a := l.w.records[number]
	switch {
	case l.Halted(a.task), a.lost && l.w.unnoticed(partition{a.depot, a.task}):
		return Unsure
	case a.lost:
		return Lost
	}
	return Stands
}

// Halted reports whether a task has halted.
func (l Losses) Halted(id task.ID) bool {
	return l.w != nil && l.w.owners[id] != nil && l.w.owners[id].halted != nil
}

// HaltedKey reports whether the task of a key has halted.
func (l Losses) HaltedKey(key string) bool {
	return l.w != nil && l.Halted(task.Of([]byte(key), l.w.tasks))
}

// Same reports whether two records were appended to one partition.
func (l Losses) Same(number, other int) bool {
	if l.w == nil {
		return false
	}
	a, b := l.w.records[number], l.w.records[other]
	return a.depot == b.depot && a.task == b.task
}

// Any reports whether there is anything to tell.
func (l Losses) Any() bool {
	if l.w == nil {
		return false
	}
	for _, a := range l.w.records {
		if a.lost {
			return true
		}
	}
	for i := range l.w.owners {
		if l.Halted(task.ID(i)) {
			return true
		}
	}
	return false
}

// excused reports whether a record need not be done: the log has lost it, or a task
// has halted that it needs.
func (w *world) excused(a *appended) bool {
	l := Losses{w}
	if a.lost || l.Halted(a.task) {
		return true
	}
	if c, ok := w.workload.(interface {
		needsHalted(number int, l Losses) bool
	}); ok {
		return c.needsHalted(a.number, l)
	}
	return false
}
