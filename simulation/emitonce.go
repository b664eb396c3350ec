package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// EmitOnce is the workload of exactly-once topologies that append to depots: what
// they append is processed once, and what one task appends to one partition in its
// order, whatever fails. Its commits are on a replica before appends leave: what is
// appended by commits that the store then loses is told, not prevented (R31).
func EmitOnce() Workload {
	level := store.Replicated(1)
	return Workload{Name: "emit-once", Hops: true, Exact: true, Fails: true, Ordered: true, Durability: &level, RecordsMax: 40, New: func() Case { return &emitOnceCase{} }}
}

// MicroEmit is the same in microbatches: what one appends is there once, when it is applied.
func MicroEmit() Workload {
	w := EmitOnce()
	w.Name, w.Exact = "micro-emit", false
	w.New = func() Case { return &emitOnceCase{m: posting{micro: true}} }
	return w
}

// parcel is handed from task to task.
type parcel struct {
	Number int
	Way    []int // tasks that it still goes to
	From   int   // task that appended it; -1: a client
	Place  int   // among what From has appended to this partition, from 1
}

type posting struct {
	Parcels module.Depot[parcel]
	Notes   module.Depot[parcel]                                // in another stream
	Posted  pstate.Map[int, int]                                // by destination: appends from this task, on each task
	Came    pstate.Map[int, int]                                // by sender: the last of its appends that came, on each task
	Stops   pstate.MapOf[string, pstate.SortedMap[string, int]] // by parcel and stop: how often
	Amiss   pstate.Map[string, int]                             // appends that came out of order
	Noted   pstate.Map[string, int]
	Behind  pstate.Map[int, int]                        // as Came, of the notes
	Missed  pstate.Map[string, int]                     // as Amiss
	Kept    pstate.MapOf[string, pstate.SortedSet[int]] // by parcel, in a stream that goes back: places of its notes
	Letters module.Topic[parcel]
	Sent    pstate.Map[int, int] // letters of each task, under its number
	far     module.Step[parcel]

	micro bool // it appends in microbatches
}

// appender is a topology that appends once.
type appender interface {
	module.Topology
	PState(h pstate.Schema, name string, options ...pstate.Option)
}

func (m *posting) topology(b *module.Builder, name string) appender {
	if m.micro {
		return b.Microbatch(name)
	}
	return b.Stream(name, module.ExactlyOnce())
}

func (m *posting) Define(b *module.Builder) {
	module.CustomDepot(b, &m.Parcels, "parcels", func(p parcel, partitions int) int { return p.Number % partitions })
	module.CustomDepot(b, &m.Notes, "notes", func(p parcel, partitions int) int { return p.Number % partitions }, module.DisallowAppends())
	module.DeclareTopic(b, &m.Letters, "letters")
	s := m.topology(b, "post")
	s.PState(&m.Posted, "posted")
	s.PState(&m.Came, "came")
	s.PState(&m.Sent, "sent")
	s.PState(&m.Stops, "stops")
	s.PState(&m.Amiss, "amiss")
	module.DeclareStep(s, &m.far, "far", module.Custom(func(p parcel, tasks int) int { return (p.Number + len(p.Way)) % tasks }), m.noteIt)
	module.DeclareSource(s, m.Parcels, m.onParcel, module.StartFromBeginning())
	n := m.topology(b, "notes")
	n.PState(&m.Noted, "noted")
	n.PState(&m.Behind, "behind")
	n.PState(&m.Missed, "missed")
	module.DeclareSource(n, m.Notes, m.onNote, module.StartFromBeginning())
	k := b.Stream("keep")
	k.PState(&m.Kept, "kept")
	module.DeclareSource(k, m.Notes, m.onKeep, module.StartFromBeginning(), module.RetryAllAfter(), module.MaxAttempts(0))
}

// name is that of a parcel at a stop of its way.
func (p *parcel) name() string { return fmt.Sprint(p.Number, "-", len(p.Way)) }

func (m *posting) onParcel(ev *module.Event, p parcel) error {
	if err := inOrder(ev, m.Came, m.Amiss, p); err != nil {
		return err
	}
	key := fmt.Sprint("task ", ev.Task())
	agg.Inc(ev, m.Stops.Key(key).Key(p.name()))
	if len(p.Way) > 0 {
		to := p.Way[0] % ev.Tasks()
		next := parcel{Number: p.Number, Way: p.Way[1:], From: int(ev.Task()), Place: m.post(ev, to)}
		m.Parcels.EmitTo(ev, task.ID(to), next)
	}
	if p.Number%2 == 0 {
		m.far.Send(ev, p)
		return nil
	}
	return m.noteIt(ev, p)
}

