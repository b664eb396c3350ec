package runtime_test

import (
	"encoding/json"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// node is an event of the trees below: what runs where, and what it sends.
type node struct {
	At    int
	Name  string
	Below []node
}

// branches counts its events by their names, on the tasks that they name. What an
// event does besides is up to the test.
type branches struct {
	Roots module.Depot[node]
	Seen  pstate.Map[string, int]
	Total module.Ack[int]
	next  module.Step[node]

	name    string // of the step
	former  []module.StepOption
	lasting []module.StreamOption
	begun   func(name string) // also by events that run ahead
	do      map[string]func(*module.Event) error
}

func newBranches() *branches {
	return &branches{name: "next", lasting: []module.StreamOption{module.ExactlyOnce()}, do: map[string]func(*module.Event) error{}}
}

func (m *branches) ModuleName() string { return "Branches" }

func (m *branches) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Roots, "roots")
	s := b.Stream("grow", m.lasting...)
	s.PState(&m.Seen, "seen")
	module.DeclareAck(s, &m.Total, agg.Sum[int]())
	module.DeclareStep(s, &m.next, m.name, module.Custom(func(n node, _ int) int { return n.At }), m.onNode, m.former...)
	module.DeclareSource(s, m.Roots, m.onNode, module.StartFromBeginning(), module.MaxAttempts(3))
}

func (m *branches) onNode(ev *module.Event, n node) error {
	if m.begun != nil {
		m.begun(n.Name)
	}
	agg.Inc(ev, m.Seen.Key(n.Name))
	m.Total.Return(ev, 1)
	for _, below := range n.Below {
		m.next.Send(ev, below)
	}
	if do := m.do[n.Name]; do != nil {
		return do(ev)
	}
	return nil
}

// leaf is an event that sends nothing.
func leaf(at int, name string) node { return node{At: at, Name: name} }

// town is the tasks of a module. Commits and frames wait until a test lets them go;
// whatever else a task asks of its slot is answered at once.
type town struct {
	t      *testing.T
	tasks  []*citizen
	now    int64
	tokens byte
	frames []*wire.Frame // under way, in the order of sending
	steps  []*module.StepPlan
}

// citizen is a task with its slot, which outlives its owners.
type citizen struct {
	town    *town
	id      task.ID
	options runtime.Options
	tables  map[string]map[string]string
	head    task.Head
	lineage task.Lineage

	// Of the present owner.
	engine     *runtime.Task
	pending    *store.Batch // its commit under way
	generation uint64
	feeds      map[int]uint64 // generations, by strand
	asked      []task.ID      // whose heads it wants to know, where heads are held back
	holdHeads  bool
	wanted     []store.Read // what it wants to read, where reads are held back
	holdReads  bool
	answers    []runtime.Answer
	halt       error
	wakeAt     int64
	failed     []runtime.RecordInfo
	retried    []runtime.RecordInfo
	putAside   []runtime.RecordInfo
	strayed    []uint64
}

// newTown returns so many tasks of a module, all running.
func newTown(t *testing.T, m module.Module, tasks int, options runtime.Options) *town {
	t.Helper()
	w := &town{t: t, now: 1e15}
	for id := range tasks {
		w.tasks = append(w.tasks, &citizen{town: w, id: task.ID(id), options: options, tables: map[string]map[string]string{}, lineage: task.Lineage{Run: "r", Replication: "r"}})
	}
	for _, c := range w.tasks {
		c.own(m)
	}
	w.settle()
	return w
}

// own begins a new ownership period: with another process, maybe of another version of
// the module.
func (c *citizen) own(m module.Module) {
	c.town.t.Helper()
	plan, err := module.Compile(m)
	if err != nil {
		c.town.t.Fatal(err)
	}
	if c.engine != nil {
		c.engine.Close()
	}
	c.town.steps = plan.Steps()
	c.engine = runtime.New(runtime.Config{
		Plan: plan, Task: c.id, Tasks: len(c.town.tasks), Tag: c.tag(), Address: "here", Random: rand.New(rand.NewPCG(1, uint64(c.id))), Options: c.options,
		NewToken: func() task.Token { c.town.tokens++; return task.Token{c.town.tokens} },
		Listener: &runtime.Listener{
			RecordFailed:  func(i runtime.RecordInfo) { c.failed = append(c.failed, i) },
			RecordRetried: func(i runtime.RecordInfo) { c.retried = append(c.retried, i) },
			RecordParked:  func(i runtime.RecordInfo) { c.putAside = append(c.putAside, i) },
			Strayed:       func(i runtime.StrayedInfo) { c.strayed = append(c.strayed, i.Group) },
		},
	})
	c.town.t.Cleanup(c.engine.Close)
	c.pending, c.answers, c.halt, c.asked, c.wanted = nil, nil, nil, nil, nil
	c.feeds = map[int]uint64{}
	c.step(&runtime.Start{})
}

