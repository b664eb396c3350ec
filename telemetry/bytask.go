package telemetry

import (
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// byTask keeps a value of each task that a program has run. It looks for a task by its number: few
// have the same one, and the names of those are compared in less time than they are hashed.
type byTask[T any] map[task.ID][]*taskValue[T]

type taskValue[T any] struct {
	info  runtime.TaskInfo
	value T
}

// of is a task's value, at first a zero one.
func (m byTask[T]) of(i runtime.TaskInfo) *T {
	for _, one := range m[i.Task] {
		if one.info == i {
			return &one.value
		}
	}
	one := &taskValue[T]{info: i}
	m[i.Task] = append(m[i.Task], one)
	return &one.value
}
