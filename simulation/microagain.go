package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
)

// MicroAgain is the workload of what a microbatch topology has put aside: records whose
// attempts are used up, records and events that a handler parks. People have them run again,
// before and after what they ail from is mended, change them or drop them, while owners come and
// go. Each takes effect once, or not at all if it was dropped.
func MicroAgain() Workload {
	return Workload{Name: "micro-again", Hops: true, Fails: true, RecordsMax: 30, New: func() Case {
		return &againCase{m: ward{mended: map[int]bool{}, worse: map[int]bool{}}, dropped: map[string]bool{}, ran: map[string]bool{}}
	}}
}

// ailment is what is wrong with a record.
type ailment int

const (
	sound ailment = iota
	recordFails
	recordParks
	eventParks
	ailments
)

type patient struct {
	Number int
	Leaf   int // 0: the record, else an event of it
	Key    string
	Ails   ailment
	Below  []string // keys of the events below
}

func (p patient) name() string { return fmt.Sprint(p.Number, ".", p.Leaf) }

type ward struct {
	Sick    module.Depot[patient]
	Treated pstate.MapOf[string, pstate.Map[string, int]] // by key, by event: how often
	IDs     pstate.MapOf[string, pstate.Map[string, int]] // in which microbatch

	leaf   module.Step[patient]
	mended map[int]bool // records whose ailment the world outside has cured
	worse  map[int]bool // those whose event fails now, instead of parking
}

func (m *ward) Define(b *module.Builder) {
	module.HashDepot(b, &m.Sick, "sick", func(p patient) string { return p.Key })
	mb := b.Microbatch("micro")
	mb.PState(&m.Treated, "treated")
	mb.PState(&m.IDs, "ids")
	module.DeclareStep(mb, &m.leaf, "leaf", module.At(&m.Treated, func(p patient) string { return p.Key }), m.onPatient)
	module.DeclareSource(mb, m.Sick, m.onPatient, module.StartFromBeginning(), module.MaxAttempts(3))
}

func (m *ward) onPatient(ev *module.Event, p patient) error {
	agg.Inc(ev, m.Treated.Key(p.Key).Key(p.name()))
	m.IDs.Key(p.Key).Key(p.name()).Set(ev, int(ev.MicrobatchID()))
	for i, key := range p.Below {
		m.leaf.Send(ev, patient{Number: p.Number, Leaf: i + 1, Key: key, Ails: p.Ails})
	}
	switch ails := p.Ails; {
	case m.mended[p.Number]:
	case ails == recordFails && p.Leaf == 0, ails == eventParks && p.Leaf == 1 && m.worse[p.Number]:
		return errMood
	case ails == recordParks && p.Leaf == 0, ails == eventParks && p.Leaf == 1:
		return module.Park(errMood)
	}
	return nil
}

type againCase struct {
	m       ward
	sick    []patient
	dropped map[string]bool // somebody has asked for that
	ran     map[string]bool // was parked once, so it may be of another microbatch than its record
	left    func() []wire.ParkedRecord
	wrong   []error
}

func (c *againCase) Module() module.Module { return &c.m }

func (c *againCase) Append(a module.Appender, r *rand.Rand, number int) error {
	key := func() string { return fmt.Sprint("k", r.IntN(8)) }
	p := patient{Number: number, Key: key(), Ails: ailment(r.IntN(int(ailments)))}
	for range r.IntN(4) {
		p.Below = append(p.Below, key())
	}
	c.sick = append(c.sick, p)
	_, err := c.m.Sick.Append(context.Background(), a, p)
	return err
}

func (c *againCase) Acked(int, module.Acks) error { return nil }

func (c *againCase) parking(left func() []wire.ParkedRecord) { c.left = left }

