package worker

import (
	"context"
	"errors"
	"sync"

	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// slotLine is a task's line to its slot: it carries out store effects one after
// another, on one connection (R8).
type slotLine struct {
	d      *driver
	ctx    context.Context
	cancel context.CancelFunc
	jobs   chan job
	done   chan struct{}

	mu      sync.Mutex
	session store.Session
}

// job is one store effect of one session.
type job struct {
	number uint64 // of the session
	take   *task.Head
	commit *store.Batch
	ctx    context.Context // of the commit
	reads  []store.Read
	heads  []task.ID
}

// jobsMax is more than the engine ever has under way: a take-over, or a commit,
// one round of reads and one of heads, and the same again of a dropped session.
const jobsMax = 16

func newSlotLine(d *driver) *slotLine {
	l := &slotLine{d: d, jobs: make(chan job, jobsMax), done: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	go l.run()
	return l
}

func (l *slotLine) put(j job) {
	j.number = l.d.session.Load()
	l.jobs <- j
}

func (l *slotLine) take(head task.Head) { l.put(job{take: &head}) }
func (l *slotLine) commit(b *store.Batch) {
	ctx := l.ctx
	if of := l.d.w.config.CommitContext; of != nil {
		ctx = of(ctx, l.d.info())
	}
	l.put(job{commit: b, ctx: ctx})
}
func (l *slotLine) read(reads []store.Read) { l.put(job{reads: reads}) }
func (l *slotLine) heads(tasks []task.ID)   { l.put(job{heads: tasks}) }
func (l *slotLine) answer(n uint64, in runtime.Input) {
	l.d.mail.put(message{in: in, session: n, store: true})
}

// drop ends the session; what is under way on it is void.
func (l *slotLine) drop() {
	l.d.session.Add(1)
	l.mu.Lock()
	s := l.session
	l.session = nil
	l.mu.Unlock()
	if s != nil {
		_ = s.Close() // it is given up because it broke
	}
}

func (l *slotLine) close() {
	l.cancel()
	l.drop()
	close(l.jobs)
	<-l.done
}

func (l *slotLine) run() {
	defer close(l.done)
	for j := range l.jobs {
		if j.number != l.d.session.Load() {
			continue
		}
		if j.take != nil {
			l.doTake(j)
			continue
		}
		l.mu.Lock()
		s := l.session
		l.mu.Unlock()
		if s == nil {
			continue
		}
		switch {
		case j.commit != nil:
			l.answer(j.number, &runtime.CommitDone{Err: s.Commit(j.ctx, j.commit)})
		case j.reads != nil:
			err := s.Read(l.ctx, j.reads)
			l.answer(j.number, &runtime.ReadDone{Reads: j.reads, Err: err})
		case j.heads != nil:
			l.doHeads(j, s)
		}
	}
}

// errNotNominated: the group gave the task to another worker, or was not heard from
// (R5).
var errNotNominated = errors.New("the task is not nominated to this worker now")

func (l *slotLine) doTake(j job) {
	if !l.d.loaded.tenure.mayTake(l.d.id) {
		l.answer(j.number, &runtime.Taken{Err: errNotNominated})
		return
	}
	ctx, cancel := context.WithTimeout(l.ctx, takeTimeout)
	defer cancel()
	s, previous, err := l.d.w.config.Store.Take(ctx, l.d.slot, *j.take)
	if errors.Is(err, store.ErrDenied) {
		select {
		case l.d.denied <- err: // to who waits for the start: more tries are of no use
		default:
		}
	}
	if err != nil {
		l.answer(j.number, &runtime.Taken{Err: err})
		return
	}
	l.mu.Lock()
	stale := j.number != l.d.session.Load()
	if !stale {
		l.session = s
	}
	l.mu.Unlock()
	if stale {
		_ = s.Close()
		return
	}
	l.answer(j.number, &runtime.Taken{Previous: previous, Lineage: s.Lineage()})
}

func (l *slotLine) doHeads(j job, s store.Session) {
	slots := make([]store.Slot, len(j.heads))
	for i, id := range j.heads {
		slots[i] = l.d.loaded.slots[id]
	}
	heads, err := s.Heads(l.ctx, slots)
	l.answer(j.number, &runtime.HeadsDone{Tasks: j.heads, Heads: heads, Err: err})
}
