package runtime

import (
	"slices"

	"github.com/coppice-run/coppice/task"
)

// proof is a commit of another task that a tree rests on and that this task's
// connection has not shown: it was made on another lineage than ours.
//
// A tree whose acks all come from our own lineage needs no proof: one server's
// history is a prefix, so it loses our progress no later than what the tree
// wrote (R13, R14).
type proof struct {
	task task.ID
	mark task.Mark
}

// rest notes that the tree rests on a commit: of one task and ownership period
// the highest number counts.
func (d *rooted) rest(p proof) {
	for i := range d.proofs {
		have := &d.proofs[i]
		if have.task == p.task && have.mark.Token == p.mark.Token {
			have.mark.Number = max(have.mark.Number, p.mark.Number)
			return
		}
	}
	d.proofs = append(d.proofs, p)
}

// askHeads asks for the heads that the complete trees rest on, and that an event
// waits for, for all of them at once; one question is under way at a time. A tree that completes meanwhile
// waits for the next one: an answer that was on its way before says nothing of
// the commits that it rests on (R16).
func (t *Task) askHeads() {
	if t.phase != running || t.asked || len(t.unproven) == 0 && t.looking != wanted && t.own != wanted && t.holding == 0 && !t.suspecting() && !t.doubtsTopics() && !t.microsWant() {
		return
	}
	t.proving, t.unproven = t.unproven, t.proving[:0]
	asked := make([]bool, t.config.Tasks)
	for _, ref := range t.proving {
		if tree := t.ledger.Find(ref); tree != nil {
			for _, p := range tree.Data.proofs {
				asked[p.task] = true
			}
		}
	}
	if t.looking == wanted {
		asked[t.wanted], t.looking = true, looked
	}
	if t.own == wanted {
		asked[t.config.Task], t.own = true, looked
	}
	t.askHeld(asked)
	t.askSuspected(asked)
	t.askTopics(asked)
	t.askMicros(asked)
	for i, yes := range asked {
		if yes {
			t.effects.Heads = append(t.effects.Heads, task.ID(i))
		}
	}
	t.asked = len(t.effects.Heads) > 0
}

// lookHome looks whether the slot is still the task's own, on a server that is still
// the slot's master: store.Session.Heads finds out anew which that is when the session's
// own slot is among those that it is asked for (R18).
func (t *Task) lookHome() {
	t.own = wanted
	t.askHeads()
}

// probe looks from time to time: an idle owner would else never learn that its server
// is gone, or has lost what it acknowledged, and a busy one not that another server has
// become the master while its own goes on answering (R18).
func (t *Task) probe() {
	if at := t.nextProbe(); at != 0 && t.now >= at {
		t.lookHome()
	}
}

// nextProbe is when the next look is due; 0 while one is under way.
func (t *Task) nextProbe() int64 {
	if t.own != notLooking {
		return 0
	}
	if t.finishing {
		return t.lookedAt + min(finishingProbe, int64(t.options.ProbePeriod))
	}
	return t.lookedAt + int64(t.options.ProbePeriod)
}

// haltIfOwner halts the task when a look has shown that its slot is still its own.
// Whoever was replaced knows too little of how far the task is: it drops its memory
// instead, and its worker may own the task again.
func (t *Task) haltIfOwner(why error) {
	if t.doom == nil {
		t.doom = why
	}
	t.lookHome()
}

// finishingProbe is how often a task that begins no more records looks whether its
// nominee has come: whoever waits here for a record that only the nominee will begin
// waits no longer than that.
const finishingProbe = 10e6 // 10 ms

// onHeadsDone finishes the trees whose acks are shown, fails those whose are
// not: what they wrote is gone (R16), and asks for the rest.
func (t *Task) onHeadsDone(in *HeadsDone) {
	if t.phase != running || !t.asked {
		return
	}
	t.asked = false
	if in.Err != nil {
		t.drop(in.Err)
		return
	}
	if t.own == looked {
		t.own, t.lookedAt = notLooking, t.now
		if t.doom != nil {
			t.halt(t.doom)
			return
		}
	}
	for _, ref := range t.proving {
		tree := t.ledger.Find(ref)
		if tree == nil {
			continue
		}
		if t.shown(tree.Data.proofs, in) {
			t.treeDone(tree)
		} else {
			t.treeFailed(tree, "the store lost what this record wrote", byWorld)
		}
	}
	t.proving = t.proving[:0]
	for i, id := range in.Tasks {
		t.peers[id].shown = in.Heads[i]
	}
	for i, id := range in.Tasks {
		t.judgeSuspected(id, in.Heads[i])
		if t.phase == running {
			t.letIn(id)
		}
	}
	if t.phase == running {
		t.judgeTopics()
	}
	if t.phase == running {
		t.judgeMicros()
	}
	if t.phase != running {
		return
	}
	if t.looking == looked {
		t.looking = notLooking
		t.co.resume(t.body)
	}
	t.askHeads()
}

// shown compares what a tree rests on with the heads that were read.
func (t *Task) shown(proofs []proof, in *HeadsDone) bool {
	for _, p := range proofs {
		i := slices.Index(in.Tasks, p.task)
		if i < 0 || !in.Heads[i].Covers(p.mark) {
			return false
		}
	}
	return true
}
