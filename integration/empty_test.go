package integration

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/nomination/memgroup"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/worker"
)

// tallied counts words, each on the task of its partition.
type tallied struct {
	name  string
	Words module.Depot[string]
	Seen  pstate.Map[string, int]
}

func (m *tallied) ModuleName() string { return m.name }

func (m *tallied) Define(b *module.Builder) {
	module.HashDepot(b, &m.Words, "words", func(v string) string { return v }, module.Text())
	s := b.Stream("tallied")
	s.PState(&m.Seen, "seen")
	module.DeclareSource(s, m.Words, func(ev *module.Event, v string) error {
		m.Seen.Key(v).Update(ev, func(n int) int { return n + 1 })
		return nil
	}, module.StartFromBeginning())
}

// emptied is a store in which one slot is another store's: as after its server came back empty.
type emptied struct {
	store.Store
	fresh store.Store
	tag   string
}

func (s *emptied) of(slot store.Slot) store.Store {
	if slot.Tag == s.tag {
		return s.fresh
	}
	return s.Store
}

func (s *emptied) Memory(ctx context.Context, slot store.Slot) (store.Memory, error) {
	return s.of(slot).Memory(ctx, slot)
}

func (s *emptied) Take(ctx context.Context, slot store.Slot, head task.Head) (store.Session, task.Head, error) {
	return s.of(slot).Take(ctx, slot, head)
}

func (s *emptied) Join(ctx context.Context, slot store.Slot) (store.Session, error) {
	return s.of(slot).Join(ctx, slot)
}

func (s *emptied) Read(ctx context.Context, slot store.Slot, reads []store.Read) (task.Head, error) {
	return s.of(slot).Read(ctx, slot, reads)
}

// R22, T12: a task whose slot has come back empty halts and says what to do, also at the start of
// its worker; the others go on. When somebody says so it is built anew from its depot.
func TestATaskWhoseSlotIsEmpty(t *testing.T) {
	t.Parallel()
	const tasks = 2
	words := strings.Fields("one two three four five six seven eight")
	c := start(t, world{})
	m := &tallied{name: unique("Shelf")}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: tasks}); err != nil {
		t.Fatal(err)
	}
	of := map[task.ID]string{} // a word of each task
	for _, v := range words {
		if _, err := m.Words.Append(t.Context(), c.Client(), v); err != nil {
			t.Fatal(err)
		}
		of[task.OfString(v, tasks)] = v
	}
	for _, w := range c.Workers() {
		if err := w.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}

	other := start(t, world{})
	again, err := localcluster.Start(t.Context(), localcluster.Config{Log: c.Log(), Store: &emptied{c.Store(), other.Store(), task.Tag(m.name, 1, tasks)}})
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	n := &tallied{name: m.name}
	launch := func() *worker.Worker {
		w, err := worker.Start(t.Context(), worker.Config{Log: c.Log(), Store: again.Store(), Network: again.Network(), Nominations: memgroup.New(1), Tasks: tasks}, n)
		if err != nil {
			t.Fatalf("one of two tasks has lost its data, and the worker does not start: %v", err)
		}
		return w
	}
	w := launch()
	health := w.Health(t.Context()).Modules[0]
	if len(health.Halted) != 1 || health.Halted[0].Task != 1 || !errors.Is(health.Halted[0].Why, runtime.ErrSlotEmpty) || !strings.Contains(health.Halted[0].Why.Error(), "coppice tasks rebuild") {
		t.Fatalf("halted: %+v; want task 1, for its empty slot", health.Halted)
	}
	if err := again.Client().Use(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Words.Append(t.Context(), again.Client(), of[0]); err != nil {
		t.Errorf("the other task does not go on: %v", err)
	}
	if err := again.Client().RebuildTask(t.Context(), m.name, 0); !errors.Is(err, client.ErrNotEmpty) {
		t.Errorf("rebuilding the task that has its data: %v, want ErrNotEmpty", err)
	}
	if err := again.Client().RebuildTask(t.Context(), m.name, 1); err != nil {
		t.Fatal(err)
	}
	if err := w.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}

	w = launch()
	defer w.Stop(context.WithoutCancel(t.Context()))
	if health := w.Health(t.Context()).Modules[0]; len(health.Halted) != 0 {
		t.Fatalf("halted after it was to be built anew: %+v", health.Halted)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := n.Words.Append(ctx, again.Client(), of[1]); err != nil { // behind all that is there
		t.Fatal(err)
	}
	for _, v := range words {
		want := 1
		if v == of[0] || v == of[1] {
			want = 2
		}
		if have, err := n.Seen.Key(v).Get(again.Client().At(ctx)); err != nil || have != want {
			t.Errorf("%s was counted %d times (%v), want %d", v, have, err, want)
		}
	}
}
