package runtime

import (
	"fmt"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime/stream"
)

// Trees says what the task knows of event trees, between two steps: of one record, or of
// all that are under way. It is for tools that look; it changes nothing, and costs the walk
// through what waits on the task.
//
// look.go has the roots of trees, lookevents.go the events that are on the task.
func (t *Task) Trees(q eventtree.Query) eventtree.Part {
	p := eventtree.Part{Task: t.config.Task, Worker: t.config.Address}
	l := looker{t: t, q: &q, part: &p}
	if q.List > 0 {
		l.list()
	} else {
		l.roots()
		l.events()
	}
	for i := range p.Trees {
		p.Trees[i].Worker = p.Worker
	}
	for i := range p.Events {
		p.Events[i].Worker = p.Worker
	}
	return p
}

// looker is one look at a task.
type looker struct {
	t    *Task
	q    *eventtree.Query
	part *eventtree.Part
}

// roots looks the record up in each source that reads its depot here.
func (l *looker) roots() {
	if l.q.Partition != l.t.config.Task {
		return
	}
	for _, topo := range l.t.topology {
		for _, s := range topo.sources {
			if s.plan.Depot.Name == l.q.Depot {
				l.part.Trees = append(l.part.Trees, l.root(s, l.q.Offset))
			}
		}
	}
}

// tree is one with what all have.
func (l *looker) tree(s *source, offset int64) eventtree.Tree {
	return eventtree.Tree{
		Record:   eventtree.Record{Module: l.t.info.Module, Depot: s.plan.Depot.Name, Partition: l.t.config.Task, Offset: offset},
		Topology: s.topology.plan.Name, Source: s.plan.Name, Task: l.t.config.Task,
	}
}

// root finds out where a record is in a source: the places are looked at in the order in
// which a record can be in several of them at a time.
func (l *looker) root(s *source, offset int64) eventtree.Tree {
	t, tree := l.t, l.tree(s, offset)
	if t.phase != running || !s.known {
		tree.State, tree.Waits = eventtree.Starting, l.starting()
		return tree
	}
	if r, ok := s.retries.Find(offset); ok {
		l.retrying(&tree, s, &r)
		return tree
	}
	for _, look := range []func(*eventtree.Tree, *source, int64) bool{l.announced, l.drawn, l.reading, l.open, l.consumed, l.ending, l.unsaid, l.microbatch} {
		if look(&tree, s, offset) {
			return tree
		}
	}
	if s.progress.Done(offset) {
		l.done(&tree, s, offset)
		return tree
	}
	l.notBegun(&tree, s, offset)
	return tree
}

func (l *looker) starting() string {
	if l.t.phase == halted {
		return "nothing: the task has halted: " + l.t.halted.Error()
	}
	return "the task, which does not run yet: it is " + l.t.phase.String()
}

func (l *looker) retrying(tree *eventtree.Tree, s *source, r *stream.Retry) {
	tree.State, tree.Attempt, tree.Error = eventtree.Retrying, int(r.Attempt), r.Reason
	tree.Next = l.q.At(r.ReadyAt)
	tree.Waits = fmt.Sprintf("the pause before attempt %d", r.Attempt)
	switch {
	case r.ReadyAt <= l.t.now:
		tree.Waits = fmt.Sprintf("attempt %d, which is due", r.Attempt)
		if why := l.barred(s); why != "" {
			tree.Waits += ": " + why
		}
	case s.heldUntil > r.ReadyAt:
		tree.Next = l.q.At(s.heldUntil)
	}
}

// barred is why a source begins no record now; "" if it may.
func (l *looker) barred(s *source) string {
	t := l.t
	switch {
	case t.shut(s) != "":
		return t.shut(s)
	case t.finishing:
		return "the task is being handed over"
	case s.held():
		return "an attempt before it has not begun, and the source keeps its order"
	case t.now < s.heldUntil:
		return "the source keeps its order, and pauses after a failure"
	case t.throttled(s.topology):
		return s.topology.limitText()
	case !t.mayBegin(s):
		return "a hold of the test kit"
	case !t.mayPace(&s.pace):
		return "events that are on their way: the source begins records at the pace at which those run"
	}
	return ""
}

