package microbatch

import (
	"encoding/binary"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/task"
)

// Name names one attempt at one microbatch. The token is random (R32): a counter would
// come back with a lost tail.
type Name struct {
	ID    uint64     `json:"id"`
	Token task.Token `json:"token"`
}

// IsZero reports whether it names nothing.
func (n Name) IsZero() bool { return n.ID == 0 }

// Tree is the id of the event tree of the attempt, over all tasks.
func (n Name) Tree() uint64 {
	if tree := binary.LittleEndian.Uint64(n.Token[:8]); tree != 0 {
		return tree
	}
	return 1
}

// RoundSeed is the seed of the event with which a round of batch blocks begins on a task:
// the same in each attempt.
func (n Name) RoundSeed(topology string, id task.ID, round int) uint64 {
	return acker.Child(acker.Seed(topology, "", int32(id), int64(n.ID)), uint32(round))
}

// RoundRoot is that event.
func (n Name) RoundRoot(topology string, id task.ID, round int) uint64 {
	return acker.EventID(n.Tree(), n.RoundSeed(topology, id, round))
}

// Root is the event of a task that reads its ranges: it is over when all of their
// records have run.
func (n Name) Root(id task.ID) uint64 {
	return acker.EventID(n.Tree(), acker.Child(n.Tree(), uint32(id)))
}
