package simulation

import (
	"errors"
	"strconv"
	"strings"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// halted hears that a task has halted. Where slots lose tails that others keep, a task
// that finds out has to say so, and the run is over: what was lost is for people to
// decide (R27). One that halts though the slots agree is wrong, as is every other halt.
func (w *world) halted(o *owner, why error) {
	o.alive = false
	broken, ok := errors.AsType[*runtime.ChannelError](why)
	if !ok || !w.config.Workload.Detects {
		w.violate("%v halted: %v", o, why)
		return
	}
	if w.agree(o.id, broken.Peer) && w.agree(broken.Peer, o.id) {
		w.violate("%v halted though its slot and that of task %v agree: %v", o, broken.Peer, why)
		return
	}
	w.result.Alarms++
	w.tracef("%v halted: %v", o, why)
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