// announced: the number of the attempt is on its way to the slot, or just there.
func (l *looker) announced(tree *eventtree.Tree, s *source, offset int64) bool {
	set := func(attempt uint16, reason string) bool {
		tree.State, tree.Attempt, tree.Error = eventtree.Announced, int(attempt), reason
		tree.Waits = fmt.Sprintf("the commit that stores the number of attempt %d", attempt)
		return true
	}
	for _, b := range []*batch{l.t.open, l.t.inflight, l.t.held} {
		if b == nil {
			continue
		}
		for i := range b.begins {
			if n := &b.begins[i]; n.source == s && n.retry.Record.Offset == offset && n.run == s.run {
				return set(n.retry.Attempt, n.retry.Reason)
			}
		}
	}
	for i := range s.ready {
		if r := &s.ready[i]; r.record.Offset == offset {
			return set(r.attempt, "")
		}
	}
	return false
}

// drawn: the root event is among those that run next.
func (l *looker) drawn(tree *eventtree.Tree, s *source, offset int64) bool {
	q := &l.t.queue
	for i := q.at; i < len(q.drawn); i++ {
		if it := &q.drawn[i]; it.source == s && it.frame == nil && it.command == nil && it.record.Offset == offset {
			tree.State, tree.Attempt = eventtree.Queued, int(it.attempt)
			tree.Waits = fmt.Sprintf("its turn on task %d: %d events run before it", l.t.config.Task, i-q.at)
			l.traced(tree, it.record)
			return true
		}
	}
	return l.aside(tree, s, offset)
}

// aside: the root event waits for one of its key that has yielded.
func (l *looker) aside(tree *eventtree.Tree, s *source, offset int64) (found bool) {
	l.t.queue.eachAside(func(y *yielded) {
		for i := range y.waiting {
			if it := &y.waiting[i]; it.source == s && it.frame == nil && it.record.Offset == offset {
				tree.State, tree.Attempt, tree.Waits = eventtree.Queued, int(it.attempt), behindOne
				l.traced(tree, it.record)
				found = true
			}
		}
	})
	return found
}

// reading: the handler of the root event waits for what it reads.
func (l *looker) reading(tree *eventtree.Tree, s *source, offset int64) bool {
	h := l.t.host
	if !l.t.co.waiting || h.Record == nil || h.Record.Offset != offset || h.Topology != s.topology.plan.ID || int(h.Origin.Source) != s.plan.ID {
		return false
	}
	tree.State, tree.Attempt, tree.Waits = eventtree.Reading, int(h.Origin.Attempt), "the store, for what its handler reads"
	l.traced(tree, h.Record)
	return true
}

// open: events of the record's tree are under way.
func (l *looker) open(tree *eventtree.Tree, s *source, offset int64) (found bool) {
	if l.t.ledger == nil {
		return false
	}
	l.t.ledger.Each(func(a *acker.Tree[rooted]) bool {
		if d := &a.Data; d.source == s && d.record.Offset == offset {
			l.rooted(tree, a)
			found = true
		}
		return !found
	})
	return found
}

func (l *looker) rooted(tree *eventtree.Tree, a *acker.Tree[rooted]) {
	d := &a.Data
	tree.State, tree.ID, tree.Attempt, tree.Since = eventtree.Open, eventtree.ID(a.Ref.ID), int(d.attempt), l.q.At(d.opened)
	tree.Deadline = l.q.At(d.opened + int64(d.source.topology.options.TreeTimeout))
	tree.Tasks = eventtree.Touched(a.Touched, l.t.config.Tasks)
	tree.Waits = "its events"
	if a.Xor == 0 {
		tree.State, tree.Waits = eventtree.Proving, "the heads of the tasks that its events ran on, which are on other servers' histories"
	}
	l.traced(tree, d.record)
}

// consumed: the record of an exactly-once topology is consumed, and events are under way.
func (l *looker) consumed(tree *eventtree.Tree, s *source, offset int64) bool {
	g := s.groupAt(offset)
	if g == nil {
		return false
	}
	tree.State, tree.Attempt, tree.ID, tree.Waits = eventtree.Open, 1, eventtree.ID(g.id), "its events, or those of the records that were consumed in one commit with it"
	if at, ok := g.search(offset); ok {
		m := &g.members[at]
		tree.Attempt = int(m.attempt)
		if m.said > 0 {
			said := g.saidOf(at)
			tree.Error = said.text
			tree.TraceID = traceID(traceOf(&depot.Record{Headers: said.headers}))
		}
	}
	return true
}

