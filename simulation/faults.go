package simulation

import (
	"slices"

	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Probabilities of the faults that befall single commands, in 1,000; the others
// strike at random times.
const (
	lostReplyPerMille = 12
	lateExecPerMille  = 8
	refusedPerMille   = 8
	doubledPerMille   = 8
	spoiledPerMille   = 4
	fullDiskPerMille  = 20
	badDiskPerMille   = 5
	appendPerMille    = 15
	taskPhasePerMille = 8
	phasePerMille     = 20 // of the coordinator's
	latePhasePerMille = 80 // of those of them that few attempts come to
)

// perMille is how often a fault strikes that has a chance each time.
var perMille = map[Fault]int{
	LostReply: lostReplyPerMille, LateExec: lateExecPerMille, Refused: refusedPerMille, DoubleFrame: doubledPerMille,
	HandlerError: spoiledPerMille, FullDisk: fullDiskPerMille, BadDisk: badDiskPerMille,
	LostAppend: appendPerMille, RefusedAppend: appendPerMille, LateAppend: appendPerMille,
}

// faulty draws whether a fault befalls the command at hand.
func (w *world) faulty(f Fault) bool {
	if w.quiet || !w.allowed[f] {
		return false
	}
	if !w.chance(perMille[f]) {
		return false
	}
	w.result.Faults[f]++
	return true
}

// planFaults has faults strike at random times until it becomes quiet.
func (w *world) planFaults() {
	var kinds []Fault
	for _, f := range []Fault{Crash, Zombie, Restart, Split, Reset, ClockJump, Steal, Stall, SlotLoss, Rebalance, DoubleFetch, Slow, HandOver, FullMemory, Election, Truncation, Retention} {
		if f == SlotLoss && !w.maySplitState() {
			continue // no promise there
		}
		if w.allowed[f] {
			kinds = append(kinds, f)
		}
	}
	if len(kinds) == 0 {
		return
	}
	var strike func()
	strike = func() {
		if w.quiet {
			return
		}
		f := kinds[w.random.IntN(len(kinds))]
		w.strikes++
		if !w.config.spared[w.strikes] {
			w.result.Faults[f]++
			w.result.struck = append(w.result.struck, w.strikes)
			w.strike(f)
		}
		w.after(w.between(5*millisecond, 2*w.meanPause), strike)
	}
	w.after(w.between(millisecond, 2*w.meanPause), strike)
}

func (w *world) strike(f Fault) {
	o := w.owners[w.random.IntN(w.tasks)]
	s := w.servers[w.random.IntN(len(w.servers))]
	switch f {
	case Crash:
		w.tracef("FAULT crash of %v", o)
		o.crash()
		if w.chance(500) {
			w.breakLines(o, nil)
		} else {
			w.drainLines(o) // what it sent still arrives
		}
		w.after(w.between(0, 300*millisecond), func() {
			if w.owners[o.id] == o {
				w.hire(o.id)
			}
		})
	case Zombie:
		w.zombie(o)
	case Restart:
		w.loseTail(s, false)
	case Split:
		w.loseTail(s, true)
	case Reset:
		other := w.owners[w.random.IntN(w.tasks)]
		w.tracef("FAULT connection of %v and %v breaks", o, other)
		w.breakLines(o, other)
	case ClockJump:
		if w.chance(300) {
			w.logSkew += w.between(-5*second, 5*second)
			w.tracef("FAULT the brokers' clock leads by %d ms", w.logSkew/millisecond)
			return
		}
		o.skew += w.between(millisecond, 5*second)
		w.tracef("FAULT clock of %v leads by %d ms", o, o.skew/millisecond)
		o.step(&runtime.Tick{})
	case Steal:
		w.tracef("FAULT %v is replaced while it works", o)
		w.hire(o.id)
	case SlotLoss:
		w.loseSlot(o.id)
	case Rebalance:
		w.rebalance(o.id)
	case DoubleFetch:
		o.fetchAgain()
	case Slow:
		w.tracef("FAULT %v is slow", o)
		o.paused = true
		w.after(w.between(millisecond, 120*millisecond), func() {
			w.tracef("%v is done with what took it so long", o)
			o.resume()
		})
	case FullMemory:
		w.fill(s)
	case HandOver:
		w.handOver(o)
	case Election:
		w.elect()
	case Truncation:
		if !w.truncate() {
			w.result.Faults[f]--
		}
	case Retention:
		if !w.retain() {
			w.result.Faults[f]--
		}
	case Stall:
		w.stall(o, w.owners[w.random.IntN(w.tasks)])
	}
}

// stall has the frames from one owner to another arrive late; often the sender
// is replaced meanwhile.
func (w *world) stall(from, to *owner) {
	l := w.line(from, to)
	l.arrival = max(l.arrival, w.now) + w.between(10*millisecond, 1500*millisecond)
	w.tracef("FAULT frames from %v to %v stand still until %d ms", from, to, l.arrival/millisecond)
	if w.chance(500) {
		w.after(w.between(0, 300*millisecond), func() {
			if w.owners[from.id] == from && !w.quiet {
				w.hire(from.id)
			}
		})
	}
}

// zombie has an owner stand still, be replaced, and go on.
func (w *world) zombie(o *owner) {
	w.tracef("FAULT %v stands still", o)
	o.paused = true
	if w.chance(500) {
		w.breakLines(o, nil)
	}
	w.after(w.between(millisecond, 200*millisecond), func() {
		if w.owners[o.id] == o {
			w.hire(o.id)
		}
	})
	w.after(w.between(millisecond, 500*millisecond), func() {
		w.tracef("%v goes on", o)
		o.resume()
	})
}

// lostMax bounds the writes that a server loses.
const lostMax = 12

// loseTail replaces a server's history by a prefix of it. In a split the old one
// goes on answering those who are connected with it.
//
// What is lost was not durable, where commits ask for that.
func (w *world) loseTail(s *server, split bool) {
	old := s.current
	lost := 0
	if len(w.servers) == 1 || w.maySplitState() {
		lost = w.random.IntN(min(lostMax, w.unsafe(old)) + 1)
	}
	if lost > 0 {
		w.result.Faults[TailLoss]++
	}
	s.current = old.successor(w.successor(old), lost)
	w.replaced, w.lost = true, w.lost || lost > 0 || split // what is written to the old one meanwhile is lost, too
	w.tracef("FAULT server %s begins history %v, %d writes shorter; split %v", s.name, s.current.lineage, lost, split)
	w.watch(s.current)
	if !split {
		old.end()
		w.closeConnections(old)
		return
	}
	old.demoted = true // its replica does not follow it any more
	if w.chance(500) {
		w.after(w.between(millisecond, 400*millisecond), func() { w.endHistory(old) })
	}
	// Else it stays reachable for ever: who is connected with it has to find out (R18).
}

// successor is the lineage of what follows a history. Some are of a server that was
// demoted, has taken over what another one had, and was promoted again: its process is
// the same (R14).
func (w *world) successor(old *history) task.Lineage {
	l := w.lineage()
	if l.Replication[0]%2 == 0 {
		l.Run = old.lineage.Run
	}
	return l
}

// die ends a process whose handler asked for it: nothing of the step leaves.
func (w *world) die(o *owner) {
	w.tracef("%v is ended by a handler", o)
	o.crash()
	w.drainLines(o)
	w.after(w.between(0, 100*millisecond), func() {
		if w.owners[o.id] == o {
			w.hire(o.id)
		}
	})
}

// maySplitState reports whether one part of the state may lose a tail that another
// keeps. A tree that spans both could then be complete on one and lost on the
// other: commits that are only applied, and not yet on a replica or a disk, do not
// promise more (R15, R40), unless no record hops.
func (w *world) maySplitState() bool {
	return !w.hops() || w.options.Durability != store.Applied || w.config.Workload.Detects
}

// unsafe is how many of a server's last writes may be lost.
func (w *world) unsafe(h *history) int {
	if w.options.Durability == store.Applied {
		return len(h.writes)
	}
	return len(h.writes) - h.durable
}

// loseSlot has one slot go back by some of its writes, while the others of its
// server keep theirs: what a cluster does in which each slot has a master of its
// own.
func (w *world) loseSlot(id task.ID) {
	s := w.serverOf(id)
	old, tag := s.current, w.tags[id]
	var mine []int
	for i := len(old.writes) - w.unsafe(old); i < len(old.writes); i++ {
		if old.writes[i].slot == tag {
			mine = append(mine, i)
		}
	}
	lost := mine[len(mine)-w.random.IntN(min(lostMax, len(mine))+1):]
	n := newHistory(w.lineage())
	for i, write := range old.writes {
		if !slices.Contains(lost, i) {
			n.apply(write)
		}
	}
	s.current = n
	w.replaced, w.lost = true, true
	w.tracef("FAULT slot %s of server %s is %d writes shorter, in history %v", tag, s.name, len(lost), n.lineage)
	n.replicate(len(n.writes))
	w.watch(n)
	old.end()
	w.closeConnections(old)
}

// handOver has an owner finish what it has begun for a nominee, which comes when it
// has, or before, or never: then the owner is to begin records again.
func (w *world) handOver(o *owner) {
	w.tracef("FAULT %v finishes for a nominee", o)
	var over bool
	next := func() {
		if over || w.owners[o.id] != o {
			return
		}
		over = true
		if w.quiet || w.chance(200) {
			w.tracef("%v: the nominee does not come", o)
			w.after(w.between(0, 300*millisecond), func() {
				if w.owners[o.id] == o {
					o.step(&runtime.Nominated{Yes: true})
				}
			})
			return
		}
		w.hire(o.id)
	}
	o.finished = next
	w.after(w.between(0, 300*millisecond), next)
	o.step(&runtime.Finish{})
}

// rebalance moves a task, and moves it again before the new owner runs.
func (w *world) rebalance(id task.ID) {
	w.tracef("FAULT task %d moves, and moves again while it is taken over", id)
	first := w.hire(id)
	w.after(w.between(0, 4*millisecond), func() {
		if w.owners[id] == first && !first.runs && !w.quiet {
			w.hire(id)
		} else {
			w.result.Faults[Rebalance]-- // it ran already
		}
	})
}

func (w *world) endHistory(old *history) {
	if old.alive {
		old.end()
		w.tracef("history %v ends", old.lineage)
		w.closeConnections(old)
	}
}

// closeConnections has the owners that are connected with a history that ended
// hear of it at their next command; a command wakes them.
func (w *world) closeConnections(old *history) {
	for _, o := range w.everyone {
		if o.alive && o.conn != nil && o.conn.history == old {
			o.step(&runtime.Tick{})
		}
	}
}
