// Package nomination is the seam to what decides which worker is to own which
// task. It only nominates (R4): who owns a task is said by the head in the
// task's slot, and a task moves when its nominee takes that head. kafkadepot
// implements it with Kafka's consumer groups, memgroup within a process.
// nominationtest is the conformance suite.
//
// # Contract
//
// Every task of a module is nominated to one of the members that have joined, as
// far as these hear from the group; the members have equal numbers of tasks, plus
// or minus one; and a change of the members moves no task that need not move. A
// member that leaves, or that the group has not heard from for its session
// timeout, loses its tasks to the others. Two members may hold one nomination for
// a short time: heads settle that.
package nomination

import (
	"context"

	"github.com/coppice-run/coppice/task"
)

// Member is who joins a group.
type Member struct {
	Module  string // whose tasks are nominated: each module has a group of its own
	Tasks   int    // how many there are
	Address string // of the worker, for people who look at the group
}

// Change is what happened to the nominations of a member.
type Change struct {
	Gained []task.ID
	Lost   []task.ID
}

// Group nominates the members that join it.
type Group interface {
	// Join becomes a member and returns when the first nominations are known, told
	// by on. on is called for one change after the other, and must not block. Errors:
	// ctx's, and those of reaching the group.
	Join(ctx context.Context, m Member, on func(Change)) (Membership, error)
}

// Membership is one member's part of a group.
type Membership interface {
	// Nominated reports whether the task is nominated to this member now, and the
	// group was heard from within the session timeout (R4): a process that was
	// paused for longer does not know.
	Nominated(id task.ID) bool
	// Leave gives all nominations up, at once, and returns how many members remain
	// to take the tasks. on is not called any more.
	Leave(ctx context.Context) (remaining int, err error)
	// Close gives all nominations up without caring for who takes them. on is not
	// called any more.
	Close()
}
