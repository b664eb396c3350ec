package simulation

import (
	"context"
	"fmt"
	"iter"
	"math/rand/v2"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// Program is a user of the module in the world: it appends with the handles of the
// module's depots and reads with those of its PStates, as it would with a
// client.Client, and waits for both in virtual time.
//
//	acks, err := m.Orders.Append(p.Context(), p, order)
//	n, err := m.Totals.Key("a").Get(p)
//
// It runs in turns with everything else, on one goroutine: it must not wait for
// anything but its own appends, reads and pauses.
type Program struct {
	// Random is the program's own, from the seed: what it draws replays.
	Random *rand.Rand
	// Number counts the programs of a run from 0.
	Number int

	w     *world
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
	over  bool
	err   error
}

// launch starts a program.
func (w *world) launch(number int, body func(*Program) error) {
	p := &Program{Random: w.split(), Number: number, w: w}
	p.next, p.stop = iter.Pull(func(yield func(struct{}) bool) {
		p.yield = yield
		p.err = guarded("the program", func() error { return body(p) })
		p.over = true
	})
	w.programs = append(w.programs, p)
	p.step()
}

// step lets the program go on until it waits again or ends.
func (p *Program) step() {
	if p.over {
		return
	}
	p.next()
	if p.over && p.err != nil {
		p.w.violate("program %d: %v", p.Number, p.err)
	}
}

// errEnded unwinds a program whose world has ended.
type errEnded struct{}

// wait stands still until what begin plans calls wake.
func (p *Program) wait(begin func(wake func())) {
	begin(p.step)
	if !p.yield(struct{}{}) {
		panic(errEnded{})
	}
}

// end unwinds a program that still waits.
func (p *Program) end() {
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(errEnded); !ok {
				panic(r)
			}
		}
	}()
	p.stop()
}

// Context is for calls that want one; it never ends.
func (p *Program) Context() context.Context { return context.Background() }

// Pause lets virtual time pass; less than nothing is nothing.
func (p *Program) Pause(d time.Duration) {
	p.wait(func(wake func()) { p.w.after(max(int64(d), 0), wake) })
}

// Tasks is the number of the module's tasks in this run; task.Keys gives keys of each.
func (p *Program) Tasks() int { return p.w.tasks }

// Now is the virtual time since the start of the run.
func (p *Program) Now() time.Duration { return time.Duration(p.w.now) }

// SendRecord appends a record and waits as its level says; it makes a Program a
// module.Appender. It keeps asking through failures that are tried again. Errors:
// *client.RejectedError, *client.FailedError, *client.AckError.
func (p *Program) SendRecord(_ context.Context, r module.Record) (module.Acks, error) {
	a, err := p.w.appendRecord(r)
	if err != nil {
		return module.Acks{}, err
	}
	if r.Level != module.AckAll {
		p.Pause(time.Millisecond)
		return module.Acks{}, nil
	}
	p.wait(func(wake func()) { a.wake = wake })
	place := client.Place{Module: r.Module, Depot: r.Depot, Partition: int32(a.task), Offset: a.offset}
	switch {
	case a.rejected:
		return module.Acks{}, &client.RejectedError{Place: place, Text: a.text}
	case a.parked:
		return module.Acks{}, &client.FailedError{Place: place, Text: a.text, Parked: !a.dropped}
	}
	if a.text != "" {
		return a.acks, &client.AckError{Place: place, Text: a.text}
	}
	return a.acks, nil
}

// StateView makes a Program a pstate.Reader of what is committed.
func (p *Program) StateView() *overlay.View { return overlay.NewDirect(p) }

// Slot finds the slot of a key.
func (p *Program) Slot(path *overlay.Path) (store.Slot, error) { return p.w.Slot(path) }

// Read reads from the present master, as a client does.
func (p *Program) Read(slot store.Slot, reads []store.Read) error {
	var err error
	p.wait(func(wake func()) {
		p.w.after(p.w.between(storeDelayMin, storeDelayMax), func() {
			err = p.w.Read(slot, reads)
			p.w.after(p.w.between(storeDelayMin, storeDelayMax), wake)
		})
	})
	return err
}

// appendRecord puts a record into the log, where its depot says.
func (w *world) appendRecord(r module.Record) (*appended, error) {
	id, err := w.partitionOf(&r)
	if err != nil {
		return nil, err
	}
	a := &appended{number: len(w.records), depot: r.Depot, task: id, offset: w.put(r.Depot, int(id), depot.Record{Key: r.Key, Value: r.Value, Headers: r.Headers})}
	at := partition{a.depot, a.task}
	a.again = a.offset < w.given[at]
	w.given[at] = max(w.given[at], a.offset+1)
	w.records = append(w.records, a)
	w.tracef("record %d appended: depot %s task %d offset %d %q", a.number, a.depot, a.task, a.offset, r.Value)
	w.after(w.between(20*microsecond, 2*millisecond), func() { w.ask(a) })
	return a, nil
}

// partitionOf picks where a record goes, as clients do.
func (w *world) partitionOf(r *module.Record) (task.ID, error) {
	d, ok := w.plan.Depot(r.Depot)
	switch {
	case !ok:
		return 0, fmt.Errorf("module %s has no depot %q", w.plan.Module, r.Depot)
	case d.Disallowed:
		return 0, module.ErrDisallowed
	case r.Key != nil:
		return task.Of(r.Key, d.Partitions(w.tasks)), nil
	case r.Choose != nil:
		n, err := r.Choose(d.Partitions(w.tasks))
		return task.ID(n), err
	}
	return task.ID(w.random.IntN(d.Partitions(w.tasks))), nil
}

// Slot finds the slot of a key, for reads of programs and workloads.
func (w *world) Slot(p *overlay.Path) (store.Slot, error) {
	id, err := p.Task(w.tasks)
	switch {
	case err != nil:
		return store.Slot{}, fmt.Errorf("PState %s: %w", p.Decl.Name, err)
	case id == task.None:
		return store.Slot{}, fmt.Errorf("PState %s has a partition on each task: in the simulation it is read by key", p.Decl.Name)
	}
	return wire.Slot(w.tags[id]), nil
}
