package telemetry

import (
	"cmp"
	"container/list"
	"sync"
	"time"

	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// TreesConfig bounds what Trees keeps.
type TreesConfig struct {
	// Every is of how many records one is kept, beside those that failed, were tried again,
	// were parked, dropped or slow. Default 1,000; negative: none.
	Every int
	// Slow is how long a record takes, with its tree if it has one, that is kept in any case.
	// Default 1 s; negative: none is.
	Slow time.Duration
	// Records and Events bound how many records are kept, and how many events of each. The
	// records that were heard of longest ago go first. Default 1,000 and 200.
	Records, Events int
}

func (c TreesConfig) withDefaults() TreesConfig {
	c.Every = cmp.Or(c.Every, 1000)
	c.Slow = cmp.Or(c.Slow, slowDefault)
	c.Records, c.Events = cmp.Or(c.Records, 1000), cmp.Or(c.Events, 200)
	return c
}

// Trees keeps what was heard of event trees on one worker, so that what is over can be
// looked at: client.Tree puts together what several have kept.
type Trees struct {
	config TreesConfig

	mu     sync.Mutex
	kept   map[spot]*keptTree
	recent list.List // of *keptTree, the latest heard of first
	begun  byTask[begunEvent]
	drawn  map[topologyKey]*drawn
	micros map[topologyKey]openMicrobatch
}

// begunEvent is the event of a record that is followed which began last on a task.
type begunEvent struct {
	seed uint64
	at   time.Time
}

// NewTrees returns one that has kept nothing yet.
func NewTrees(config TreesConfig) *Trees {
	return &Trees{config: config.withDefaults(), kept: map[spot]*keptTree{}, begun: byTask[begunEvent]{}, drawn: map[topologyKey]*drawn{}, micros: map[topologyKey]openMicrobatch{}}
}

// Listener returns what tells it; one serves all tasks of a worker.
func (k *Trees) Listener() *runtime.Listener {
	return &runtime.Listener{
		Every: max(k.config.Every, 0), Slow: max(k.config.Slow, 0),
		EventBegin: k.eventBegin, EventKept: k.eventKept, BatchSent: k.batchSent, BatchCommitted: k.batchCommitted, Dropped: k.dropped,
		TreeOver:      func(i runtime.RecordInfo) { k.over(&i, eventtree.Done) },
		RecordFailed:  func(i runtime.RecordInfo) { k.over(&i, eventtree.Retrying) },
		RecordParked:  func(i runtime.RecordInfo) { k.over(&i, eventtree.Parked) },
		RecordDropped: func(i runtime.RecordInfo) { k.over(&i, eventtree.Dropped) },
		Microbatch:    k.microbatch,
	}
}

func (k *Trees) eventBegin(i runtime.EventInfo) *wire.Trace {
	k.mu.Lock()
	defer k.mu.Unlock()
	*k.begun.of(i.TaskInfo) = begunEvent{i.Seed, time.Now()}
	return i.Trace
}

func (k *Trees) eventKept(i runtime.EventInfo) {
	if i.Depot == "" {
		return // it descends from no record
	}
	now := time.Now()
	e := eventtree.Event{
		Topology: i.Topology, Step: i.Step, Root: i.Root, Source: i.Source, ID: eventtree.ID(i.Seed), Attempt: i.Attempt, Task: i.Task,
		State: eventtree.Batched, Since: now, Ran: now, Hops: i.Children, Waits: "the commit of its batch",
	}
	if i.Err != nil {
		e.State, e.Error, e.Waits = eventtree.Failed, i.Err.Error(), ""
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if b := k.begun.of(i.TaskInfo); b.seed == i.Seed {
		e.Began = b.at // else nobody knew that it would be kept
	}
	t := k.of(treeKey{i.Module, i.Topology, i.Source, i.RootTask, i.Offset}, i.Depot)
	if t.tree.TraceID == "" && i.Trace != nil {
		t.tree.TraceID = TraceID(i.Trace)
	}
	t.lost = t.lost || i.Attempt == 1 && !k.whole(t, i.Trace)
	for n := range t.events {
		if have := &t.events[n]; have.ID == e.ID && have.Attempt == e.Attempt {
			*have = e // it ran again, since its commit did not come about
			return
		}
	}
	if len(t.events) >= k.config.Events {
		t.lost = true
		return
	}
	t.events = append(t.events, e)
}

// whole reports whether a record is followed from its first attempt on. Of the others that
// failed or were slow, what succeeded at the first attempt is not here.
func (k *Trees) whole(t *keptTree, trace *wire.Trace) bool {
	return runtime.Sampled(t.key.partition, t.key.offset, k.config.Every) || trace.Sampled()
}

// batchSent notes which events the commit under way is of.
func (k *Trees) batchSent(i runtime.BatchInfo) {
	if len(i.Followed) == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mark(&i, eventtree.Committing)
}

func (k *Trees) batchCommitted(i runtime.BatchInfo) {
	if len(i.Followed) == 0 {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.mark(&i, eventtree.Ended)
}

// mark notes how far the commit of events is.
func (k *Trees) mark(i *runtime.BatchInfo, state eventtree.State) {
	now := time.Now()
	var batch, waits string
	if state == eventtree.Committing { // what comes then has the batch already
		batch, waits = committing(i)
	}
	for n := range i.Followed {
		f := &i.Followed[n]
		t := k.find(&treeKey{i.Module, f.Topology, f.Source, f.RootTask, f.Offset})
		if t == nil {
			continue
		}
		for at := range t.events {
			e := &t.events[at]
			if e.ID != eventtree.ID(f.Seed) || e.Attempt != f.Attempt {
				continue
			}
			if batch != "" {
				e.Batch = batch
			}
			if state == eventtree.Ended {
				e.Committed = now
			}
			if e.State != eventtree.Failed {
				e.State, e.Since, e.Waits = state, now, waits
			}
		}
	}
}

// committing names the commit of a batch, and says what its events wait for.
func committing(i *runtime.BatchInfo) (batch, waits string) {
	const first = "commit "
	var space [128]byte
	text := append(space[:0], first...)
	if !i.Head.Token.IsZero() {
		text = i.Head.Append(text)
	}
	end := len(text)
	waits = string(append(append(text, " to durability "...), i.Level.String()...))
	return waits[len(first):end], waits
}

// dropped forgets the events that are not committed: they run again, or nobody knows.
func (k *Trees) dropped(i runtime.DroppedInfo) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.forgetMicrobatches(i.TaskInfo)
	for e := k.recent.Front(); e != nil; e = e.Next() {
		t := e.Value.(*keptTree)
		if t.key.module != i.Module {
			continue
		}
		for n := range t.events {
			if e := &t.events[n]; e.Task == i.Task && e.Committed.IsZero() && e.State != eventtree.Failed {
				e.State, e.Waits, e.Error = eventtree.Failed, "", "its task gave up its connection: "+errorText(i.Cause)
			}
		}
	}
}

func errorText(err error) string {
	if err == nil {
		return "for no known reason"
	}
	return err.Error()
}

// over notes how an attempt ended.
func (k *Trees) over(i *runtime.RecordInfo, state eventtree.State) {
	now := time.Now()
	k.mu.Lock()
	defer k.mu.Unlock()
	t := k.of(treeKey{i.Module, i.Topology, i.Source, i.Partition, i.Offset}, i.Depot)
	tree := &t.tree
	if tree.Depot == "" {
		tree.Depot = i.Depot
	}
	if i.Trace != nil {
		tree.TraceID = TraceID(i.Trace)
	}
	t.known, t.lost = t.known || i.Partition == i.Task, t.lost || !k.whole(t, i.Trace)
	tree.State, tree.Attempt, tree.ID, tree.Tasks = state, i.Attempt, eventtree.ID(i.Tree), i.Tasks
	tree.Slow = tree.Slow || i.Slow
	if i.Took > 0 {
		tree.Since = now.Add(-i.Took)
	}
	if i.Err != "" {
		tree.Error = i.Err
	}
	attempt := eventtree.Attempt{Number: i.Attempt, State: state, Over: now, Error: i.Err}
	if i.Took > 0 {
		attempt.Began = tree.Since
	}
	tree.Over, tree.Next = now, time.Time{}
	if state == eventtree.Retrying {
		attempt.State, tree.Over = eventtree.Failed, time.Time{}
		if i.Pause > 0 {
			tree.Next = now.Add(i.Pause)
		}
	}
	if n := len(tree.Attempts); n > 0 && tree.Attempts[n-1].Number == attempt.Number {
		tree.Attempts[n-1] = attempt
	} else if n < attemptsKept {
		tree.Attempts = append(tree.Attempts, attempt)
	}
	if state == eventtree.Done {
		k.noteDrawn(t, now)
	}
}

// attemptsKept bounds the attempts of a record that are kept.
const attemptsKept = 50

// Part is what was kept of what is asked for.
func (k *Trees) Part(module, worker string, q *eventtree.Query) eventtree.Part {
	p := eventtree.Part{Task: task.None, Worker: worker, Kept: true}
	k.mu.Lock()
	defer k.mu.Unlock()
	if q.Drawn {
		p.Drawn = k.drawnOf(module)
		return p
	}
	for e := k.recent.Front(); e != nil; e = e.Next() {
		t := e.Value.(*keptTree)
		if t.key.module != module {
			continue
		}
		if q.List > 0 {
			if t.known && q.Recent && len(p.Trees) < q.List && (q.Depot == "" || q.Depot == t.tree.Depot) && (q.Topology == "" || q.Topology == t.key.topology) {
				p.Trees = append(p.Trees, t.copied(worker))
			}
			continue
		}
		if t.tree.Depot != q.Depot || t.key.partition != q.Partition || t.key.offset != q.Offset {
			continue
		}
		if t.known {
			p.Trees = append(p.Trees, t.copied(worker))
		}
		for _, event := range t.events {
			event.Worker = worker
			p.Events = append(p.Events, event)
		}
	}
	return p
}
