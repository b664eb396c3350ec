package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/runtime/microbatch"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Microbatch is the workload of a microbatch topology: records grow trees of events over
// several tasks; some fail at first, some reject or park. Whatever happens, every event
// takes effect once, all events of a record in one microbatch, and at every moment all
// tasks together hold the fold of whole microbatches: those that have not applied the
// latest one have it staged. A stream on the same depot sees whole microbatches, too.
func Microbatch() Workload {
	return Workload{Name: "microbatch", Hops: true, Fails: true, RecordsMax: 40, New: func() Case { return &microCase{} }}
}

// TornMicrobatch is the same where slots lose tails that others keep, and commits are
// applied only: whatever is lost or torn then, a task must say so.
func TornMicrobatch() Workload {
	return Workload{Name: "micro-torn", Hops: true, Fails: true, Detects: true, Durability: &store.Applied, New: func() Case { return &microCase{torn: true} }}
}

// microbatched hears how far a task has come with a microbatch, and may end its owner
// there: before what this step asks for happens, or behind it.
func (w *world) microbatched(o *owner, i *runtime.MicrobatchInfo) {
	where, perMille := "task "+i.Step, taskPhasePerMille
	if i.Coordinate {
		where, perMille = "coordinator "+i.Phase, phasePerMille
		if slices.Contains([]string{"idle", "staging", "verifying", "deciding", "applying", "confirming"}, i.Phase) {
			perMille = latePhasePerMille
		}
		if i.Round > 0 {
			where += fmt.Sprintf(", round %d", i.Round)
		}
	}
	w.tracef("%v: microbatch %d: %s %s", o, i.ID, where, i.Failed)
	if o.ending || o.doomed || w.quiet || !w.allowed[PhaseCrash] || !w.chance(perMille) {
		return
	}
	w.result.Faults[PhaseCrash]++
	w.tracef("FAULT %v ends there", o)
	if w.result.PhaseCrashes == nil {
		w.result.PhaseCrashes = map[string]int{}
	}
	w.result.PhaseCrashes[where]++
	o.ending = true
	if w.chance(500) {
		o.doomed = true
	}
}

type batching struct {
	Roots  module.Depot[branch]
	Visits pstate.MapOf[string, pstate.Map[string, int]] // by key, by event: how often it took effect
	IDs    pstate.MapOf[string, pstate.Map[string, int]] // in which microbatch
	Totals pstate.Map[string, int]
	Seen   pstate.Map[string, int] // by key: records that the stream saw

	apart []error // what the stream saw that was not of one moment

	grow module.Step[branch]
	stay module.Step[branch]
}

func (m *batching) Define(b *module.Builder) {
	module.HashDepot(b, &m.Roots, "roots", func(v branch) string { return v.Key })
	mb := b.Microbatch("micro")
	mb.PState(&m.Visits, "visits")
	mb.PState(&m.IDs, "ids")
	mb.PState(&m.Totals, "totals")
	module.DeclareStep(mb, &m.grow, "grow", module.At(&m.Visits, func(v branch) string { return v.Key }), m.onBranch)
	module.DeclareStep(mb, &m.stay, "stay", module.Stay[branch](), m.onBranch)
	module.DeclareSource(mb, m.Roots, m.onBranch, module.StartFromBeginning(), module.MaxAttempts(exactAttempts))
	s := b.Stream("beside")
	s.PState(&m.Seen, "seen")
	module.DeclareSource(s, m.Roots, m.onSeen, module.StartFromBeginning(), module.MaxAttempts(exactAttempts))
}

func (m *batching) onBranch(ev *module.Event, v branch) error {
	agg.Inc(ev, m.Visits.Key(v.Key).Key(v.name()))
	m.IDs.Key(v.Key).Key(v.name()).Set(ev, int(ev.MicrobatchID()))
	agg.Inc(ev, m.Totals.Key(v.Key))
	for _, child := range v.Below {
		if child.Key == v.Key {
			m.stay.Send(ev, child)
		} else {
			m.grow.Send(ev, child)
		}
	}
	if ev.Attempt() <= v.Fails {
		return fmt.Errorf("attempt %d: %w", ev.Attempt(), errMood)
	}
	switch v.End {
	case rejected:
		return module.Reject(fmt.Errorf("rejected: %w", errMood))
	case parkedAside:
		return module.Park(fmt.Errorf("parked: %w", errMood))
	}
	return nil
}