func (c *citizen) tag() string { return task.Tag("Branches", c.id, len(c.town.tasks)) }

// step hands the task an input and answers what it asks for, but for commits.
func (c *citizen) step(in runtime.Input) {
	for in != nil {
		c.town.now++
		e := c.engine.Step(c.town.now, in)
		in = c.carryOut(e)
	}
}

func (c *citizen) carryOut(e *runtime.Effects) (next runtime.Input) {
	c.wakeAt = e.WakeAt
	c.answers = append(c.answers, e.Answers...)
	for _, f := range e.Frames {
		sent := c.town.copied(f)
		sent.Opened = f.Opened // for tests to look at; what is delivered comes without
		c.town.frames = append(c.town.frames, sent)
	}
	for _, f := range e.Feeds {
		if f.Order == runtime.FeedFrom {
			c.generation = f.Generation
			c.feeds[f.Strand] = f.Generation
		}
	}
	if e.Drop {
		c.pending = nil
	}
	if e.Commit != nil {
		c.pending = &store.Batch{Head: e.Commit.Head, Changes: slices.Clone(e.Commit.Changes)}
		for i := range c.pending.Changes {
			c.pending.Changes[i].Writes = slices.Clone(c.pending.Changes[i].Writes)
		}
	}
	switch {
	case e.Halt != nil:
		c.halt = e.Halt
	case e.Take != nil:
		previous := c.head
		c.head = *e.Take
		return &runtime.Taken{Previous: previous, Lineage: c.lineage}
	case len(e.Starts) > 0:
		return &runtime.StartsDone{Starts: make([]runtime.Started, len(e.Starts))}
	case len(e.Reads) > 0:
		c.wanted = slices.Clone(e.Reads)
		if !c.holdReads {
			return c.readDone()
		}
	case len(e.Heads) > 0:
		c.asked = slices.Clone(e.Heads)
		if !c.holdHeads {
			return c.heads()
		}
	}
	return nil
}

