package runtime_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// twoOrdered is two streams that keep the order of one depot; each fails once, at a
// record of its own.
type twoOrdered struct {
	records module.Depot[string]
	failing map[string]int // by stream: which record fails next, -1 for none
	ran     map[string][]int
}

func (m *twoOrdered) ModuleName() string { return "TwoOrdered" }

func (m *twoOrdered) Define(b *module.Builder) {
	module.RandomDepot(b, &m.records, "records", module.Text())
	for _, name := range []string{"first", "second"} {
		s := b.Stream(name)
		module.DeclareSource(s, m.records, func(_ *module.Event, v string) error {
			n, err := strconv.Atoi(v)
			if err != nil {
				return err
			}
			if m.failing[name] == n {
				m.failing[name] = -1
				return errors.New("fails once")
			}
			m.ran[name] = append(m.ran[name], n)
			return nil
		}, module.RetryAllAfter())
	}
}

// Two sources that read one depot together go back in one step, each to a record of
// its own: the depot is read again from the earlier one, and nothing is left out.
func TestSourcesThatGoBackTogetherLeaveNothingOut(t *testing.T) {
	t.Parallel()
	const records = 10
	m := &twoOrdered{failing: map[string]int{"first": 2, "second": 7}, ran: map[string][]int{}}
	plan, err := module.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	engine := runtime.New(runtime.Config{
		Plan: plan, Tasks: 1, Tag: "t", Address: "here:1", Random: random,
		NewToken: func() (token task.Token) { token[0] = byte(random.Uint32()) | 1; return token },
	})
	defer engine.Close()
	log := make([]depot.Record, records)
	for i := range log {
		log[i] = depot.Record{Offset: int64(i), Value: []byte(strconv.Itoa(i)), Time: time.UnixMilli(1)}
	}
	inputs := []runtime.Input{&runtime.Start{}}
	now := int64(1)
	for range 1000 {
		if len(inputs) == 0 {
			inputs = append(inputs, &runtime.Tick{})
			now += int64(time.Second)
		}
		in := inputs[0]
		inputs = inputs[1:]
		e := engine.Step(now, in)
		if e.Halt != nil || e.Drop {
			t.Fatalf("halted or dropped: %v", e.Halt)
		}
		if e.Take != nil {
			inputs = append(inputs, &runtime.Taken{Lineage: task.Lineage{Run: "r", Replication: "p"}})
		}
		if len(e.Reads) > 0 {
			inputs = append(inputs, &runtime.ReadDone{Reads: slices.Clone(e.Reads)})
		}
		if len(e.Heads) > 0 {
			inputs = append(inputs, &runtime.HeadsDone{Tasks: slices.Clone(e.Heads), Heads: make([]task.Head, len(e.Heads))})
		}
		if e.Commit != nil {
			inputs = append(inputs, &runtime.CommitDone{})
		}
		if len(e.Starts) > 0 {
			inputs = append(inputs, &runtime.StartsDone{Starts: make([]runtime.Started, len(e.Starts))})
		}
		for _, f := range e.Feeds {
			if f.Order == runtime.FeedFrom {
				inputs = append(inputs, &runtime.Records{Depot: f.Depot, Generation: f.Generation, Records: log[f.Offset:]})
			}
		}
	}
	want := map[string][]int{"first": {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, "second": {0, 1, 2, 3, 4, 5, 6, 7, 8, 9}}
	for name, ran := range m.ran {
		if !slices.Equal(ran, want[name]) {
			t.Errorf("stream %s ran records %v, want %v", name, ran, want[name])
		}
	}
}
