package runtime

import (
	"fmt"
	"strconv"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime/channel"
	"github.com/coppice-run/coppice/runtime/stream"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// inbox is the channel from a task.
type inbox struct {
	channel.In
	from  task.ID
	dirty bool            // its position has changed in the open batch
	told  wire.InPosition // what is committed of it: what its sender may hear
	given uint64          // number of the last receipt that a batch took along

	// An event that fails holds its channel (R28).
	failures  int    // attempts at the event at the position that count (R20)
	heldUntil int64  // nothing is drawn before this time,
	heldBy    uint64 // nor before this batch is committed, which has the writes before it or the attempt's number

	askedAt   int64 // when its sender was asked last for what is missing
	lostAt    int64 // or for what its head did not show
	suspected *suspicion
	leaving   bool // what is not applied is to be dropped as soon as the event that runs has ended
}

func (t *Task) loadInbox(from task.ID, stored string) error {
	position, err := wire.ParseInPosition(stored)
	if err != nil {
		return err
	}
	in := &t.hops.in[from]
	in.Load(position)
	in.told = position
	in.given = position.Number
	if position.Attempt > 0 {
		// An attempt that was begun and did not end counts, unless this very task knows
		// better.
		in.failures = position.Attempt
		if known, ok := t.heldEvents[from]; ok && known.number == position.Number && known.index == position.Index {
			in.failures = min(in.failures, known.failures)
		}
	}
	return nil
}

// heldEvent is what a task knows of an event that failed, also when it has given up
// its connection.
type heldEvent struct {
	number   uint64
	index    int
	failures int
}

// arrive takes in a parcel, opened or not; what its sender says of itself is shown (R25).
func (t *Task) arrive(from task.ID, raw string, opened *wire.Parcel, sender task.Mark) {
	in := &t.hops.in[from]
	if in.leaving {
		return // it will be asked for again
	}
	head, err := wire.ParseParcelHead(raw)
	if err != nil {
		t.halt(fmt.Errorf("parcel from task %v: %w", from, err))
		return
	}
	switch in.Judge(&head) {
	case channel.Known:
		if from != t.config.Task && head.Number <= in.told.Number {
			t.mailTo(from).Receipt = receiptOf(&in.told, false)
		}
	case channel.Missing:
		t.askMissing(from, &in.askedAt)
	case channel.Stray:
		t.suspectMark(from, sender, fmt.Sprintf("parcel %d (%v) follows %v, and the last one applied is %v", head.Number, head.ID, head.Before, in.Position().ID))
	case channel.Next:
		t.takeIn(in, raw, opened, sender)
	}
}

// takeIn opens a parcel, applies its acks, and has its events run.
func (t *Task) takeIn(in *inbox, raw string, p *wire.Parcel, sender task.Mark) {
	if p == nil {
		var err error
		if p, err = wire.ParseParcel(raw, in.from, t.config.Task, t.directory); err != nil {
			t.halt(fmt.Errorf("parcel from task %v: %w", in.from, err))
			return
		}
	}
	if e := p.Frame.Stray(t.config.Tasks); e != nil {
		t.halt(fmt.Errorf("parcel from task %v has an event of a record of task %v, and the module has %d tasks", in.from, e.Root, t.config.Tasks))
		return
	}
	acks, err := in.Put(p)
	if err != nil {
		t.halt(fmt.Errorf("parcel from task %v: %w", in.from, err))
		return
	}
	t.peers[in.from].rests = sender
	in.dirty = true
	t.touched()
	if acks {
		for i := range p.Acks {
			a := &p.Acks[i]
			t.ackGroup(a.Group, a.Delta, a.Notes, false)
		}
	}
}

// drawChannels draws events from the channels that nothing holds, in turns (R43).
func (t *Task) drawChannels() {
	for drew := true; drew; {
		drew = false
		for range t.hops.in {
			t.hops.turn = (t.hops.turn + 1) % len(t.hops.in)
			in := &t.hops.in[t.hops.turn]
			if in.Waiting() == 0 || t.now < in.heldUntil || t.released < in.heldBy {
				continue
			}
			if in.failures > 0 && in.Position().Attempt != in.failures+1 {
				t.announceEvent(in)
				continue
			}
			for range laneTurn {
				if len(t.queue.drawn) >= t.queue.most {
					return
				}
				if !t.mayDrawFrom(in) {
					break
				}
				p, event, ok := in.Draw()
				if !ok {
					break
				}
				drew = true
				t.queue.drawn = append(t.queue.drawn, item{frame: p.Frame, index: event, inbox: in})
			}
		}
	}
}

// announceEvent stores the number of an attempt at an event that is about to run again
// (R20). Not earlier: an owner that goes while the event waits has not tried it.
func (t *Task) announceEvent(in *inbox) {
	if t.open == nil {
		t.open = t.newBatch()
	}
	in.Position().Attempt = in.failures + 1
	in.dirty = true
	in.heldBy = t.open.seq
}

// passEvent goes past the event at the position of a channel.
func (t *Task) passEvent(in *inbox) {
	in.Applied()
	t.open.applied = in.TakePassed(t.open.applied)
	in.dirty, in.failures = true, 0
	if len(t.heldEvents) > 0 {
		delete(t.heldEvents, in.from)
	}
	t.leave(in)
}

// inboxEventDone books an event of a channel that succeeded.
func (t *Task) inboxEventDone(it *item) {
	delta, _ := t.host.Delta()
	t.ackEvent(delta, t.returnNote())
	t.passEvent(it.inbox)
}

// returnNote is what the running event returns to the appender; nil: nothing.
func (t *Task) returnNote() *wire.Note {
	returns := t.host.Returns()
	if len(returns) == 0 {
		return nil
	}
	return &wire.Note{Offset: t.host.Origin.Offset, Returns: returns}
}

// exhausted is why an event is not run again; "" if it is.
func (t *Task) exhausted(it *item) string {
	in := it.inbox
	if in.failures == 0 || in.failures < t.attemptsMax(it) {
		return ""
	}
	return fmt.Sprintf("attempt %d did not end: its worker died, or the event could not be parked in time", in.failures)
}

func (t *Task) attemptsMax(it *item) int {
	e := &it.frame.Events[it.index]
	source, ok := t.plan.Streams[t.steps[e.Step].TopologyID()].Source(e.Source)
	if !ok {
		return module.AttemptsDefault // of a source that this version does not have
	}
	return source.MaxAttempts
}

// inboxEventFailed holds the channel until the event is tried again, or ends it: it
// was rejected, is to be parked, or has failed as often as it may. Its writes and
// hops are taken back.
func (t *Task) inboxEventFailed(it *item, outcome wire.Outcome, err error) {
	in, h := it.inbox, t.host
	if outcome == wire.Failed {
		in.failures++
		if in.failures < t.attemptsMax(it) {
			t.hold(it, err)
			return
		}
		outcome = wire.Parked
	}
	note := t.endNote(it, outcome, err, in.failures)
	t.ackEvent(acker.EventID(h.Origin.Tree.ID, h.Seed), &note)
	t.passEvent(in)
}

// endNote puts an event aside that is to be parked, and words how it ended.
func (t *Task) endNote(it *item, outcome wire.Outcome, err error, failures int) wire.Note {
	if outcome == wire.Parked {
		t.parkEvent(it, err, failures)
	}
	return wire.Note{Offset: t.host.Origin.Offset, Outcome: outcome, Step: t.steps[it.frame.Events[it.index].Step].Name, Text: err.Error()}
}

// hold has the event at a channel's position, and those behind it, wait for another
// attempt.
func (t *Task) hold(it *item, err error) {
	in, h := it.inbox, t.host
	position := in.Position()
	t.heldEvents[in.from] = heldEvent{position.Number, position.Index, in.failures}
	in.Undraw()
	t.queue.removeOf(in)
	options := &t.topology[h.Topology].options
	in.heldUntil = t.now + stream.Backoff(uint16(in.failures+1), int64(options.RetryBackoff), int64(options.RetryBackoffMax), t.config.Random.Float64())
	in.heldBy = t.open.seq
	t.tellFailure(it, in.failures, err)
	t.leave(in)
}

// tellFailure tells the listener, and whoever waits at the record's root, that an event
// has failed and will be tried again.
func (t *Task) tellFailure(it *item, failures int, err error) {
	h := t.host
	step := t.steps[it.frame.Events[it.index].Step].Name
	t.counts.Failed++
	if t.listener.RecordFailed != nil {
		t.listener.RecordFailed(RecordInfo{
			TaskInfo: t.info, Depot: t.depotName(h.Topology, h.Origin.Source), Topology: t.topology[h.Topology].plan.Name, Source: t.sourceName(h.Topology, h.Origin.Source),
			Partition: h.Origin.Root, Offset: h.Origin.Offset, Attempt: failures, Err: "step " + step + ": " + err.Error(), Trace: h.Origin.Trace,
		})
	}
	notice := wire.Notice{Group: h.Origin.Tree.ID, Offset: h.Origin.Offset, Attempt: failures, Step: step, Text: err.Error()}
	if h.Origin.Root == t.config.Task {
		t.onNotice(&notice)
		return
	}
	m := t.mailTo(h.Origin.Root)
	m.Notices = append(m.Notices, notice)
	t.postMail()
}

// removeOf takes back the drawn events of a channel that have not begun to run.
func (q *queue) removeOf(in *inbox) {
	q.drop(func(it *item) bool { return it.inbox == in })
}

// storeInboxes adds how far the channels are applied to the batch that is being
// sealed.
func (t *Task) storeInboxes(b *batch) {
	for id := range t.hops.in {
		in := &t.hops.in[id]
		if !in.dirty {
			continue
		}
		in.dirty = false
		position := in.Position()
		t.host.Scratch = position.AppendText(t.host.Scratch[:0])
		b.note(wire.ChannelsTable(t.config.Tag), store.Write{Field: "in/" + strconv.Itoa(id), Value: string(t.host.Scratch)})
		news := position.Number > in.given
		b.receipts = append(b.receipts, receipt{in.from, *position, news})
		if news {
			in.given = position.Number
			if in.from == t.config.Task {
				t.hops.out[id].Confirm(position.Number) // trimmed by the same commit
			}
		}
	}
}

// onNotice tells who waits for a record that an event of it has failed and will be
// tried again (promise 3.104).
func (t *Task) onNotice(n *wire.Notice) {
	g := t.hops.groups[n.Group]
	if g == nil || !g.hasRecord(n.Offset) || g.source.feed.options.AckFailureOnRetryOnly {
		return
	}
	for _, waiter := range t.takeWaiters(recordKey{g.source.plan.Depot.Name, n.Offset}) {
		t.effects.Answers = append(t.effects.Answers, Answer{
			Waiter: waiter, Kind: AnswerFailed, Topology: g.source.topology.plan.Name, Text: "step " + n.Step + ": " + n.Text, Attempt: n.Attempt, WillRetry: true,
		})
	}
}