// copied is a frame as it comes out of the network. Of streams all that these tasks send is
// in parcels.
func (w *town) copied(f *wire.Frame) *wire.Frame {
	raw, err := f.Append(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	f, err = wire.ParseFrame(raw, func(step uint16) (wire.Column, error) {
		if s := w.steps[step]; len(f.Events) > 0 && f.Events[0].Generation != nil {
			return s.NewColumn(true), nil
		}
		return nil, errors.New("an event outside of a parcel")
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return f
}

// readDone answers the reads that are under way.
func (c *citizen) readDone() *runtime.ReadDone {
	reads := c.wanted
	c.wanted = nil
	for i := range reads {
		r := &reads[i]
		table := c.tables[r.Table.Key]
		if r.Kind == store.Get {
			r.Value, r.Found = table[r.Field]
			continue
		}
		for _, field := range slices.Sorted(maps.Keys(table)) {
			r.Elements = append(r.Elements, store.Element{Field: field, Value: table[field]})
		}
	}
	return &runtime.ReadDone{Reads: reads}
}

// heads answers the question for heads that is under way.
func (c *citizen) heads() *runtime.HeadsDone {
	done := &runtime.HeadsDone{Tasks: c.asked}
	for _, id := range c.asked {
		done.Heads = append(done.Heads, c.town.tasks[id].head)
	}
	c.asked = nil
	return done
}

// commit applies the commit under way and confirms it.
func (c *citizen) commit() {
	c.town.t.Helper()
	c.apply()
	c.step(&runtime.CommitDone{})
}

// apply applies the commit under way; nobody hears of it.
func (c *citizen) apply() {
	c.town.t.Helper()
	if c.pending == nil {
		c.town.t.Fatalf("task %d: no commit is under way", c.id)
	}
	for _, change := range c.pending.Changes {
		table := c.tables[change.Table.Key]
		if table == nil || change.Drop {
			table = map[string]string{}
			c.tables[strings.Clone(change.Table.Key)] = table
		}
		for _, w := range change.Writes {
			if w.Delete {
				delete(table, w.Field)
			} else {
				table[strings.Clone(w.Field)] = strings.Clone(w.Value)
			}
		}
	}
	c.head = c.pending.Head
	c.pending = nil
}

// give hands over records of the depot.
func (c *citizen) give(offset int64, roots ...node) {
	var all []depot.Record
	for i, n := range roots {
		raw, err := json.Marshal(n)
		if err != nil {
			c.town.t.Fatal(err)
		}
		all = append(all, depot.Record{Partition: int32(c.id), Offset: offset + int64(i), Time: time.UnixMilli(1_700_000_000_000), Value: raw})
	}
	c.step(&runtime.Records{Depot: "roots", Generation: c.generation, Records: all})
}

// mail takes the frames out that are under way from one task to another.
func (w *town) mail(from, to task.ID) (taken []*wire.Frame) {
	w.frames = slices.DeleteFunc(w.frames, func(f *wire.Frame) bool {
		if f.From != from || f.To != to {
			return false
		}
		taken = append(taken, f)
		return true
	})
	return taken
}

// deliver hands frames to the tasks that they are for; each may be delivered again.
func (w *town) deliver(frames ...*wire.Frame) {
	for _, f := range frames {
		w.tasks[f.To].step(&runtime.FrameIn{Frame: w.copied(f)})
	}
}

// carry lets all frames between two tasks arrive, one way.
func (w *town) carry(from, to task.ID) { w.deliver(w.mail(from, to)...) }

// forged is a parcel with events to task 0 as task 1 may have sent it.
func (w *town) forged(head wire.ParcelHead, nodes ...node) string {
	w.t.Helper()
	nodeCodec, err := codec.JSON[node]()
	if err != nil {
		w.t.Fatal(err)
	}
	column := wire.NewColumn(&nodeCodec, true)
	f := &wire.Frame{From: 1, To: 0, Columns: []wire.Column{column}}
	for i, n := range nodes {
		if err := column.Put(n); err != nil {
			w.t.Fatal(err)
		}
		f.Events = append(f.Events, wire.Event{Origin: wire.Origin{Tree: acker.Ref{ID: 7}, Root: 1}, Seed: uint64(i), Index: uint32(i)})
	}
	raw, _, _, err := wire.NewPacker(branchNames{}).Pack(nil, head, f, 0, nil, 0)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(raw)
}

// branchNames are the names of branches, for packing.
type branchNames struct{ wire.Directory }

func (branchNames) StepName(uint16) string { return "next" }
func (branchNames) Stem(_, _ uint16, partition task.ID) uint64 {
	return acker.Stem("grow", "roots", int32(partition))
}
func (branchNames) SourceName(_, _ uint16) string { return "roots" }

// wait lets time pass, and the tasks do what is due.
func (w *town) wait(nanoseconds int64) {
	w.now += nanoseconds
	for _, c := range w.tasks {
		c.step(&runtime.Tick{})
	}
}

// settle confirms all commits and lets all frames arrive until nothing moves.
func (w *town) settle() {
	w.t.Helper()
	for range 1000 {
		moved := false
		for _, c := range w.tasks {
			for c.pending != nil {
				c.commit()
				moved = true
			}
		}
		for len(w.frames) > 0 {
			f := w.frames[0]
			w.frames = w.frames[1:]
			w.deliver(f)
			moved = true
		}
		if !moved {
			if w.wait(25e6); !slices.ContainsFunc(w.tasks, func(c *citizen) bool { return c.pending != nil }) && len(w.frames) == 0 {
				return
			}
		}
	}
	w.t.Fatal("it never comes to rest")
}

// copied is what a slot holds, for going back to it.
func copied(tables map[string]map[string]string) map[string]map[string]string {
	all := map[string]map[string]string{}
	for name, table := range tables {
		all[name] = maps.Clone(table)
	}
	return all
}

// lose has the commit under way be applied or not, and its reply be lost.
func (c *citizen) lose(applied bool) {
	c.town.t.Helper()
	if applied {
		c.apply()
	}
	c.pending = nil
	c.step(&runtime.CommitDone{Err: store.ErrLost})
	c.town.now = c.wakeAt
	c.step(&runtime.Tick{})
}

// seen is how often an event has taken effect on the task.
func (c *citizen) seen(name string) string { return c.table("p:seen")[name] }

// table is what the slot holds under a name.
func (c *citizen) table(name string) map[string]string { return c.tables["{"+c.tag()+"}:"+name] }

// rested fails the test unless nothing is under way any more in the slots.
func (w *town) rested() {
	w.t.Helper()
	for _, c := range w.tasks {
		if c.halt != nil {
			w.t.Errorf("task %d has halted: %v", c.id, c.halt)
		}
		if n, m := len(c.table("outbox")), len(c.table("groups")); n+m > 0 {
			w.t.Errorf("task %d has %d parcels and %d groups in its slot", c.id, n, m)
		}
	}
}
