package simulation

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// State is what the stores hold of all tasks at one moment, between two commits. It is a
// pstate.Reader; Check is handed one as well.
type State struct {
	w         *world
	histories []*history // by server
	view      *overlay.View
}

// Watched is a [Case] with something that must hold at every moment, not just at rest.
// Watch is called after each commit and after each loss of a tail, with all slots as
// they are then. Where there is one server it is called for each life of it, also for a
// master that was replaced and goes on.
type Watched interface {
	Watch(s *State) error
}

// StateView makes a State a pstate.Reader.
func (s *State) StateView() *overlay.View {
	if s.view == nil {
		s.view = overlay.NewDirect(s)
	}
	return s.view
}

// Slot finds the slot of a key.
func (s *State) Slot(p *overlay.Path) (store.Slot, error) { return s.w.Slot(p) }

// Read answers from the moment.
func (s *State) Read(slot store.Slot, reads []store.Read) error {
	i := slices.Index(s.w.tags, slot.Tag)
	if i < 0 {
		return fmt.Errorf("no slot %s", slot.Tag)
	}
	held := s.slot(task.ID(i))
	for j := range reads {
		held.answer(&reads[j])
	}
	return nil
}

func (s *State) slot(id task.ID) *slot {
	return s.histories[int(id)%len(s.histories)].slot(s.w.tags[id])
}

// Forgot reports whether commits are lost that a server had confirmed: with the tail of
// one that restarted or was replaced, or with a replaced one that went on. At level
// applied a record of which an appender was told the outcome may then run again, and end
// otherwise if that depends on what came before it. Above applied nobody was told.
func (s *State) Forgot() bool {
	return s.w.options.Durability == store.Applied && s.w.lost
}

// UnderWay returns the events that are on their way to a step of an exactly-once stream:
// sent by commits that the state holds, and not applied by any. What they carry is
// neither here nor there yet, and must be counted with the rest.
func UnderWay[T any](s *State, step module.Step[T]) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var none T
		plan := module.PlanOf(step)
		if plan == nil {
			yield(none, module.ErrUndeclared)
			return
		}
		for from := range task.ID(s.w.tasks) {
			for _, f := range s.outbox(from) {
				p, err := f.unapplied(s)
				if err != nil {
					yield(none, err)
					return
				}
				for _, e := range p.Frame.Events {
					if e.Step != plan.ID {
						continue
					}
					v, err := p.Frame.Columns[e.Step].(*wire.ColumnOf[T]).Get(int(e.Index))
					if !yield(v, err) || err != nil {
						return
					}
				}
			}
		}
	}
}

// posted is a parcel in the outbox of a task.
type posted struct {
	from, to task.ID
	number   uint64
	raw      string
}

// outbox lists the parcels of a task, in a fixed order.
func (s *State) outbox(from task.ID) []posted {
	table := s.slot(from).tables[wire.OutboxTable(s.w.tags[from]).Key]
	var all []posted
	for _, field := range sortedKeys(table) {
		text, rest, _ := strings.Cut(field, "/")
		to, _ := strconv.Atoi(text)
		number, _ := strconv.ParseUint(rest, 10, 64)
		all = append(all, posted{from, task.ID(to), number, table[field]})
	}
	return all
}

// unapplied parses the parcel and leaves the events out that its receiver has applied.
func (p *posted) unapplied(s *State) (*wire.Parcel, error) {
	parcel, err := wire.ParseParcel(p.raw, p.from, p.to, s.w.directory)
	if err != nil {
		return nil, fmt.Errorf("parcel %d from task %v to task %v: %w", p.number, p.from, p.to, err)
	}
	stored, ok := s.slot(p.to).tables[wire.ChannelsTable(s.w.tags[p.to]).Key]["in/"+p.from.String()]
	if !ok {
		return parcel, nil
	}
	at, err := wire.ParseInPosition(stored)
	switch {
	case err != nil:
		return nil, fmt.Errorf("task %v: %w", p.to, err)
	case p.number <= at.Number:
		parcel.Frame.Events = nil
	case p.number == at.Number+1:
		parcel.Frame.Events = parcel.Frame.Events[at.Index:]
	}
	return parcel, nil
}

// present is the state of the servers that clients find.
func (w *world) present() *State {
	s := &State{w: w}
	for _, server := range w.servers {
		s.histories = append(s.histories, server.current)
	}
	return s
}

// watch has the workload look at the state after something was written to a history.
func (w *world) watch(h *history) {
	watched, ok := w.workload.(Watched)
	if !ok || w.config.unchecked || len(w.result.Violations) > 0 {
		return
	}
	s := w.present()
	if !slices.Contains(s.histories, h) {
		// What a replaced server holds belongs to no moment: tasks that are still connected
		// with it read from the log what owners on the new one have appended.
		return
	}
	if err := watched.Watch(s); err != nil {
		w.violate("at this moment: %v", err)
	}
}
