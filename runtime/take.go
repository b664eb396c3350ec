package runtime

import (
	"errors"
	"fmt"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/internal/host"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/progress"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime/stream"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// How a task comes to own its slot:
//
//	idle ──Start──► taking ──Taken──► loading ──progress──► starting ──starts──► opening ──first commit──► running
//	                  ▲                                                                                      │
//	                  └────────────── back-off, if nominated ◄── nil EXEC, lost reply, refusal, … ◄──────────┘
//
// Every break of the connection leads back to taking, with a new token (R2,
// R10): a late EXEC of the old connection then aborts itself, and what the
// take-over replaced tells whether a commit with a lost reply was applied (R11).

// Pauses before a take-over is tried again (R5: with jitter).
const (
	retakePause    = 20e6 // 20 ms
	retakePauseMax = 2e9  // 2 s
)

// ErrSlotEmpty: the slot of a task that had data holds none (R22): the store was
// emptied, or restored to before the task began. Going on would build the PStates
// anew from the depot, and every hop would take effect again elsewhere.
var ErrSlotEmpty = errors.New("the store holds nothing of this task, which had data before; restore the store, or have the task built anew from its depots with 'coppice tasks rebuild'")

func (t *Task) begin() {
	t.forget()
	t.phase = taking
	t.tries = 0
	t.retake()
}

// retake asks for the slot under a new token.
func (t *Task) retake() {
	t.retakeAt = 0
	t.head = task.Head{Mark: task.Mark{Token: t.config.NewToken()}, Address: t.config.Address}
	head := t.head
	t.effects.Take = &head
}

// drop gives up the connection and everything in memory that rests on it (R10,
// R19), and tries to take the slot anew, unless the task is to stop.
func (t *Task) drop(cause error) {
	if t.listener.Dropped != nil {
		t.listener.Dropped(DroppedInfo{TaskInfo: t.info, Cause: cause})
	}
	t.dropPassed(cause)
	t.stopFeeds() // while it is known what is read
	t.forget()
	t.effects.stop() // what this step has asked of the connection is over with it
	t.effects.Drop = true
	if !t.nominated {
		t.stop()
		return
	}
	t.phase = taking
	t.tries++
	t.retakeAt = t.now + stream.Backoff(uint16(min(t.tries+1, 30)), retakePause, retakePauseMax, t.config.Random.Float64())
}

func (t *Task) stop() {
	t.phase = idle
	t.doubt = nil
	t.effects.Stopped = true
}

// forget empties the memory.
func (t *Task) forget() {
	t.co.stop()
	t.began = beganRecord{}
	t.view = overlay.New(t.config.Tag, len(t.plan.PStates)+1) // and the parked records
	t.view.Tasks = t.config.Tasks
	t.view.Suspend = t.suspend
	if len(t.micros.all) > 0 {
		t.view.Learns()
	}
	if t.listener.EventEnd != nil {
		t.view.Accesses = &t.accesses
	}
	t.host.View = t.view
	t.host.Out = nil
	t.ledger = acker.NewLedger[rooted](t.config.Random.Uint64())
	t.queue = queue{}
	t.forgetSpills()
	t.emissions.forget()
	t.open, t.inflight, t.held = nil, nil, nil
	t.reading, t.asked, t.looking, t.holding = false, false, notLooking, 0
	t.own, t.doom = notLooking, nil
	t.unproven, t.proving = nil, nil
	t.endings = nil
	t.calls.forget()
	t.root, t.busy = rootEvent{}, nil
	if t.exact {
		t.hops.forget(t.config.Tasks)
	}
	t.pool = host.Pool{}
	for _, o := range t.orders {
		o.begun = false // what became of it is unknown; it is looked up again
	}
	t.numbers = make([]uint64, t.config.Tasks)
	t.peers = make([]peer, t.config.Tasks)
	t.generations = map[generationKey]task.Mark{}
	for _, topo := range t.topology {
		topo.executing, topo.owed, topo.limited, topo.dirty, topo.finished = 0, 0, false, false, 0
		topo.deadlines, topo.groupDeadlines = nil, nil
		for _, s := range topo.sources {
			s.forget()
		}
	}
	for _, f := range t.allFeeds() {
		f.forget()
	}
	t.micros.forget(t.config.Tasks)
}

func (t *Task) onNominated(in *Nominated) {
	t.nominated = in.Yes
	if in.Yes {
		t.finishing, t.finished = false, false
	}
	switch {
	case in.Yes && t.phase == idle:
		t.begin()
	case !in.Yes && t.phase == taking && t.retakeAt != 0:
		t.stop()
	}
}

func (t *Task) onTaken(in *Taken) {
	if t.phase != taking || t.retakeAt != 0 {
		return
	}
	if in.Err != nil {
		// Whether the head was set is unknown. Coming again with a new token settles
		// it either way; only the note of what was replaced may name our own try.
		t.drop(fmt.Errorf("take-over: %w", in.Err))
		return
	}
	t.lineage, t.lookedAt = in.Lineage, t.now
	t.head.Replaced = in.Previous.Mark
	// Whoever owned it has committed, if only that it does. The progress of the
	// present topologies may be missing all the same: a new version may have others.
	t.empty = in.Previous.Number == 0 && in.Previous.Replaced.Token.IsZero()
	t.settle(in.Previous)
	t.known = t.head.Mark
	if t.phase != taking {
		return
	}
	t.phase = loading
	for _, table := range t.ownTables() {
		t.effects.Reads = append(t.effects.Reads, store.Read{Kind: store.Range, Table: table})
	}
}

// ownTables are what a new owner reads first: the progress of each topology, the
// numbers of attempts, the generations, the channels. None of them grows with the
// PStates.
func (t *Task) ownTables() []store.Table {
	var tables []store.Table
	for _, topo := range t.topology {
		tables = append(tables, topo.table)
	}
	tag := t.config.Tag
	for _, m := range t.micros.all {
		tables = append(tables, wire.StageTable(t.config.Tag, m.topology.plan.Name))
	}
	return append(tables, wire.AttemptsTable(tag), wire.GenerationsTable(tag), wire.ChannelsTable(tag), wire.OutboxTable(tag), wire.GroupsTable(tag), wire.EndingsTable(tag), wire.CallsTable(tag),
		wire.AppendsTable(tag), wire.SendersTable(tag))
}

// settle decides what became of the commit whose reply was lost, and notices a
// slot that went back.
func (t *Task) settle(previous task.Head) {
	if d := t.doubt; d != nil {
		t.doubt = nil
		if previous.Covers(d.mark) {
			t.known = d.mark
			t.head.Replaced = previous.Mark
			t.applied(d)
		}
	}
	if !t.known.Token.IsZero() && previous.Token == t.known.Token && previous.Number < t.known.Number && t.listener.Regressed != nil {
		t.listener.Regressed(RegressedInfo{TaskInfo: t.info, From: t.known, To: previous.Mark})
	}
}

// applied takes a commit whose reply was lost and that the slot holds. What follows
// from it leaves; above level Applied not before the first commit of this period,
// behind which the level is waited for (R41).
func (t *Task) applied(d *batch) {
	if t.options.Durability == store.Applied {
		t.release(d)
	} else {
		t.held = d
		t.noteNumbers(d) // the slot is read before it leaves
	}
}

// load takes over what the slot holds.
func (t *Task) load(reads []store.Read) {
	own := reads[len(t.topology)+len(t.micros.all):]
	if err := t.loadGenerations(own[1].Elements); err != nil {
		t.halt(err)
		return
	}
	if err := t.loadAttempts(own[0].Elements); err != nil {
		t.halt(err)
		return
	}
	if err := t.loadEndings(own[5].Elements); err != nil {
		t.halt(err)
		return
	}
	if err := t.loadAppends(own[7].Elements); err != nil {
		t.halt(err)
		return
	}
	if err := t.loadSenders(own[8].Elements); err != nil {
		t.halt(err)
		return
	}
	if err := t.loadHops(own[2].Elements, own[3].Elements, own[4].Elements, own[6].Elements); err != nil {
		t.halt(err)
		return
	}
	t.loadProgress(reads)
}

// loadProgress reads the stored progress of every source.
func (t *Task) loadProgress(reads []store.Read) {
	stages := reads[len(t.topology):]
	for i, topo := range t.topology {
		stored := map[string]string{}
		for _, e := range reads[i].Elements {
			stored[e.Field] = e.Value
		}
		topo.writtenAt = t.now
		t.empty = t.empty && len(stored) == 0
		if topo.micro != nil {
			if err := t.loadMicro(topo, stored, stages[0].Elements); err != nil {
				t.halt(err)
				return
			}
			stages = stages[1:]
		}
		for _, s := range topo.sources {
			text, ok := stored[s.plan.Name]
			if !ok {
				t.effects.Starts = append(t.effects.Starts, StartQuery{Topology: topo.plan.Name, Source: s.plan.Name, Depot: s.plan.Depot.Name, Start: s.plan.Start})
				continue
			}
			stored, err := progress.Parse(text)
			if err != nil {
				t.halt(fmt.Errorf("stored progress of source %s: %w", s.plan.Name, err))
				return
			}
			s.resume(stored)
		}
	}
	if len(t.effects.Starts) > 0 {
		t.phase = starting
		return
	}
	t.openSlot()
}

func (t *Task) onStartsDone(in *StartsDone) {
	if t.phase != starting {
		return
	}
	if in.Err != nil {
		t.drop(fmt.Errorf("finding where sources begin: %w", in.Err))
		return
	}
	if in.HadData && t.empty {
		t.halt(ErrSlotEmpty)
		return
	}
	i := 0
	for _, topo := range t.topology {
		for _, s := range topo.sources {
			if !s.known && i < len(in.Starts) {
				s.progress, s.known = progress.New(in.Starts[i].Offset, in.Starts[i].Topic), true
				topo.dirty = true
				i++
			}
		}
	}
	t.openSlot()
}

// openSlot sends the first commit of the ownership period, also without work:
// it notes what this period replaced (R3) and where new sources begin.
func (t *Task) openSlot() {
	t.phase = opening
	b := t.newBatch()
	for _, topo := range t.topology {
		for _, s := range topo.sources {
			s.keepStored()
		}
	}
	t.forgetKept(b)
	t.storeHops(b)
	t.storeEndings(b)
	t.noteSenders(b)
	t.noteMicroProgress(b)
	b.openBooks()
	t.writeProgress(b)
	t.send(b)
}

// opened starts the sources.
func (t *Task) opened() {
	t.phase = running
	t.tries = 0
	t.host.Out = host.NewOutbox(t.config.Tasks, t.plan.StepCount, t.config.EncodeHops, &t.pool)
	t.host.Out.Gone = func(p *host.Piece) { t.unwanted(p.ID) }
	t.boundOutbox()
	for _, topo := range t.topology {
		for _, s := range topo.sources {
			t.firstGeneration(s)
		}
	}
	t.answerOver()
	t.sendLines()
	for _, f := range t.allFeeds() {
		if t.startFeed(f); t.phase == halted {
			return
		}
	}
	t.greet()
	t.resumeHops()
	t.beginCalls()
	if t.listener.Took != nil {
		t.listener.Took(TookInfo{TaskInfo: t.info, Head: t.head.Mark, Replaced: t.head.Replaced})
	}
}

// greet tells every other task that this one has a new owner, so that trees
// whose events were lost with the old one, or came before there was one, fail at
// once (R19).
func (t *Task) greet() {
	for i := range t.config.Tasks {
		if task.ID(i) != t.config.Task {
			t.ship(&wire.Frame{To: task.ID(i)})
		}
	}
}

// onCommitDone takes the outcome of the commit under way.
func (t *Task) onCommitDone(in *CommitDone) {
	b := t.inflight
	if b == nil {
		return
	}
	t.inflight = nil
	switch {
	case in.Err == nil:
		t.head.Mark, t.known = b.mark, b.mark
		t.view.Confirm(t.options.CacheEntriesMax)
		if held := t.held; held != nil {
			t.held = nil
			t.keepResults(b) // both are committed
			t.release(held)
		}
		t.release(b)
		if t.phase == opening {
			t.opened()
		}
	case errors.Is(in.Err, store.ErrCorrupt):
		t.halt(in.Err)
	case errors.Is(in.Err, store.ErrLost):
		if t.held != nil {
			b = t.held // if the slot holds b it says that b replaced this one
		}
		t.drop(in.Err)
		t.doubt = b
	default: // fenced, refused: nothing was written
		t.drop(in.Err)
	}
}

// onReadDone takes the answers to Reads.
func (t *Task) onReadDone(in *ReadDone) {
	switch t.phase {
	case loading:
		if in.Err != nil {
			t.drop(fmt.Errorf("reading the progress: %w", in.Err))
			return
		}
		t.load(in.Reads)
	case running:
		if !t.reading {
			return
		}
		t.reading = false
		if in.Err != nil {
			t.drop(fmt.Errorf("reading PStates: %w", in.Err))
			return
		}
		if t.listener.Fetched != nil {
			t.listener.Fetched(t.fetchInfo(in.Reads))
		}
		t.reader.Supply(in.Reads)
		t.co.resume(t.body)
	}
}
