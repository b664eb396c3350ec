package runtime

import (
	"fmt"

	"github.com/coppice-run/coppice/task"
)

// Step takes one input at a time (nanoseconds, never going back) and returns
// what is to be done. The effects are valid until the next step.
func (t *Task) Step(now int64, in Input) *Effects {
	t.effects.reset()
	if now > t.now {
		t.now = now
	}
	if t.phase == halted {
		t.refuse(in)
		return &t.effects
	}
	if w := t.config.Watch; w != nil {
		w.stepped.Store(t.now)
	}
	t.take(in)
	// What is due happens at the first input after its time, whichever that is: a
	// Tick may be late, and this input's WakeAt replaces the one before.
	t.onTick()
	t.pump()
	t.effects.WakeAt = t.wakeAt()
	if w := t.config.Watch; w != nil {
		w.what.Store(0)
	}
	return &t.effects
}

// take dispatches one input.
func (t *Task) take(in Input) {
	switch in := in.(type) {
	case *Start:
		if t.phase == idle {
			t.begin()
		}
	case *Finish:
		t.finishing, t.finished = true, false
	case *Nominated:
		t.onNominated(in)
	case *Taken:
		t.onTaken(in)
	case *ReadDone:
		t.onReadDone(in)
	case *StartsDone:
		t.onStartsDone(in)
	case *ObjectsOpened:
		t.onObjectsOpened(in)
	case *CommitDone:
		t.onCommitDone(in)
	case *HeadsDone:
		t.onHeadsDone(in)
	case *Records:
		t.onRecords(in)
	case *DepotFault:
		t.onDepotFault(in)
	case *FrameIn:
		t.heard[in.Frame.From] = task.Mark{Token: in.Frame.Sender.Token, Number: in.Frame.Number}
		t.onFrame(in.Frame, t.now)
	case *CallDone:
		t.onCallDone(in)
	case *AppendDone:
		t.onAppendDone(in)
	case *TopicsOpened:
		t.onTopicsOpened(in)
	case *TransactionDone:
		t.onTransactionDone(in)
	case *PeerLost:
		why := "connection to task " + in.Task.String() + " lost"
		t.failTouching(in.Task, why, t.now)
		t.microsLost(in.Task, why)
		t.hurryHops(in.Task)
	case *Await:
		t.onAwait(in)
	case *AwaitOver:
		t.onAwaitOver(in)
	case *Parked:
		t.onParked(in)
	case *Spilled:
		t.onSpilled(in)
	case *Unspilled:
		t.onUnspilled(in)
	case *Outlet:
		t.onOutlet(in)
	case *OptionsChanged:
		t.onOptionsChanged(in)
	case *Pressure:
		t.onPressure(in)
	case *Hold:
		t.onHold(in.Handler)
	case *Let:
		t.onLet(in)
	case *Release:
		t.onRelease(in.Handler)
	case *CrashAt:
		t.onCrashAt(in)
	case *Tick: // time has moved, which is all
	}
}

// pump runs what can run and commits what can be committed.
func (t *Task) pump() {
	for t.phase == running {
		t.onTick()
		t.run()
		t.pollMicros()
		begun := t.micros.begun
		t.micros.begun = false
		if t.phase != running || !t.seal() && !begun {
			break
		}
	}
	if t.finishing && !t.finished && t.settled() {
		t.finished, t.effects.Finished = true, true
	}
}

// settled reports whether nothing is under way that a finishing task waits for.
func (t *Task) settled() bool {
	if t.phase == idle || t.phase == halted {
		return false
	}
	if t.phase != running {
		return t.inflight == nil
	}
	for _, topo := range t.topology {
		if topo.executing > topo.owed || topo.dirty || topo.micro != nil && topo.micro.underWay() {
			return false
		}
	}
	return t.inflight == nil && t.open == nil && len(t.emissions.underWay) == 0 && t.emissions.topics.state != topicsWriting && len(t.emissions.trims.chunks) == 0
}

// onTick does what time alone asks for.
func (t *Task) onTick() {
	switch t.phase {
	case taking:
		if t.retakeAt != 0 && t.now >= t.retakeAt {
			t.retake()
		}
	case running:
		t.expire()
		if t.exact {
			t.resendDue()
		}
		t.beginCalls()
		t.probe()
		t.sendAgain()
	}
}

// wakeAt is the next time at which something becomes due. What is due already
// and did not happen waits for something else: a commit, an ack.
func (t *Task) wakeAt() int64 {
	var at int64
	earlier := func(when int64) {
		if when > t.now && (at == 0 || when < at) {
			at = when
		}
	}
	switch t.phase {
	case taking:
		earlier(t.retakeAt)
	case running:
		earlier(t.nextProbe())
		t.nextHop(earlier)
		t.nextCall(earlier)
		earlier(t.nextAppend())
		t.nextMicro(earlier)
		t.nextSweep(earlier)
		for _, topo := range t.topology {
			earlier(t.nextDeadline(topo))
			if topo.dirty {
				earlier(topo.writtenAt + int64(topo.options.CheckpointPeriod))
			}
			for _, s := range topo.sources {
				earlier(s.heldUntil)
				if ready, ok := s.retries.NextAt(); ok {
					earlier(ready)
				}
			}
		}
	}
	return at
}

// halt stops the task for good: going on could lose or repeat data in silence.
func (t *Task) halt(why error) {
	if t.phase == halted {
		return
	}
	t.phase = halted
	t.effects.stop() // what the step has asked for so far has no session any more
	t.effects.Drop = true
	t.halted = why
	t.effects.Halt = fmt.Errorf("module %s task %d halted: %w", t.plan.Module, t.config.Task, why)
	t.co.stop()
	t.stopFeeds()
	t.answerAll(AnswerHalted, why.Error())
	for len(t.orders) > 0 {
		t.answerOrder(t.orders[0], AnswerHalted, why.Error())
	}
}

// refuse answers what a halted task is asked.
func (t *Task) refuse(in Input) {
	var waiter uint64
	switch in := in.(type) {
	case *Await:
		waiter = in.Waiter
	case *Parked:
		waiter = in.Waiter
	case *Nominated:
		t.effects.Stopped = !in.Yes // another worker may do better
		return
	case *Finish:
		t.effects.Stopped = true
		return
	default:
		return
	}
	t.effects.Answers = append(t.effects.Answers, Answer{Waiter: waiter, Kind: AnswerHalted, Text: "the task has halted: " + t.halted.Error()})
}

// nextShuffled draws the next task of a random round-robin: a permutation, and
// another when it is used up (promise 10.04).
func (t *Task) nextShuffled() task.ID {
	if len(t.shuffle) == 0 {
		for i := range t.config.Tasks {
			t.shuffle = append(t.shuffle, task.ID(i))
		}
		t.config.Random.Shuffle(len(t.shuffle), func(i, j int) { t.shuffle[i], t.shuffle[j] = t.shuffle[j], t.shuffle[i] })
	}
	last := len(t.shuffle) - 1
	next := t.shuffle[last]
	t.shuffle = t.shuffle[:last]
	return next
}
