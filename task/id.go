package task

import "strconv"

// ID is a task's number within its module: 0 to N-1.
type ID int32

// None is no task.
const None ID = -1

// CountMax is the largest number of tasks that a module can have: the tag rule
// needs at least four hash slots per task.
const CountMax = 4096

// String prints the number in decimal.
func (id ID) String() string { return strconv.Itoa(int(id)) }
