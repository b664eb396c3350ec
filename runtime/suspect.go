package runtime

import (
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// suspicion is why two slots seem to disagree, and the head that the peer named.
type suspicion struct {
	what  string
	mark  task.Mark
	asked bool
}

// suspect halts the task if the head of the peer proves that the two slots disagree
// (R27): it may be that one of them is about to notice that it went back.
func (t *Task) suspect(f *wire.Frame, what string) { t.suspectMark(f.From, f.Sender, what) }

func (t *Task) suspectMark(peer task.ID, mark task.Mark, what string) {
	if mark.Number < t.peers[peer].since {
		// Sent before this owner looked: an old frame that came once more, perhaps. What
		// the peer says now tells.
		t.askAgain(peer)
		return
	}
	in := &t.hops.in[peer]
	if in.suspected == nil {
		in.suspected = &suspicion{what: what, mark: mark}
		t.askHeads()
	}
}

// askSuspected adds the tasks under suspicion to a question, and this task itself: who
// asks for its own head asks whether it is connected with the slot's master at all.
func (t *Task) askSuspected(asked []bool) {
	for id := range t.hops.in {
		if s := t.hops.in[id].suspected; s != nil {
			s.asked, asked[id] = true, true
			asked[t.config.Task] = true
		}
	}
}

// suspecting reports whether a question about a suspicion is to be asked.
func (t *Task) suspecting() bool {
	for id := range t.hops.in {
		if s := t.hops.in[id].suspected; s != nil && !s.asked {
			return true
		}
	}
	return false
}

// judgeSuspected hears the head of a peer under suspicion. This task's own head was
// read with it, and is its own.
func (t *Task) judgeSuspected(id task.ID, shown task.Head) {
	if !t.exact {
		return
	}
	in := &t.hops.in[id]
	s := in.suspected
	if s == nil || !s.asked {
		return
	}
	in.suspected = nil
	if shown.Token == s.mark.Token && shown.Number >= s.mark.Number {
		t.halt(&ChannelError{Peer: id, What: s.what})
		return
	}
	t.forgetChannel(id)
}

// forgetChannel drops what a task has sent and what is not applied, and has it sent
// again: a former owner sent it, and its successor sends what holds (R26).
func (t *Task) forgetChannel(from task.ID) {
	if !t.exact || from == t.config.Task {
		return
	}
	in := &t.hops.in[from]
	in.leaving = true
	if t.busy != in {
		t.leave(in)
	}
}

// leave drops what is to be dropped.
func (t *Task) leave(in *inbox) {
	if !in.leaving {
		return
	}
	in.leaving = false
	in.Forget()
	t.queue.removeOf(in)
	t.askAgain(in.from)
	t.postMail()
}