// noteIt appends a note of a parcel: from where the parcel is, or from behind a hop.
func (m *posting) noteIt(ev *module.Event, p parcel) error {
	p.From = int(ev.Task())
	for range notesEach {
		p.Place = m.post(ev, ev.Tasks()+p.Number%ev.Tasks())
		m.Notes.Emit(ev, p)
	}
	p.Place = agg.Inc(ev, m.Sent.Key(p.From))
	m.Letters.Emit(ev, p)
	return nil
}

// notesEach is how many notes each stop of a parcel appends: several at once to one
// partition.
const notesEach = 3

// post counts an append to a destination.
func (m *posting) post(ev *module.Event, to int) int { return agg.Inc(ev, m.Posted.Key(to)) }

// inOrder checks that the appends of a task come in their order, none left out.
func inOrder(ev *module.Event, came pstate.Map[int, int], amiss pstate.Map[string, int], p parcel) error {
	if p.From < 0 {
		return nil
	}
	last, err := came.Key(p.From).Get(ev)
	if err != nil {
		return err
	}
	if p.Place != last+1 {
		agg.Inc(ev, amiss.Key("out of order"))
	}
	came.Key(p.From).Set(ev, p.Place)
	return nil
}

func (m *posting) onNote(ev *module.Event, p parcel) error {
	if err := inOrder(ev, m.Behind, m.Missed, p); err != nil {
		return err
	}
	agg.Inc(ev, m.Noted.Key(p.name()))
	return nil
}

// onKeep fails at first, now and then: its source goes back, and meets numbers again
// that it has met.
func (m *posting) onKeep(ev *module.Event, p parcel) error {
	m.Kept.Key(p.name()).Add(ev, p.Place)
	if p.Number < 30 && p.Place%7 == 0 && ev.Attempt() < 3 {
		return errMood
	}
	return nil
}

type emitOnceCase struct {
	m       posting
	parcels []parcel
}

func (c *emitOnceCase) Module() module.Module { return &c.m }

func (c *emitOnceCase) Append(a module.Appender, r *rand.Rand, number int) error {
	p := parcel{Number: number, From: -1}
	for range r.IntN(4) {
		p.Way = append(p.Way, r.IntN(6))
	}
	c.parcels = append(c.parcels, p)
	_, err := c.m.Parcels.Append(context.Background(), a, p)
	return err
}

func (c *emitOnceCase) Acked(int, module.Acks) error { return nil }

func (c *emitOnceCase) Check(pstate.Reader, func(int) bool) error { return nil }

// checkTopics: each stop of a parcel wrote one letter, and the letters of a task are
// in its order.
func (c *emitOnceCase) checkTopics(topics map[string][]depot.Record, exact bool) error {
	var wrong []error
	last, written := map[int]int{}, map[string]int{}
	for _, r := range topics["letters"] {
		var p parcel
		if err := json.Unmarshal(r.Value, &p); err != nil {
			return err
		}
		if p.Place != last[p.From]+1 && exact {
			wrong = append(wrong, fmt.Errorf("letter %d of task %d is behind %d", p.Place, p.From, last[p.From]))
		}
		last[p.From] = p.Place
		written[p.name()]++
	}
	for _, p := range c.parcels {
		for ; ; p.Way = p.Way[1:] {
			if n := written[p.name()]; n < 1 || n > 1 && exact {
				wrong = append(wrong, fmt.Errorf("parcel %s wrote %d letters", p.name(), n))
			}
			if len(p.Way) == 0 {
				break
			}
		}
	}
	return errors.Join(wrong...)
}

// checkAt looks at the partitions of all tasks: events write where they run. Where
// a lost tail was told, things may have happened more than once.
func (c *emitOnceCase) checkAt(at []pstate.Reader, exact bool) error {
	var wrong []error
	count := func(what string, n int, err error, want int) {
		if err != nil || n < want || n > want && exact {
			wrong = append(wrong, fmt.Errorf("%s %d times, want %d (error %v)", what, n, want, err))
		}
	}
	for _, r := range at {
		for _, amiss := range []pstate.Map[string, int]{c.m.Amiss, c.m.Missed} {
			n, err := amiss.Key("out of order").Get(r)
			count("appends came out of order", n, err, 0)
		}
	}
	for _, p := range c.parcels {
		here := p.Number % len(at)
		for {
			n, err := c.m.Stops.Key(fmt.Sprint("task ", here)).Key(p.name()).Get(at[here])
			count(fmt.Sprintf("parcel %s was at task %d", p.name(), here), n, err, 1)
			n, err = c.m.Noted.Key(p.name()).Get(at[p.Number%len(at)])
			count(fmt.Sprintf("parcel %s was noted", p.name()), n, err, notesEach)
			n, err = c.m.Kept.Key(p.name()).Len(at[p.Number%len(at)])
			count(fmt.Sprintf("a note of parcel %s was kept", p.name()), n, err, notesEach)
			if len(p.Way) == 0 {
				break
			}
			here, p.Way = p.Way[0]%len(at), p.Way[1:]
		}
	}
	return errors.Join(wrong...)
}