// ending: all that is left is a commit.
func (l *looker) ending(tree *eventtree.Tree, s *source, offset int64) bool {
	for _, b := range []*batch{l.t.open, l.t.inflight, l.t.held} {
		if b == nil {
			continue
		}
		for i := range b.finished {
			f := &b.finished[i]
			if f.source != s || f.record.Offset != offset {
				continue
			}
			tree.State, tree.Waits = l.stateOf(b)
			tree.Attempt, tree.Error = int(f.attempt), f.text
			l.traced(tree, f.record)
			return true
		}
	}
	return false
}

// stateOf is where the events of a batch are that have run in it.
func (l *looker) stateOf(b *batch) (eventtree.State, string) {
	t := l.t
	switch {
	case b == t.held:
		return eventtree.Committing, fmt.Sprintf("commit %v, which is applied, and whose durability (%v) is not reached", b.mark, t.options.Durability)
	case b == t.inflight:
		return eventtree.Committing, fmt.Sprintf("commit %v to durability %v, which is under way on task %d", b.mark, t.options.Durability, t.config.Task)
	case t.inflight != nil:
		return eventtree.Batched, fmt.Sprintf("commit %v of the batch before its own, which is under way on task %d", t.inflight.mark, t.config.Task)
	case t.co.waiting:
		return eventtree.Batched, fmt.Sprintf("another event of its batch on task %d, whose handler waits for what it reads", t.config.Task)
	}
	return eventtree.Batched, fmt.Sprintf("the rest of its batch on task %d", t.config.Task)
}

// unsaid: what the record appends is not in the log yet.
func (l *looker) unsaid(tree *eventtree.Tree, s *source, offset int64) bool {
	u := s.unsaid[offset]
	if u == nil {
		return false
	}
	tree.State, tree.Attempt, tree.Waits = eventtree.Appending, int(u.done.attempt), fmt.Sprintf("the log, for %d records that it appends", u.left)
	return true
}

// microbatch: the record is in the attempt that the task takes part in.
func (l *looker) microbatch(tree *eventtree.Tree, s *source, offset int64) bool {
	m := s.topology.micro
	if m == nil || m.run == nil || s.progress.Done(offset) {
		return false
	}
	for _, g := range m.run.ranges {
		if int(g.Source) == s.plan.ID && offset >= g.From && offset < g.To {
			l.inRun(tree, m)
			return true
		}
	}
	return false
}

func (l *looker) inRun(tree *eventtree.Tree, m *micro) {
	r := m.run
	tree.State, tree.Microbatch, tree.Attempt, tree.ID = eventtree.Microbatch, r.name.ID, int(r.attempt), eventtree.ID(r.name.Tree())
	tree.Waits = fmt.Sprintf("microbatch %d: task %d is %s, and %d of its records have not run", r.name.ID, l.t.config.Task, m.member.Step(), r.left)
	if c := m.coordinator; c != nil {
		tree.Waits += "; its coordinator is " + c.Phase().String()
	}
}

// done: the source is past the record; how it ended is known of the latest that did not
// simply end well.
func (l *looker) done(tree *eventtree.Tree, s *source, offset int64) {
	tree.State = eventtree.Done
	res, ok := s.results.byOffset[offset]
	if !ok {
		return
	}
	tree.Attempt, tree.Error = res.attempt, res.text
	switch res.outcome {
	case wire.Rejected:
		tree.State = eventtree.Rejected
	case wire.Parked:
		tree.State = eventtree.Parked
	case wire.Failed, wire.Skipped:
		tree.State = eventtree.Dropped
	}
}

func (l *looker) notBegun(tree *eventtree.Tree, s *source, offset int64) {
	if offset < s.seen {
		tree.State, tree.Waits = eventtree.Waiting, "its turn in the source"
		before := 0
		s.each(func(r *depot.Record) bool {
			if r.Offset < offset {
				before++
			}
			return r.Offset < offset
		})
		if before > 0 {
			tree.Waits = fmt.Sprintf("its turn in the source: %d records are before it", before)
		}
	} else {
		tree.State, tree.Waits = eventtree.Unread, fmt.Sprintf("being read: the source has read up to offset %d", s.seen-1)
	}
	if s.topology.micro != nil {
		tree.Waits += "; the next microbatch takes it"
		return
	}
	if why := l.barred(s); why != "" {
		tree.Waits += "; " + why
	}
}

func (l *looker) traced(tree *eventtree.Tree, r *depot.Record) { tree.TraceID = traceID(traceOf(r)) }

// traceID is the second field of a W3C traceparent.
func traceID(trace *wire.Trace) string {
	if trace == nil || len(trace.Parent) < 36 {
		return ""
	}
	return trace.Parent[3:35]
}
