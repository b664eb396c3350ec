package simulation

import (
	"fmt"
	"maps"
	"slices"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/progress"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// owner is one process that runs one task: a worker's driver, without goroutines.
type owner struct {
	w       *world
	id      task.ID
	number  int // of the process
	engine  *runtime.Task
	disk    *disk
	conn    *connection
	feeds   map[feedKey]*feed
	ticks   map[feedKey]*tickFeed
	topics  map[string]depot.Topic         // as they were when the process started
	read    map[string]map[int32]int64     // the last offset read, by depot and leader epoch
	found   map[string][]progress.Progress // how far sources were in the slots that it took, by depot
	halted  error
	alive   bool
	doomed  bool // a handler ends the process
	ending  bool // it ends behind what this step asks for
	periods int  // how often it took its slot
	runs    bool // has its slot and reads its depots
	paused  bool
	pending []pendingInput // while paused
	skew    int64          // its clock's lead
	writer  writer
	objects []any  // of its task, while they are open
	epoch   uint64 // of the transactor that it opened last
	wrote   map[root]bool
	wakeAt  int64

	contract contract
	finished func()              // called when it has finished
	capture  func(runtime.Input) // tests: takes the place of the engine
}

func (o *owner) String() string  { return fmt.Sprintf("task %d owner %d", o.id, o.number) }
func (o *owner) address() string { return fmt.Sprintf("sim:%d", o.number) }

// hire starts another owner of a task, and clients and peers find that one from
// now on. The former one hears before long that it is not nominated any more.
func (w *world) hire(id task.ID) *owner {
	if former := w.owners[id]; former != nil {
		w.after(w.between(0, 50*millisecond), func() { former.step(&runtime.Nominated{Yes: false}) })
	}
	w.processes++
	o := &owner{w: w, id: id, number: w.processes, feeds: map[feedKey]*feed{}, ticks: map[feedKey]*tickFeed{}, topics: maps.Clone(w.topics), alive: true}
	o.engine = runtime.New(runtime.Config{
		Plan: w.plan, Task: id, Tasks: w.tasks, Tag: w.tags[id], Address: o.address(),
		Random: w.split(), NewToken: w.token, Elapsed: w.elapsed(), Options: w.options, EncodeHops: !w.inProcess(), Listener: w.listener(o),
	})
	o.disk = newDisk(o)
	w.owners[id] = o
	w.everyone = append(w.everyone, o)
	w.tracef("%v starts", o)
	o.step(&runtime.Start{})
	return o
}

// step gives the engine one input and carries out what it asks for.
func (o *owner) step(in runtime.Input) {
	if o.capture != nil {
		o.capture(in)
		return
	}
	if !o.alive {
		return
	}
	if o.paused {
		o.pending = append(o.pending, pendingInput{in: in})
		return
	}
	var e *runtime.Effects
	o.w.running = o
	o.contract.about(o, in, func() { e = o.engine.Step(o.w.now+o.skew+1, in) })
	if o.doomed {
		o.w.die(o)
		return
	}
	o.contract.carriedOut(o, e)
	o.carryOut(e)
	if o.ending {
		o.crashed(PhaseCrash)
		return
	}
	o.wake(e.WakeAt)
}

// wake plans the tick that the engine asked for. Timers are late: another input
// may come between the time that was asked for and the tick, and then the plan
// that stands is the one that follows from that input.
func (o *owner) wake(at int64) {
	o.wakeAt = at
	if at == 0 {
		return
	}
	o.w.at(at-o.skew+o.w.between(0, tickLate), func() {
		if o.wakeAt == at {
			o.step(&runtime.Tick{})
		}
	})
}

// tickLate is how late a timer may be.
const tickLate = 2 * millisecond

func (o *owner) carryOut(e *runtime.Effects) {
	w := o.w
	on := w.serverOf(o.id).current
	if o.conn != nil {
		on = o.conn.history
	}
	if e.Drop && o.conn != nil {
		o.conn.closed = true
		o.conn = nil
	}
	if e.Drop {
		o.disk.empty()
	}
	if e.Take != nil {
		o.conn = &connection{w: w, owner: o, history: w.serverOf(o.id).current, tag: w.tags[o.id]}
		o.conn.take(*e.Take)
	}
	if e.Commit != nil {
		o.conn.commit(e.Commit)
	}
	if len(e.Reads) > 0 {
		o.conn.read(append([]store.Read(nil), e.Reads...))
	}
	if len(e.Heads) > 0 {
		o.conn.heads(append([]task.ID(nil), e.Heads...))
	}
	if len(e.Starts) > 0 {
		starts := slices.Clone(e.Starts)
		w.after(w.between(100*microsecond, 5*millisecond), func() { o.answerStarts(starts) })
	}
	if e.OpenObjects {
		o.openObjects()
	}
	for _, f := range e.Feeds {
		o.order(f)
	}
	for _, c := range e.Calls {
		w.call(o, c)
	}
	o.carryOutSpills(e)
	for _, a := range e.Appends {
		o.write(a)
	}
	if e.OpenTopics != 0 {
		o.openTopics(e.OpenTopics)
	}
	if e.Transaction != nil {
		o.transact(e.Transaction)
	}
	frames := append([]*wire.Frame(nil), e.Frames...)
	answers := append([]runtime.Answer(nil), e.Answers...)
	for _, f := range frames {
		w.ship(o, f)
	}
	for _, a := range answers {
		w.answered(o, a)
	}
	if e.Halt != nil || e.Stopped {
		o.closeObjects()
	}
	if e.Halt != nil {
		w.halted(o, on, e.Halt)
	}
	if e.Crash {
		o.crashed(CrashPoint)
	}
	if e.Finished {
		w.tracef("%v has finished", o)
		if o.finished != nil {
			w.after(w.between(0, 5*millisecond), o.finished)
			o.finished = nil
		}
	}
	if e.Stopped {
		w.tracef("%v stopped", o)
	}
}

// crash ends the process: what it sent is under way, the rest is gone.
func (o *owner) crash() {
	o.alive = false
	o.writer.ends = o.w.now + o.w.between(1, 4*millisecond)
	if o.conn != nil {
		o.conn.closed = true
	}
	o.engine.Close()
}

// resume lets a paused process go on where it stood.
func (o *owner) resume() {
	o.paused = false
	pending := o.pending
	o.pending = nil
	for _, p := range pending {
		p.from.answer(o, p.in)
	}
}