// onSeen holds two PStates of the microbatch against each other: what is committed, both
// of one moment.
func (m *batching) onSeen(ev *module.Event, v branch) error {
	agg.Inc(ev, m.Seen.Key(v.Key))
	total, err := m.Totals.Key(v.Key).Get(ev)
	if err != nil {
		return err
	}
	visits, err := m.Visits.Key(v.Key).Len(ev)
	if err != nil {
		return err
	}
	if total != visits { // a later attempt may see better: this one is wrong all the same
		m.apart = append(m.apart, fmt.Errorf("the stream sees a total of %d events at key %s, and %d events", total, v.Key, visits))
	}
	return nil
}

type microCase struct {
	m     batching
	grown []branch
	torn  bool
	last  []microbatch.Name // what Watch saw last: a name by task, and the latest
	// moments are those at which something had changed.
	moments int
}

func (c *microCase) Module() module.Module { return &c.m }

func (c *microCase) Append(a module.Appender, r *rand.Rand, number int) error {
	v := grown(r, number, "", 3)
	c.grown = append(c.grown, v)
	_, err := c.m.Roots.Append(context.Background(), a, v)
	return err
}

func (c *microCase) Acked(int, module.Acks) error { return nil }

// fold holds the PStates against the records: of each either all events are there, once
// and in one microbatch, or none. It returns how many are there.
func (c *microCase) fold(r pstate.Reader) (there int, wrong []error) {
	totals := map[string]int{}
	for i := range c.grown {
		ids := map[int][]string{}
		c.grown[i].events(func(v *branch) {
			n, err := c.m.Visits.Key(v.Key).Key(v.name()).Get(r)
			id, err2 := c.m.IDs.Key(v.Key).Key(v.name()).Get(r)
			if err = errors.Join(err, err2); err != nil || n > 1 || n == 0 && id != 0 {
				wrong = append(wrong, fmt.Errorf("event %s at key %s took effect %d times, at last in microbatch %d (error %v)", v.name(), v.Key, n, id, err))
			}
			ids[id] = append(ids[id], v.name())
			if n > 0 {
				totals[v.Key]++
			}
		})
		if len(ids) > 1 {
			wrong = append(wrong, fmt.Errorf("events of record %d, by the microbatch in which they took effect: %v", i, ids))
		}
		if ids[0] == nil {
			there++
		}
	}
	for _, key := range sortedKeys(totals) {
		n, err := c.m.Totals.Key(key).Get(r)
		if err != nil || n != totals[key] {
			wrong = append(wrong, fmt.Errorf("key %s has a total of %d (error %v), %d events took effect", key, n, err, totals[key]))
		}
	}
	return there, wrong
}

// watchEvery is of how many moments Watch looks at one: each costs as much as some
// hundred events.
const watchEvery = 3

// Watch looks at snapshots of moments at which something of them has changed.
func (c *microCase) Watch(s *State) error {
	if c.torn {
		return nil
	}
	snap, err := s.snapshot("micro")
	if err != nil || slices.Equal(snap.names, c.last) {
		return err
	}
	c.last = snap.names
	if c.moments++; c.moments%watchEvery != 0 {
		return nil
	}
	if _, wrong := c.fold(snap); wrong != nil {
		return fmt.Errorf("the snapshot at microbatch %d: %w", snap.id, errors.Join(wrong...))
	}
	return nil
}

func (c *microCase) Check(r pstate.Reader, _ func(int) bool) error {
	there, wrong := c.fold(r)
	wrong = append(wrong, c.m.apart...)
	if there != len(c.grown) {
		wrong = append(wrong, fmt.Errorf("%d of %d records have taken effect", there, len(c.grown)))
	}
	seen := map[string]int{}
	for i := range c.grown {
		seen[c.grown[i].Key]++
	}
	for _, key := range sortedKeys(seen) {
		n, err := c.m.Seen.Key(key).Get(r)
		if err != nil || n != seen[key] {
			wrong = append(wrong, fmt.Errorf("the stream beside saw %d records of key %s (error %v), there are %d", n, key, err, seen[key]))
		}
	}
	return errors.Join(wrong...)
}

