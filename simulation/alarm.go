package simulation

import (
	"strconv"
	"strings"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// alarm hears that a task has halted since two slots do not fit together. Where slots
// lose tails that others keep, a task that finds out has to say so, and the run is over:
// what was lost is for people to decide (R27). One that halts though the slots agree is
// wrong.
func (w *world) alarm(o *owner, broken *runtime.ChannelError) {
	o.alive = false
	if w.agree(o.id, broken.Peer) && w.agree(broken.Peer, o.id) {
		w.violate("%v halted though its slot and that of task %v agree: %v", o, broken.Peer, broken)
		return
	}
	w.result.Alarms++
	w.tracef("%v halted: %v", o, broken)
	w.over = true
}

// alarmMicro hears that a task has halted since two slots do not fit together about a
// microbatch.
func (w *world) alarmMicro(o *owner, broken *runtime.DisagreeError) {
	o.alive = false
	if !w.config.Workload.Detects {
		w.violate("%v halted: %v", o, broken)
		return
	}
	w.result.Alarms++
	w.tracef("%v halted: %v", o, broken)
	w.over = true
}

// alarmTail hears that a task has halted since the log has output of commits that the
// store has lost, rather than process it twice (R31). That follows from what the world did
// where commits are only applied and a server lost some.
func (w *world) alarmTail(o *owner, lost *runtime.LostTailError) {
	o.alive = false
	if !w.lost || w.options.Durability != store.Applied {
		w.violate("%v halted, and no server has lost what was durable: %v", o, lost)
		return
	}
	w.result.Alarms++
	w.tracef("%v halted: %v", o, lost)
	w.over = true
}

// agree reports whether what a task's slot says that it has sent and what another's
// says that it has applied can both be true.
func (w *world) agree(from, to task.ID) bool {
	sent := map[uint64]wire.ParcelID{}
	slot := w.serverOf(from).current.slot(w.tags[from])
	out, err := wire.ParseOutPosition(field(slot, wire.ChannelsTable(w.tags[from]).Key, "out/"+to.String(), "1 number=0"))
	if err != nil {
		return false
	}
	sent[out.Number] = out.ID
	for name, raw := range slot.tables[wire.OutboxTable(w.tags[from]).Key] {
		receiver, text, _ := strings.Cut(name, "/")
		number, err := strconv.ParseUint(text, 10, 64)
		if receiver != to.String() || err != nil {
			continue
		}
		if head, err := wire.ParseParcelHead(raw); err == nil {
			sent[number] = head.ID
		}
	}
	in, err := wire.ParseInPosition(field(w.serverOf(to).current.slot(w.tags[to]), wire.ChannelsTable(w.tags[to]).Key, "in/"+from.String(), "1 number=0"))
	if err != nil {
		return false
	}
	has := func(number uint64, id wire.ParcelID) bool {
		have, ok := sent[number]
		return ok && have == id
	}
	return has(in.Number, in.ID) && has(in.AckNumber, in.AckID) && (in.Index == 0 || has(in.Number+1, in.PartID))
}

// field is a field of a slot, or what it is where it is not there.
func field(s *slot, table, name, absent string) string {
	if value, ok := s.tables[table][name]; ok {
		return value
	}
	return absent
}