// decide says what a person does about something that is parked; in the end all is mended.
func (c *againCase) decide(p *wire.ParkedRecord, r *rand.Rand, quiet bool) (runtime.ParkedOrder, []byte) {
	var v patient
	if err := json.Unmarshal([]byte(*p.Text), &v); err != nil {
		panic(err) // the codec is JSON
	}
	c.ran[v.name()] = true
	// A record whose event fails now is to blame where the slot has forgotten that the event was parked.
	if p.Event == "" && v.Ails != recordFails && v.Ails != recordParks && !p.Edited && !c.m.worse[v.Number] {
		c.wrong = append(c.wrong, fmt.Errorf("record %d was put aside, and nothing is wrong with it: %s", v.Number, p.Reason))
	}
	switch n := r.IntN(10); {
	case n == 0 && !quiet:
		c.dropped[v.name()] = true
		return runtime.ParkedSkip, nil
	case n < 3 && v.Ails != sound && !p.Edited:
		v.Ails = sound
		raw, err := json.Marshal(v)
		if err != nil {
			panic(err)
		}
		return runtime.ParkedEdit, raw
	case n < 8 || quiet:
		c.m.mended[v.Number] = true
	default:
		c.m.worse[v.Number] = true
	}
	return runtime.ParkedRetry, nil
}

func (c *againCase) Check(r pstate.Reader, _ func(int) bool) error {
	wrong := c.wrong
	for _, p := range c.sick {
		root, id, err := c.treated(r, p)
		if want := !c.dropped[p.name()]; err != nil || root > 1 || root == 0 && want {
			wrong = append(wrong, fmt.Errorf("record %d took effect %d times (error %v)", p.Number, root, err))
		}
		for i := range p.Below {
			leaf := patient{Number: p.Number, Leaf: i + 1, Key: p.Below[i]}
			n, its, err := c.treated(r, leaf)
			if want := root; err != nil || n > want || n < want && !c.dropped[leaf.name()] {
				wrong = append(wrong, fmt.Errorf("event %s took effect %d times, its record %d times (error %v)", leaf.name(), n, root, err))
			}
			if n > 0 && its != id && !(c.ran[leaf.name()] && its > id) {
				wrong = append(wrong, fmt.Errorf("event %s took effect in microbatch %d, its record in %d", leaf.name(), its, id))
			}
		}
	}
	for _, p := range c.left() {
		wrong = append(wrong, fmt.Errorf("%s is still parked: %s", p.Field(), p.Reason))
	}
	return errors.Join(wrong...)
}

func (c *againCase) treated(r pstate.Reader, p patient) (n, id int, err error) {
	n, err = c.m.Treated.Key(p.Key).Key(p.name()).Get(r)
	id, err2 := c.m.IDs.Key(p.Key).Key(p.name()).Get(r)
	return n, id, errors.Join(err, err2)
}

// visitEvery is how often a person looks at what is parked.
const visitEvery = 150 * millisecond

// visit has a person look at what is parked now and then, of workloads that know of it, and
// decide about some of it.
func (w *world) visit() {
	c, ok := w.workload.(interface {
		parking(left func() []wire.ParkedRecord)
		decide(p *wire.ParkedRecord, r *rand.Rand, quiet bool) (runtime.ParkedOrder, []byte)
	})
	if !ok {
		return
	}
	c.parking(func() (all []wire.ParkedRecord) {
		for id := range w.tasks {
			all = append(all, w.parkedAt(id)...)
		}
		return all
	})
	var look func()
	look = func() {
		id := w.extra.IntN(w.tasks)
		all := w.parkedAt(id)
		if len(all) > 0 && !w.quiet {
			at := w.extra.IntN(len(all))
			all = all[at : at+1]
		}
		for i := range all {
			p := &all[i]
			if w.owners[id] == nil {
				break
			}
			order, value := c.decide(p, w.extra, w.quiet)
			w.give(w.owners[id], runtime.Parked{Order: order, Topology: p.Topology, Source: p.Source, Offset: p.Offset, Step: p.Step, Event: p.Event, Value: value})
		}
		w.after(1+w.extra.Int64N(visitEvery), look)
	}
	w.after(visitEvery, look)
}

// parkedAt is what is parked in a task's slot, in the order of its names.
func (w *world) parkedAt(id int) (all []wire.ParkedRecord) {
	table := w.servers[id%len(w.servers)].current.slot(w.tags[id]).tables[wire.ParkedTable(w.tags[id]).Key]
	for _, field := range slices.Sorted(maps.Keys(table)) {
		var p wire.ParkedRecord
		if err := json.Unmarshal([]byte(table[field]), &p); err != nil {
			w.violate("parked record %s of task %d: %v", field, id, err)
			continue
		}
		all = append(all, p)
	}
	return all
}
