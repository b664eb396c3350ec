package worker

import (
	"context"
	"encoding/binary"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// driver runs one task: it feeds the engine its inputs and carries out its
// effects.
type driver struct {
	w      *Worker
	loaded *loaded
	id     task.ID
	slot   store.Slot
	engine *runtime.Task
	mail   *mailbox
	slots  *slotLine
	calls  *calls
	object *objects
	spills *spillLine
	writes *appendLine
	topics *topicLine
	ticks  ticker
	log    *slog.Logger
	owner  *Owner // as the hooks know it

	watch   runtime.Watch
	session atomic.Uint64 // number of the session in use
	started time.Time

	mu      sync.Mutex
	waiters map[uint64]func(runtime.Answer)
	waiter  uint64
	finish  []chan struct{} // of those who wait for it to have finished
	deaf    string          // why nobody is answered any more; "": they are

	ready     chan struct{} // closed when the task runs for the first time
	readyOnce sync.Once
	dropped   atomic.Pointer[string] // why it started anew the last time; nil: it has not
	denied    chan error             // one, of the first take-over that the store lets nobody like this do
	stopped   chan struct{}          // closed when it has no slot and is to have none
	stopOnce  sync.Once
	halted    atomic.Pointer[error]
	held      atomic.Bool  // feeds wait until it has taken what is in its mailbox
	gone      atomic.Bool  // run has ended
	crashed   bool         // by CrashAt; of the running goroutine
	reads     []store.Read // memory for the next ones; of the running goroutine

	queued       atomic.Int64                 // bytes of events that wait in the engine
	memory       atomic.Pointer[store.Memory] // as last heard
	memoryTold   *store.Memory                // what the log was told of, if anything was to tell
	askingMemory atomic.Bool                  // a question is under way
	pressed      runtime.Pressure             // what the task was told last
	spillTold    time.Time
}

func newDriver(w *Worker, l *loaded, id task.ID) *driver {
	slot := l.slots[id]
	d := &driver{
		w: w, loaded: l, id: id, slot: slot, mail: newMailbox(), started: w.started,
		waiters: map[uint64]func(runtime.Answer){}, ready: make(chan struct{}), denied: make(chan error, 1), stopped: make(chan struct{}),
		log: w.config.Logger.With("module", l.plan.Module, "task", int(id)),
	}
	d.slots, d.calls, d.spills, d.writes, d.topics = newSlotLine(d), newCalls(d), newSpillLine(d), &appendLine{d: d}, &topicLine{d: d}
	d.object = newObjects(d)
	d.owner = &Owner{Module: l.plan.Module, Task: id, Address: w.link.Address(), d: d}
	d.engine = runtime.New(runtime.Config{
		Plan: l.plan, Task: id, Tasks: l.tasks, Tag: slot.Tag, Address: w.link.Address(),
		Random: d.random(), NewToken: func() task.Token { return task.Token(uuid.New()) },
		Elapsed: func() time.Duration { return time.Since(w.started) },
		Options: w.config.Options, EncodeHops: w.config.EncodeHops, Listener: d.listener(), Watch: &d.watch,
	})
	return d
}

func (d *driver) random() *rand.Rand {
	seed := d.w.config.Seed
	if seed == 0 {
		id := uuid.New()
		seed = binary.LittleEndian.Uint64(id[:])
	}
	return rand.New(rand.NewPCG(seed, uint64(d.id)+1))
}

// info names the task as the engine does.
func (d *driver) info() runtime.TaskInfo {
	return runtime.TaskInfo{Module: d.loaded.plan.Module, Task: d.id, Address: d.w.link.Address()}
}

// send hands the task an input.
func (d *driver) send(in runtime.Input) { d.mail.put(message{in: in}) }

// settle has the task begin no more records, and waits until those that it had
// begun are done.
func (d *driver) settle(ctx context.Context) {
	finished := make(chan struct{})
	d.mu.Lock()
	d.finish = append(d.finish, finished)
	d.mu.Unlock()
	d.send(&runtime.Finish{})
	select {
	case <-finished:
	case <-d.stopped:
	case <-ctx.Done():
	}
}

// run steps the engine until ctx ends or the task stops.
func (d *driver) run(ctx context.Context) {
	defer d.engine.Close()
	defer d.slots.close()
	defer d.object.close() // behind the calls
	defer d.calls.drop()
	defer d.spills.close()
	defer d.topics.close()
	defer d.gone.Store(true)
	defer d.readyOnce.Do(func() { close(d.ready) })
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	d.send(d.loaded.options.input())
	d.began()
	defer d.ended()
	d.send(&runtime.Start{})
	moved := d.w.moved()
	var batch []message
	for {
		select {
		case <-ctx.Done():
			d.failWaiters(workerStopped)
			return
		case <-d.stopped:
			d.failWaiters(workerStopped)
			return
		case <-timer.C:
			d.step(&runtime.Tick{}, timer)
		case <-moved:
			moved = d.w.moved()
			d.step(&runtime.Tick{}, timer)
		case <-d.mail.signal:
		}
		due := d.w.now() // before the mail is taken: what was sent before a clock moved is in it
		batch = d.mail.take(batch)
		for i := 0; i < len(batch) && !d.crashed; i++ {
			if batch[i].call != nil {
				batch[i].call()
				continue
			}
			if batch[i].store && batch[i].session != d.session.Load() {
				continue
			}
			d.step(batch[i].in, timer)
			d.took(&batch[i])
		}
		if d.crashed {
			d.failWaiters("the task's owner was ended")
			return
		}
		clear(batch)
		d.giveTicks(due, timer) // behind what came before they were due
		if d.crashed {
			d.failWaiters("the task's owner was ended")
			return
		}
		d.stepped()
	}
}

// now is the task's own time.
func (d *driver) now() int64 { return int64(time.Since(d.started)+d.w.ahead()) + 1 }

func (d *driver) step(in runtime.Input, timer *time.Timer) {
	now := d.now()
	e := d.engine.Step(now, in)
	if done, ok := in.(*runtime.ReadDone); ok && cap(done.Reads) <= readsSpareMax {
		clear(done.Reads)
		d.reads = done.Reads[:0]
	}
	d.queued.Store(d.engine.QueuedBytes())
	d.carryOut(e)
	wait, ticks := d.ticks.wait(d.w.now())
	if e.WakeAt != 0 {
		if until := time.Duration(max(e.WakeAt-now, 0)); !ticks || until < wait {
			wait, ticks = until, true
		}
	}
	if ticks {
		timer.Reset(wait)
	} else {
		timer.Stop()
	}
}

// readsSpareMax bounds the memory for reads that is used again. What events wait for at a time
// is below it mostly, and takes a hundred kilobytes.
const readsSpareMax = 1024

// carryOut does what the engine asks for, in the order that Effects documents.
func (d *driver) carryOut(e *runtime.Effects) {
	if e.Drop {
		d.slots.drop()
		d.calls.drop()
		d.spills.drop()
	}
	d.spills.carryOut(e)
	if e.Take != nil {
		d.slots.take(*e.Take)
	}
	if e.Commit != nil {
		d.slots.commit(e.Commit)
	}
	if len(e.Reads) > 0 {
		d.slots.read(append(d.reads, e.Reads...))
		d.reads = nil
	}
	if len(e.Heads) > 0 {
		d.slots.heads(append([]task.ID(nil), e.Heads...))
	}
	if len(e.Starts) > 0 {
		d.loaded.starts.ask(d, append([]runtime.StartQuery(nil), e.Starts...))
	}
	if e.OpenObjects {
		d.object.start()
	}
	for _, f := range e.Feeds {
		d.feed(f)
	}
	for _, f := range e.Frames {
		d.loaded.owners.ship(d, f)
	}
	for _, c := range e.Calls {
		d.calls.make(c)
	}
	if len(e.Appends) > 0 {
		d.writes.put(e.Appends)
	}
	if e.OpenTopics != 0 {
		d.topics.put(topicJob{open: e.OpenTopics})
	}
	if e.Transaction != nil {
		d.topics.put(topicJob{write: e.Transaction})
	}
	for i := range e.Answers {
		d.deliver(e.Answers[i])
	}
	if e.Halt != nil {
		halt := e.Halt // the effects are used again by the next step
		d.halted.Store(&halt)
		d.log.Error("task halted; the others go on", "cause", e.Halt)
		d.readyOnce.Do(func() { close(d.ready) })
		d.object.close()
	}
	if e.Crash {
		d.crashed = true
		d.log.Debug("the owner ends as if its worker had been killed")
		d.stopOnce.Do(func() { close(d.stopped) })
	}
	if e.Finished {
		d.mu.Lock()
		for _, ch := range d.finish {
			close(ch)
		}
		d.finish = nil
		d.mu.Unlock()
	}
	if e.Stopped {
		d.stopOnce.Do(func() { close(d.stopped) })
	}
}
