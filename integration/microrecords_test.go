package integration

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
)

// promise 0.22: depot.microbatch.max.records bounds what a microbatch takes of a partition.
func TestAMicrobatchTakesSoManyRecords(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &transfers{name: unique("Bounded")}
		options := runtime.Options{MicrobatchRecordsMax: 3, Paused: true}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 1, Options: options}); err != nil {
			t.Fatal(err)
		}
		const records = 10
		for i := range records {
			if _, err := m.Moves.Append(t.Context(), c.Client(), transferred{From: "a", To: "b", Cents: i}); err != nil {
				t.Fatal(err)
			}
		}
		scope := client.OptionScope{Topology: "bank"}
		if err := c.Client().SetOption(t.Context(), m.name, scope, "topology.microbatch.paused", "false"); err != nil {
			t.Fatal(err)
		}
		if err := c.WaitForMicrobatchProcessedCount(t.Context(), m, "bank", records); err != nil {
			t.Fatal(err)
		}
		info, err := c.Client().Microbatches(t.Context(), m.name, "bank")
		if err != nil {
			t.Fatal(err)
		}
		if info.Applied < 4 || info.Applied > records {
			t.Errorf("%d records in %d microbatches of 3 records", records, info.Applied)
		}
		if next := info.Next["moves"]; len(next) != 1 || next[0] < records {
			t.Errorf("the offsets processed are %v", next)
		}
	})
}

// sums is a microbatch topology over two depots, one of them global, that appends to a
// third, which a stream reads; and some of its records are no good.
type sums struct {
	name   string
	Adds   module.Depot[int]
	Resets module.Depot[string]
	Marks  module.Depot[int]
	Sums   pstate.Map[string, int]
	Resat  pstate.Map[string, int]
	Marked pstate.Map[string, int]

	sum module.Step[int]
	mu  sync.Mutex
	ran map[int]int // how often the handler ran, by value
}

func (m *sums) ModuleName() string { return m.name }

func (m *sums) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Adds, "adds")
	module.GlobalDepot(b, &m.Resets, "resets")
	module.RandomDepot(b, &m.Marks, "marks", module.DisallowAppends())
	mb := b.Microbatch("sums")
	mb.PState(&m.Sums, "sums")
	mb.PState(&m.Resat, "resat")
	module.DeclareStep(mb, &m.sum, "sum", module.At(&m.Sums, func(int) string { return "all" }), m.onSum)
	module.DeclareSource(mb, m.Adds, m.onAdd, module.MaxAttempts(3))
	module.DeclareSource(mb, m.Resets, m.onReset)
	s := b.Stream("marks")
	s.PState(&m.Marked, "marked")
	module.DeclareSource(s, m.Marks, func(ev *module.Event, n int) error {
		agg.Inc(ev, m.Marked.Key(fmt.Sprint(n)))
		return nil
	})
}

var errNoGood = errors.New("no good")

func (m *sums) onAdd(ev *module.Event, n int) error {
	m.mu.Lock()
	m.ran[n]++
	m.mu.Unlock()
	m.sum.Send(ev, n)
	m.Marks.EmitTo(ev, ev.Task(), n)
	if n == 13 {
		return errNoGood // at every attempt
	}
	return nil
}

func (m *sums) onSum(ev *module.Event, n int) error {
	agg.Add(ev, m.Sums.Key("all"), n)
	return nil
}

func (m *sums) onReset(ev *module.Event, key string) error {
	agg.Inc(ev, m.Resat.Key(key))
	return nil
}

// promise 0.23: several depots, one of them with one partition; records that fail and are put
// aside after MaxAttempts.
func TestMicrobatchesOverSeveralDepots(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &sums{name: unique("Sums"), ran: map[int]int{}}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 3, Workers: 2}); err != nil {
			t.Fatal(err)
		}
		const records = 20
		want := 0
		for n := range records {
			if _, err := m.Adds.Append(t.Context(), c.Client(), n); err != nil {
				t.Fatal(err)
			}
			if n != 13 {
				want += n
			}
			if n%5 == 0 {
				if _, err := m.Resets.Append(t.Context(), c.Client(), "now"); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := c.WaitForMicrobatchProcessedCount(t.Context(), m, "sums", records+4); err != nil {
			t.Fatal(err)
		}
		n, err := m.Sums.Key("all").Get(c.Client().At(t.Context()))
		if err != nil || n != want {
			t.Errorf("the sum is %d (%v), want %d", n, err, want)
		}
		parked := 0
		for id := range 3 {
			tasks, err := c.Client().Tasks(t.Context(), m.name)
			if err != nil {
				t.Fatal(err)
			}
			parked += tasks[id].Parked
		}
		if parked != 1 || m.ran[13] < 3 {
			t.Errorf("%d records are put aside; the one that fails ran %d times", parked, m.ran[13])
		}
		m.retries(t, c, want)
	})
}

// retries has the record that was put aside run again as it is, and changed.
func (m *sums) retries(t *testing.T, c *localcluster.Cluster, sum int) {
	t.Helper()
	parked, err := c.Client().Parked(t.Context(), m.name)
	if err != nil || len(parked) != 1 {
		t.Fatalf("parked are %+v (%v)", parked, err)
	}
	var failed *client.FailedError
	if err := c.Client().RetryParked(t.Context(), parked[0].ParkedRef); !errors.As(err, &failed) || !failed.Parked || !strings.Contains(err.Error(), errNoGood.Error()) {
		t.Errorf("a retry that fails says %v", err)
	}
	again, err := c.Client().Parked(t.Context(), m.name)
	if err != nil || len(again) != 1 || again[0].Attempts != parked[0].Attempts+1 {
		t.Errorf("after a retry that failed, parked are %+v (%v)", again, err)
	}
	if err := c.Client().EditParked(t.Context(), parked[0].ParkedRef, []byte("1000")); err != nil {
		t.Errorf("edit: %v", err)
	}
	if err := c.Client().RetryParked(t.Context(), parked[0].ParkedRef); err != nil {
		t.Errorf("a retry of what was mended says %v", err)
	}
	if rest, err := c.Client().Parked(t.Context(), m.name); err != nil || len(rest) != 0 {
		t.Errorf("still parked are %+v (%v)", rest, err)
	}
	if n, err := m.Sums.Key("all").Get(c.Client().At(t.Context())); err != nil || n != sum+1000 {
		t.Errorf("the sum is %d (%v) when the answer comes, want %d", n, err, sum+1000)
	}
}

// lost asks a stream's event for its microbatch.
type lost struct {
	name    string
	Records module.Depot[int]
}

func (m *lost) ModuleName() string { return m.name }

func (m *lost) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Records, "records")
	module.DeclareSource(b.Stream("stream"), m.Records, func(ev *module.Event, _ int) error {
		_ = ev.MicrobatchID()
		return nil
	}, module.MaxAttempts(1))
}

// 14.18: an event of a stream has no microbatch, and fails if it asks for it.
func TestAStreamHasNoMicrobatches(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &lost{name: unique("Lost")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 1}); err != nil {
			t.Fatal(err)
		}
		_, err := m.Records.Append(t.Context(), c.Client(), 1)
		if failed, ok := errors.AsType[*client.FailedError](err); !ok || !failed.Parked || !strings.Contains(failed.Text, "which has no microbatches") {
			t.Errorf("the append ends with %v", err)
		}
	})
}
