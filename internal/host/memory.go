package host

import "github.com/coppice-run/coppice/internal/wire"

// Memory is what the batch blocks of a microbatch topology keep on a task, for one attempt:
// a cell each. It dies with the attempt.
//
// Events change cells through Event.Keep alone, so that an event that fails, or that only
// runs ahead, leaves no trace. Reading needs no care: what an event may read does not
// change any more.
type Memory struct{ cells []Cell }

// Cell is what one handle of a batch block keeps; it knows the type.
type Cell interface{ BatchCell() }

// Cell returns the cell of a number; where there is none yet, a new one.
func (m *Memory) Cell(number int, make func() Cell) Cell {
	for len(m.cells) <= number {
		m.cells = append(m.cells, nil)
	}
	if m.cells[number] == nil {
		m.cells[number] = make()
	}
	return m.cells[number]
}

// Keep has a change of the task's memory be made when the event has ended well.
func (e *Event) Keep(change func()) { e.kept = append(e.kept, change) }

// Settle makes the changes of an event that has ended well.
func (e *Event) Settle() {
	for _, change := range e.kept {
		change()
	}
	e.kept = nil
}

// Round is the round of the microbatch that the event belongs to: 0 is that of the records.
func (e *Event) Round() int {
	if e.Origin.Source == wire.NoSource {
		return int(e.Origin.Offset)
	}
	return 0
}
