package runtime

import (
	"fmt"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
)

// What exactly-once topologies append to topics that are no depots is numbered and
// kept like appends to depots, in one line for all topics, since nobody who reads them
// drops what comes twice. Instead each transaction holds records and up to where they
// go (R30): a new owner, and one that does not know how its last transaction ended,
// fences off all before, asks for the position of the last one that is there, and goes
// on behind it.

// TopicRecord is a record on its way to a topic.
type TopicRecord struct {
	Topic  string
	Spread uint64       // picks the partition of a record without a key
	Record depot.Record // handed over
}

// Transaction is records to be written together with a position: all or nothing.
type Transaction struct {
	Round    uint64 // of the opening that it belongs to
	Records  []TopicRecord
	Position []byte
}

// TopicsOpened answers Effects.OpenTopics: the position of the task's last
// transaction, nil if it never had one.
type TopicsOpened struct {
	Round    uint64
	Position []byte
	Err      error
}

// TransactionDone answers Effects.Transaction. After an error, whatever it says, the
// position of the next opening tells what became of it.
type TransactionDone struct {
	Round uint64
	Err   error
}

func (*TopicsOpened) input()    {}
func (*TransactionDone) input() {}

// topics is how far a task has come with its transactions.
type topics struct {
	round uint64 // of the last opening; grows over all ownership periods
	state topicsState
	doubt *wire.TopicPosition // does not go together with the slot
	asked bool                // for this task's own head, because of that
}

type topicsState uint8

const (
	topicsClosed  topicsState = iota
	topicsOpening             // OpenTopics is under way
	topicsInDoubt             // what it found does not go together with the slot
	topicsOpen
	topicsWriting // Transaction is under way
)

// transactionBytesMax ends a transaction that grows.
const transactionBytesMax = 4 << 20

// toTopics reports whether the line is that of the topics.
func (l *line) toTopics() bool { return l.depot == wire.TopicsLine }

// writeTopics writes the next transaction, or opens what it takes.
func (t *Task) writeTopics(l *line) {
	x := &t.emissions.topics
	if l.broken || len(l.waiting) == 0 {
		return
	}
	switch x.state {
	case topicsClosed:
		x.round++
		x.state = topicsOpening
		t.effects.OpenTopics = x.round
	case topicsOpen:
		x.state = topicsWriting
		t.effects.Transaction = t.nextTransaction(l)
	}
}

// nextTransaction takes the next appends of the line.
func (t *Task) nextTransaction(l *line) *Transaction {
	txn := &Transaction{Round: t.emissions.topics.round}
	bytes := int64(0)
	for l.sent = 0; l.sent < len(l.waiting) && l.sent < lineWindow && bytes < transactionBytesMax; l.sent++ {
		e := l.waiting[l.sent]
		bytes += bytesOfAppend(&e.Append)
		txn.Records = append(txn.Records, TopicRecord{Topic: e.Topic, Spread: e.Seed, Record: e.Record})
	}
	last := l.waiting[l.sent-1]
	position := wire.TopicPosition{Line: l.name, Number: last.number, Commit: last.commit}
	txn.Position = position.AppendText(nil)
	return txn
}

// onTopicsOpened goes on behind the last transaction that is there.
func (t *Task) onTopicsOpened(in *TopicsOpened) {
	x := &t.emissions.topics
	if x.state != topicsOpening || in.Round != x.round {
		return // of an earlier connection
	}
	l := t.lineTo(wire.TopicsLine, 0)
	if in.Err != nil {
		t.topicsFailed(l)
		return
	}
	at := &wire.TopicPosition{Line: l.name}
	if in.Position != nil {
		p, err := wire.ParseTopicPosition(string(in.Position))
		if err != nil {
			t.halt(fmt.Errorf("the position of the last transaction: %w", err))
			return
		}
		at = &p
	}
	there, lost := l.compare(at)
	if lost != nil {
		x.state, x.doubt, x.asked = topicsInDoubt, at, false
		t.askHeads()
		return
	}
	t.topicsOpened(l, there)
}

// topicsOpened goes on behind the first of the waiting appends, which are there.
func (t *Task) topicsOpened(l *line, there int) {
	x := &t.emissions.topics
	for _, e := range l.waiting[:there] {
		e.inLog = true
	}
	x.state, l.sent = topicsOpen, there
	t.advanceLine(l)
	t.writeTopics(l)
}

// compare says how many of the waiting appends are in the topics, and what does not go
// together: the slot has lost commits whose output is there, or the topics have lost
// what they had (R31).
func (l *line) compare(at *wire.TopicPosition) (there int, lost *LostTailInfo) {
	top := l.known + uint64(len(l.waiting))
	switch {
	case at.Line != l.name:
		return 0, &LostTailInfo{Records: at.Number}
	case at.Number < l.known:
		return 0, &LostTailInfo{Missing: l.known - at.Number}
	case at.Number == l.known:
		return 0, nil
	case at.Number <= top && l.waiting[at.Number-l.known-1].commit == at.Commit:
		return int(at.Number - l.known), nil
	}
	for there < len(l.waiting) && l.waiting[there].commit.Token == at.Commit.Token && l.waiting[there].commit.Number <= at.Commit.Number {
		there++ // surely there
	}
	return there, &LostTailInfo{Records: at.Number - l.known - uint64(there)}
}

// doubtsTopics reports whether the task's own head is to be looked at: a former owner
// that has not noticed yet finds what its successor has written, and nothing is lost.
func (t *Task) doubtsTopics() bool {
	return t.emissions.topics.state == topicsInDoubt && !t.emissions.topics.asked
}

// askTopics adds this task's own head to a question.
func (t *Task) askTopics(asked []bool) {
	if t.doubtsTopics() {
		t.emissions.topics.asked = true
		asked[t.config.Task] = true
	}
}

// judgeTopics hears that this task owns the slot of the slot's present master: so the
// store has lost commits.
func (t *Task) judgeTopics() {
	x := &t.emissions.topics
	if x.state != topicsInDoubt || !x.asked {
		return
	}
	l := t.lineTo(wire.TopicsLine, 0)
	there, lost := l.compare(x.doubt)
	x.doubt = nil
	if lost == nil || t.topicsLost(lost) {
		t.topicsOpened(l, there)
	}
}

// topicsLost tells of a lost tail. It returns false if the task halts.
func (t *Task) topicsLost(lost *LostTailInfo) bool {
	lost.TaskInfo, lost.From = t.info, t.config.Task
	if t.listener.LostTail != nil {
		t.listener.LostTail(*lost)
	}
	if t.options.LostTail != LostTailGoesOn {
		t.halt(&LostTailError{*lost})
		return false
	}
	return true
}

// onTransactionDone ends the appends of a transaction, or has them written again as
// far as they are not there.
func (t *Task) onTransactionDone(in *TransactionDone) {
	x := &t.emissions.topics
	if x.state != topicsWriting || in.Round != x.round {
		return // of an earlier connection
	}
	l := t.lineTo(wire.TopicsLine, 0)
	for _, e := range l.waiting[:l.sent] {
		e.inLog = in.Err == nil
		t.tellAppend(e, in.Err)
	}
	if in.Err != nil {
		t.topicsFailed(l)
		return
	}
	x.state = topicsOpen
	t.advanceLine(l)
	t.writeTopics(l)
}

// topicsFailed opens anew after a pause.
func (t *Task) topicsFailed(l *line) {
	t.emissions.topics.state = topicsClosed
	l.sent = 0
	t.breakLine(l)
	t.pauseLine(l)
}