// snapshot is what all tasks hold, or have staged, of one microbatch.
type snapshot struct {
	s     *State
	id    uint64
	names []microbatch.Name // the stamp of each task, and the one that the snapshot is at
	view  *overlay.View
	laid  map[task.ID]*slot // slots of those that have not applied it, with the stage laid over
}

// Snapshot is the state of the PStates of a microbatch topology at the latest microbatch
// that is decided: of tasks that have not applied it, with what they have staged of it. It
// returns the microbatch's id; 0 before the first. An error says that they hold no snapshot.
func (s *State) Snapshot(topology string) (r pstate.Reader, id uint64, err error) {
	snap, err := s.snapshot(topology)
	if err != nil {
		return nil, 0, err
	}
	return snap, snap.id, nil
}

// snapshot takes it at the latest microbatch that is decided.
func (s *State) snapshot(topology string) (*snapshot, error) {
	table := func(id task.ID) map[string]string {
		return s.slot(id).tables[wire.MicrobatchTable(s.w.tags[id], topology).Key]
	}
	current, err := microbatch.ParseState(table(0)[wire.CurrentField])
	if err != nil {
		return nil, err
	}
	at := current.Name
	if !current.Decided && current.ID > 0 {
		at = microbatch.Name{ID: current.ID - 1, Token: current.Before}
	}
	snap := &snapshot{s: s, id: at.ID, laid: map[task.ID]*slot{}}
	for id := range task.ID(s.w.tasks) {
		stamp, err := wire.ParseStamp(table(id)[wire.StampField])
		if err != nil {
			return nil, err
		}
		snap.names = append(snap.names, microbatch.Name{ID: stamp.ID, Token: stamp.Token})
		switch {
		case stamp.ID == at.ID && stamp.Token == at.Token:
		case stamp.ID+1 == at.ID:
			if snap.laid[id], err = s.lay(id, topology, at); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("task %v is at microbatch %d (%v), decided is %d (%v)", id, stamp.ID, stamp.Token, at.ID, at.Token)
		}
	}
	snap.names = append(snap.names, at)
	return snap, nil
}

// lay lays the stage of a task over its slot.
func (s *State) lay(id task.ID, topology string, at microbatch.Name) (*slot, error) {
	held := s.slot(id)
	seal, err := wire.ParseSeal(held.tables[wire.MicrobatchTable(s.w.tags[id], topology).Key][wire.StageField])
	if err != nil {
		return nil, err
	}
	if seal.ID != at.ID || seal.Token != at.Token {
		return nil, fmt.Errorf("task %v has not applied microbatch %d (%v), which is decided, and has staged %d (%v)", id, at.ID, at.Token, seal.ID, seal.Token)
	}
	chunks := make([]string, seal.Chunks)
	for i := range chunks {
		chunks[i] = held.tables[wire.StageTable(s.w.tags[id], topology).Key][fmt.Sprint(i)]
	}
	stage, err := wire.ParseStage(chunks)
	if err != nil {
		return nil, err
	}
	over := &slot{head: held.head, tables: map[string]map[string]string{}, kinds: map[string]store.Kind{}}
	for key, table := range held.tables {
		over.tables[key], over.kinds[key] = table, held.kinds[key]
	}
	for i := range stage.Changes { // apply writes into tables: copies
		key := stage.Changes[i].Table.Key
		table := map[string]string{}
		for field, value := range over.tables[key] {
			table[field] = value
		}
		over.tables[key] = table
	}
	over.apply(&write{head: held.head, changes: stage.Changes})
	return over, nil
}

// StateView makes a snapshot a pstate.Reader.
func (s *snapshot) StateView() *overlay.View {
	if s.view == nil {
		s.view = overlay.NewDirect(s)
	}
	return s.view
}

// Slot finds the slot of a key.
func (s *snapshot) Slot(p *overlay.Path) (store.Slot, error) { return s.s.Slot(p) }

// Read answers from the snapshot.
func (s *snapshot) Read(at store.Slot, reads []store.Read) error {
	i := slices.Index(s.s.w.tags, at.Tag)
	if i < 0 {
		return fmt.Errorf("no slot %s", at.Tag)
	}
	over := s.laid[task.ID(i)]
	if over == nil {
		return s.s.Read(at, reads)
	}
	for j := range reads {
		over.answer(&reads[j])
	}
	return nil
}
