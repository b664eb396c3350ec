package integration

import (
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport/grpctransport"
)

// deluge fans a record out to as many events as it says, over all tasks.
type deluge struct {
	name   string
	Bursts module.Depot[burst]
	Counts pstate.Map[int, int] // on each task: events by the size of their record
	Landed module.Ack[int]
	land   module.Step[drop]
}

// burst is a record of a task.
type burst struct{ Task, Size int }

type drop struct{ Size, Number int }

func (m *deluge) ModuleName() string { return m.name }

func (m *deluge) Define(b *module.Builder) {
	module.CustomDepot(b, &m.Bursts, "bursts", func(v burst, _ int) int { return v.Task })
	s := b.Stream("deluge")
	s.PState(&m.Counts, "counts")
	module.DeclareAck(s, &m.Landed, agg.Sum[int]())
	module.DeclareStep(s, &m.land, "land", module.Custom(func(d drop, tasks int) int { return d.Number % tasks }), func(ev *module.Event, d drop) error {
		agg.Inc(ev, m.Counts.Key(d.Size))
		if d.Size < 100 {
			m.Landed.Return(ev, 1)
		}
		return nil
	})
	module.DeclareSource(s, m.Bursts, func(ev *module.Event, v burst) error {
		for i := range v.Size {
			m.land.Send(ev, drop{v.Size, i})
		}
		return nil
	}, module.StartFromBeginning())
}

// R43: a record that fans out to very many events, to other workers too, is done although
// little of it finds room in memory, and small records go on meanwhile. Nothing is left on
// the disk.
func TestAHugeRecord(t *testing.T) {
	t.Parallel()
	for _, w := range append(worlds(), world{name: "memory, grpc", network: grpctransport.New(grpctransport.Config{})}) {
		t.Run(w.name, func(t *testing.T) {
			t.Parallel()
			const events = 60_000
			c := start(t, w)
			m := &deluge{name: unique("Deluge")}
			folder := t.TempDir()
			var spilled, times atomic.Int64
			config := localcluster.LaunchConfig{
				Tasks: 4, Workers: 2, SpillFolder: folder, Options: runtime.Options{TreeBytesMax: 64 << 10},
				Listener: &runtime.Listener{Spilled: func(i runtime.SpillInfo) {
					if i.Err != nil {
						t.Errorf("events could not be kept: %v", i.Err)
					}
					spilled.Add(int64(i.Events))
					times.Add(1)
				}},
			}
			if err := c.Launch(t.Context(), m, config); err != nil {
				t.Fatal(err)
			}
			var group sync.WaitGroup
			var over atomic.Bool
			small := 0
			group.Go(func() {
				defer over.Store(true)
				if _, err := m.Bursts.Append(t.Context(), c.Client(), burst{0, events}); err != nil {
					t.Errorf("the huge record: %v", err)
				}
			})
			for ; small < 10 || !over.Load(); small++ {
				// From other tasks: events from one task to another keep their order.
				acks, err := m.Bursts.Append(t.Context(), c.Client(), burst{1 + small%3, 4})
				if n, ok := m.Landed.From(acks); err != nil || !ok || n != 4 {
					t.Fatalf("a small record: %d of 4 events, error %v", n, err)
				}
			}
			group.Wait()
			var huge, little int
			for id := range 4 {
				r := c.Client().AtTask(t.Context(), task.ID(id))
				n, err := m.Counts.Key(events).Get(r)
				if err != nil {
					t.Fatal(err)
				}
				huge += n
				if n, err = m.Counts.Key(4).Get(r); err != nil {
					t.Fatal(err)
				}
				little += n
			}
			if huge != events || little != 4*small {
				t.Errorf("%d events of the huge record, want %d; %d of the small ones, want %d", huge, events, little, 4*small)
			}
			if n := spilled.Load(); n < events/2 {
				t.Errorf("only %d events were spilled", n)
			} else {
				t.Logf("%d of %d events were spilled, %d times; %d small records meanwhile", n, events, times.Load(), small)
			}
			left, err := filepath.Glob(filepath.Join(folder, "*", "[0-9]*"))
			if err != nil || len(left) > 0 {
				t.Errorf("left on the disk are %v, error %v", left, err)
			}
			if err := c.Close(); err != nil {
				t.Error(err)
			}
			if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
				t.Errorf("left on the disk at the end are %v, error %v", entries, err)
			}
		})
	}
}
