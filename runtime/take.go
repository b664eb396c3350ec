package runtime

import (
	"errors"
	"fmt"

	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// How a task comes to own its slot:
//
//	idle ──Start──► taking ──Taken──► loading ──progress──► starting ──starts──► preparing ──objects──► opening ──first commit──► running
//	                  ▲                                                                                                              │
//	                  └────────────────────────── back-off, if nominated ◄── nil EXEC, lost reply, refusal, … ◄──────────────────────┘
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
	t.want()
	t.retake()
}

// retake asks for the slot under a new token.
func (t *Task) retake() {
	t.retakeAt = 0
	t.head = task.Head{Mark: task.Mark{Token: t.config.NewToken()}, Address: t.config.Address}
	head := t.head
	t.effects.Take = &head
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
	t.hearOwner(in.Previous.Address)
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
	if !t.known.Token.IsZero() && previous.Token == t.known.Token && previous.Number < t.known.Number {
		t.counts.Lost++
		if t.listener.Regressed != nil {
			t.listener.Regressed(RegressedInfo{TaskInfo: t.info, From: t.known, To: previous.Mark})
		}
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
		for _, topo := range t.topology {
			for _, s := range topo.sources {
				s.stored = s.sealed
			}
		}
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
		t.counts.Fetches++
		t.counts.Missed += uint64(len(in.Reads))
		if t.listener.Fetched != nil {
			t.listener.Fetched(t.fetchInfo(in.Reads))
		}
		t.reader.Supply(in.Reads)
		t.co.resume(t.body)
	}
}
