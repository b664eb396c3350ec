package model

import (
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/internal/overlay"
)

// The topologies of a run: one owns all PStates, the other reads them.
const (
	ownTopology   = "own"
	otherTopology = "other"
)

// batch runs some events and commits them, or loses them with all that is in memory.
func (x *run) batch() {
	for range 1 + x.random.IntN(12) {
		x.event()
		if x.one(20) {
			x.confirm()
		}
		if x.failure != nil {
			return
		}
	}
	if x.one(3) {
		x.result.Reloads++
		x.note("reload")
		x.back(0)
		x.fail(x.begin())
		return
	}
	x.note("commit")
	if err := x.commit(); err != nil {
		x.fail(err)
		return
	}
	clear(x.steps)
	x.steps = x.steps[:0]
}

// event runs one event of one of the topologies.
func (x *run) event() {
	if x.one(6) {
		x.foreignEvent()
		return
	}
	x.result.Events++
	x.view.Owner = ownTopology
	save, mark := x.view.Begin(), len(x.steps)
	for range 1 + x.random.IntN(6) {
		if x.act(); x.failure != nil {
			return
		}
	}
	if err := x.view.Failure(); err != nil {
		x.fail(fmt.Errorf("the event failed: %w", err))
		return
	}
	if x.one(15) {
		x.result.Failed++
		x.note("roll back")
		x.view.Rollback(save)
		x.back(mark)
		return
	}
	x.view.Release(save)
}

// act does one operation to a PState and to its model.
func (x *run) act() {
	if !x.ahead {
		x.result.Ops++
	}
	x.wrote = false
	s := x.shelf.subjects[x.random.IntN(len(x.shelf.subjects))]
	s.act(x)
}

// runAhead runs an event on a savepoint that is thrown away, until it meets what is not
// in memory, while another operation waits.
func (x *run) runAhead() {
	x.present(x.throwAway)
}

func (x *run) throwAway() {
	x.result.Ahead++
	x.ahead = true
	view, wrote, topology := x.view, x.wrote, x.view.Owner
	trace := slices.Clone(x.trace)
	save, mark := view.Begin(), len(x.steps)
	func() {
		defer func() {
			if p := recover(); p != nil {
				if _, ok := p.(unwound); !ok {
					panic(p)
				}
			}
		}()
		view.Owner = ownTopology
		for range 3 {
			x.act()
		}
	}()
	view.Rollback(save)
	x.back(mark)
	view.Owner = topology
	x.ahead, x.wrote, x.trace = false, wrote, trace
}

// foreignEvent has another topology read: it sees what the last commit left.
func (x *run) foreignEvent() {
	x.result.Foreign++
	x.view.Owner = otherTopology
	save := x.view.Begin()
	s := x.shelf.subjects[x.random.IntN(len(x.shelf.subjects))]
	x.note("another topology reads %s", s.name())
	x.committed(func() { s.look(x, x.owner) })
	if err := x.view.Failure(); err != nil {
		x.fail(fmt.Errorf("the event of another topology failed: %w", err))
	}
	x.view.Release(save)
}

// checkAll compares everything with what a client reads, and the stored keys with
// those that there have to be.
func (x *run) checkAll() {
	if x.failure != nil || len(x.steps) > 0 {
		return
	}
	x.result.Checks++
	x.note("check everything")
	want := map[string]bool{x.slot.Head: true}
	for _, s := range x.shelf.subjects {
		s.look(x, client{x.owner})
		s.keys(x.slot.Tag, want)
	}
	if x.config.Keys == nil || x.failure != nil {
		return
	}
	got, err := x.config.Keys(x.ctx, "{"+x.slot.Tag+"}")
	if err != nil {
		x.fail(err)
	}
	for _, key := range got {
		if !want[key] {
			x.fail(fmt.Errorf("the key %s is left without an owner", key))
		}
		delete(want, key)
	}
	for key := range want {
		x.fail(fmt.Errorf("the key %s is not there", key))
	}
}

var _ overlay.Direct = client{}
