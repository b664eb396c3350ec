package worker

import (
	"context"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/telemetry"
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
	waiters map[uint64]chan runtime.Answer
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
	gone      atomic.Bool // run has ended
	crashed   bool        // by CrashAt; of the running goroutine

	queued       atomic.Int64                 // bytes of events that wait in the engine
	memory       atomic.Pointer[store.Memory] // as last heard
	memoryTold   *store.Memory                // what the log was told of, if anything was to tell
	askingMemory atomic.Bool                  // a question is under way
	pressed      runtime.Pressure             // what the task was told last
	spillTold    time.Time
}

func newDriver(w *Worker, l *loaded, id task.ID) *driver {
	tag := task.Tag(l.plan.Module, id, l.tasks)
	d := &driver{
		w: w, loaded: l, id: id, slot: wire.Slot(tag), mail: newMailbox(), started: w.started,
		waiters: map[uint64]chan runtime.Answer{}, ready: make(chan struct{}), denied: make(chan error, 1), stopped: make(chan struct{}),
		log: w.config.Logger.With("module", l.plan.Module, "task", int(id)),
	}
	d.slots, d.calls, d.spills, d.writes, d.topics = newSlotLine(d), newCalls(d), newSpillLine(d), &appendLine{d: d}, &topicLine{d: d}
	d.object = newObjects(d)
	d.owner = &Owner{Module: l.plan.Module, Task: id, Address: w.link.Address(), d: d}
	d.engine = runtime.New(runtime.Config{
		Plan: l.plan, Task: id, Tasks: l.tasks, Tag: tag, Address: w.link.Address(),
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

// listener adds to the configured one what the worker itself wants to hear.
func (d *driver) listener() *runtime.Listener {
	l := *runtime.Tee(d.w.config.Listener, d.w.kept.Listener())
	took, dropped, regressed, parked, failed := l.Took, l.Dropped, l.Regressed, l.RecordParked, l.RecordFailed
	l.RecordFailed = func(i runtime.RecordInfo) {
		if d.log.Enabled(context.Background(), slog.LevelDebug) {
			d.log.Debug("attempt failed", "trace_id", telemetry.TraceID(i.Trace), "topology", i.Topology, "source", i.Source, "offset", i.Offset, "attempt", i.Attempt, "cause", i.Err)
		}
		if failed != nil {
			failed(i)
		}
	}
	l.Took = func(i runtime.TookInfo) {
		d.loaded.owners.learn(d.id, d.w.link.Address())
		d.readyOnce.Do(func() { close(d.ready) })
		d.loaded.starts.took(d)
		d.log.Debug("owns its slot", "head", i.Head, "replaced", i.Replaced)
		if took != nil {
			took(i)
		}
	}
	l.Dropped = func(i runtime.DroppedInfo) {
		why := fmt.Sprint(i.Cause)
		d.dropped.Store(&why)
		d.log.Warn("starts anew: gave up its connection and what it had in memory", "cause", i.Cause)
		if dropped != nil {
			dropped(i)
		}
	}
	l.Regressed = func(i runtime.RegressedInfo) {
		d.log.Error("the store went back: it lost commits that it had confirmed; their records run again", "from", i.From, "to", i.To)
		if regressed != nil {
			regressed(i)
		}
	}
	spilled := l.Spilled
	l.Spilled = func(i runtime.SpillInfo) {
		d.toldSpill(i)
		if spilled != nil {
			spilled(i)
		}
	}
	batchFailed := l.BatchFailed
	l.BatchFailed = func(i runtime.BatchFailedInfo) {
		d.log.Debug("a batch failed as one", "topology", i.Topology, "step", i.Step, "others", i.Others, "cause", i.Err)
		if batchFailed != nil {
			batchFailed(i)
		}
	}
	appended := l.AppendDone
	l.AppendDone = func(i runtime.AppendInfo) {
		switch {
		case i.Err != nil && i.Number > 0:
			d.log.Warn("append of a handler failed; it is sent again", "topology", i.Topology, "step", i.Step, "depot", i.Depot, "topic", i.Topic, "partition", int(i.Partition), "number", i.Number, "cause", i.Err)
		case i.Err != nil && i.Awaited:
			d.log.Warn("append of a handler failed; its record runs again", "topology", i.Topology, "step", i.Step, "depot", i.Depot, "topic", i.Topic, "partition", int(i.Partition), "cause", i.Err)
		case i.Err != nil:
			d.log.Error("append of a handler failed, and nothing waits for it: it may be lost", "topology", i.Topology, "step", i.Step, "depot", i.Depot, "topic", i.Topic, "partition", int(i.Partition), "cause", i.Err)
		}
		if appended != nil {
			appended(i)
		}
	}
	unmigrated := l.MigrationFailed
	l.MigrationFailed = func(i runtime.MigrationInfo) {
		d.log.Error("a value cannot be migrated; the task comes back to it", "pstate", i.PState, "migration", i.Migration, "cause", i.Err)
		if unmigrated != nil {
			unmigrated(i)
		}
	}
	lost := l.LostTail
	l.LostTail = func(i runtime.LostTailInfo) {
		d.log.Error("Kafka has records of commits that the store has lost, or lacks records that it had acknowledged (topology.appends.lost.tail says what follows)", "topology", i.Topology, "source", i.Source, "offset", i.Offset, "of_task", int(i.From), "come_again", i.Records, "missing", i.Missing)
		if lost != nil {
			lost(i)
		}
	}
	panicked := l.Panicked
	l.Panicked = func(i runtime.EventInfo, p *runtime.PanicError) {
		d.log.Error("handler panicked; the record fails", "trace_id", telemetry.TraceID(i.Trace), "topology", i.Topology, "step", i.Step, "offset", i.Offset, "partition", int(i.RootTask), "attempt", i.Attempt, "panic", p.Value, "stack", p.Stack)
		if panicked != nil {
			panicked(i, p)
		}
	}
	l.RecordParked = func(i runtime.RecordInfo) {
		d.log.Warn("record parked", "trace_id", telemetry.TraceID(i.Trace), "topology", i.Topology, "source", i.Source, "offset", i.Offset, "attempts", i.Attempt, "reason", i.Err)
		if parked != nil {
			parked(i)
		}
	}
	return &l
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
			d.failWaiters("the worker has stopped")
			return
		case <-d.stopped:
			d.failWaiters("the worker has stopped")
			return
		case <-timer.C:
			d.step(&runtime.Tick{}, timer)
		case <-moved:
			moved = d.w.moved()
			d.step(&runtime.Tick{}, timer)
		case <-d.mail.signal:
		}
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
			d.mail.bytes.Add(-batch[i].bytes)
		}
		if d.crashed {
			d.failWaiters("the task's owner was ended")
			return
		}
		clear(batch)
		d.giveTicks(timer) // behind what came before they were due
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
		d.slots.read(append([]store.Read(nil), e.Reads...))
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

// ask hands a request to the engine.
func (d *driver) ask(q *wire.Request) (id uint64, answer <-chan runtime.Answer) {
	ch := make(chan runtime.Answer, 1)
	d.mu.Lock()
	d.waiter++
	id = d.waiter
	d.waiters[id] = ch
	deaf := d.deaf
	d.mu.Unlock()
	if deaf != "" {
		d.deliver(runtime.Answer{Waiter: id, Kind: runtime.AnswerHalted, Text: deaf})
		return id, ch
	}
	if p := q.Parked; p != nil {
		d.send(&runtime.Parked{Order: runtime.ParkedOrder(p.Order), Topology: p.Topology, Source: p.Source, Offset: p.Offset, Step: p.Step, Event: p.Event, Value: p.Value, Waiter: id})
	} else {
		d.send(&runtime.Await{Depot: q.Await.Depot, Offset: q.Await.Offset, Waiter: id})
	}
	return id, ch
}

// askOver says that whoever asked no longer waits. An order is carried out all the
// same.
func (d *driver) askOver(q *wire.Request, id uint64) {
	d.mu.Lock()
	delete(d.waiters, id)
	d.mu.Unlock()
	if q.Await != nil {
		d.send(&runtime.AwaitOver{Depot: q.Await.Depot, Offset: q.Await.Offset, Waiter: id})
	}
}

func (d *driver) deliver(a runtime.Answer) {
	d.mu.Lock()
	ch := d.waiters[a.Waiter]
	delete(d.waiters, a.Waiter)
	d.mu.Unlock()
	if ch != nil {
		ch <- a
	}
}

// failWaiters answers all who wait, and all who still come, when the task ends here.
func (d *driver) failWaiters(why string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.deaf = why
	for id, ch := range d.waiters {
		ch <- runtime.Answer{Waiter: id, Kind: runtime.AnswerHalted, Text: why}
		delete(d.waiters, id)
	}
}
