package runtime

import (
	"fmt"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/host"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// Appends of handlers to depots leave like hops, after the commit of their event
// (R30, R40), and belong to its tree like hops: each is a child that ends when the
// log has it. One that fails, or of which nobody knows, fails the tree, and the
// record runs again: at least once. Nothing waits for the log but the tree; what
// its appends take in memory counts as queued, and closes sources (R43).
//
// Those of exactly-once topologies are numbered: see appendline.go.

// Append is a record to be written to a depot or topic. The driver answers with AppendDone.
type Append struct {
	ID        uint64 // names it in the answer
	Depot     string
	Partition int32
	Record    depot.Record // key, value and headers; handed over
	// Topic is where it goes instead of a depot; the partition is that of the key, or
	// picked by Spread.
	Topic  string
	Spread uint64
}

// AppendDone answers one of Effects.Appends. Err is nil when all in-sync replicas
// have it, wraps depot.ErrNotAppended when it is certainly not in the log, and else
// means that nobody knows.
type AppendDone struct {
	ID  uint64
	Err error
}

func (*AppendDone) input() {}

// AppendInfo is about one append of a handler.
type AppendInfo struct {
	TaskInfo
	Topology  string
	Step      string // or the source, whose handler made it
	Depot     string
	Topic     string // instead of Depot
	Partition task.ID
	Awaited   bool   // the record's tree waits for it
	Number    uint64 // of exactly-once topologies: it is sent until the log has it; else 0
	Err       error
}

// emission is an append from the end of its event until the log has answered.
type emission struct {
	host.Append
	topology, step string
	root           task.ID
	tree           acker.Ref // or group; zero where none waits
	numbered       bool
	numbering
}

// emissions are the appends of a task that are not answered.
type emissions struct {
	last     uint64 // id given last; ids are never given again
	underWay map[uint64]*emission
	bytes    int64
	lines    []*line
	byKey    map[lineKey]*line
	broken   int // of the lines
	topics   topics
	trims    trims
}

// forget drops what was under way: its trees fail, and answers are of no interest.
func (s *emissions) forget() { *s = emissions{last: s.last, topics: topics{round: s.topics.round}} }

// count is the number of appends that the logs may not have yet.
func (s *emissions) count() int {
	n := 0
	for _, e := range s.underWay {
		if !e.numbered {
			n++
		}
	}
	for _, l := range s.lines {
		n += len(l.waiting)
	}
	return n
}

// batchAppends are the appends of a batch: they leave after its commit.
type batchAppends struct {
	appends     []emission
	appendBytes int64
	numbered    bool // some of them are
}

func (a *batchAppends) reset() {
	clear(a.appends)
	*a = batchAppends{appends: a.appends[:0]}
}

// batchAppendBytesMax ends a batch whose events append so much.
const batchAppendBytesMax = 4 << 20

// bytesOfAppend is about how much memory an append takes.
func bytesOfAppend(a *host.Append) int64 { return int64(depot.RecordBytes(&a.Record)) + 200 }

// collect takes the appends of an event that ended well into the open batch. It
// returns what the end of a record without a tree has to wait for, nil if nothing.
func (t *Task) collect(it *item) *unsaid {
	h := t.host
	if len(h.Appends()) == 0 {
		return nil
	}
	var e emission
	var said *unsaid
	if it.source != nil && it.frame == nil {
		e.topology, e.step = it.source.topology.plan.Name, it.source.plan.Name
	} else {
		step := t.steps[it.frame.Events[it.index].Step]
		e.topology, e.step = step.Topology, step.Name
	}
	if e.numbered = h.Lasting; e.numbered && h.Origin.Tree.ID == 0 {
		said = &unsaid{}
	} else {
		h.AwaitAppends()
	}
	e.root, e.tree = h.Origin.Root, h.Origin.Tree
	headers := traceHeaders(h.Origin.Trace)
	for _, a := range h.Appends() {
		e.Append = a
		e.Record.Headers = append(e.Record.Headers, headers...)
		if e.said = nil; said != nil && !a.Unawaited {
			e.said = said
			said.left++
		}
		t.open.appends = append(t.open.appends, e)
		t.open.appendBytes += bytesOfAppend(&e.Append)
		t.open.numbered = t.open.numbered || e.numbered
	}
	return said
}

// sendAppends lets the appends of a committed batch leave.
func (t *Task) sendAppends(b *batch) {
	for i := range b.appends {
		e := b.appends[i]
		switch {
		case !e.numbered:
			t.emissions.bytes += bytesOfAppend(&e.Append)
			t.sendAppend(&e, e.Record)
		case b.mark.Token == t.head.Token: // else it was read from the slot
			t.emissions.bytes += bytesOfAppend(&e.Append)
			e.line.waiting = append(e.line.waiting, &e)
		}
	}
	for i := range b.appends {
		if l := b.appends[i].line; l != nil && b.mark.Token == t.head.Token {
			t.sendLine(l)
		}
	}
}

// sendAppend hands an append to the driver.
func (t *Task) sendAppend(e *emission, record depot.Record) {
	s := &t.emissions
	s.last++
	if s.underWay == nil {
		s.underWay = map[uint64]*emission{}
	}
	s.underWay[s.last] = e
	t.effects.Appends = append(t.effects.Appends, Append{ID: s.last, Depot: e.Depot, Partition: int32(e.Partition), Record: record, Topic: e.Topic, Spread: e.Seed})
}

// onAppendDone ends an append's part of its tree.
func (t *Task) onAppendDone(in *AppendDone) {
	e := t.emissions.underWay[in.ID]
	if e == nil {
		return // of an earlier connection
	}
	delete(t.emissions.underWay, in.ID)
	t.tellAppend(e, in.Err)
	if e.numbered {
		t.numberedDone(e, in.Err)
		return
	}
	t.emissions.bytes -= bytesOfAppend(&e.Append)
	if e.Unawaited || t.phase != running {
		return
	}
	ack := wire.Ack{Tree: e.tree, Delta: acker.EventID(e.tree.ID, e.Seed)}
	if in.Err != nil {
		ack.More = &wire.AckMore{Outcome: wire.Undone, Text: fmt.Sprintf("append to %s: %v", e.where(), in.Err), Step: e.step}
	}
	t.ackLater(e.root, &ack)
}

// where words where an append goes.
func (e *emission) where() string {
	if e.Topic != "" {
		return "topic " + e.Topic
	}
	return fmt.Sprintf("depot %s, partition %d", e.Depot, e.Partition)
}

// tellAppend tells the listener what became of an append.
func (t *Task) tellAppend(e *emission, err error) {
	if t.listener.AppendDone != nil {
		t.listener.AppendDone(AppendInfo{
			TaskInfo: t.info, Topology: e.topology, Step: e.step, Depot: e.Depot, Topic: e.Topic, Partition: e.Partition,
			Awaited: !e.Unawaited, Number: e.number, Err: err,
		})
	}
}

// ackLater reports something that ended outside of any batch to the root of its
// tree.
func (t *Task) ackLater(root task.ID, a *wire.Ack) {
	if root == t.config.Task {
		t.onAck(&wire.Frame{From: root}, a)
		return
	}
	if t.open == nil {
		t.open = t.newBatch()
	}
	t.host.Out.Ack(root, a.Tree, a.Delta, a.Touched, a.More)
}
