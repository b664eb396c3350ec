package runtime_test

import (
	"slices"
	"testing"
	"time"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

// hopThenRead keeps the order of its depot: some records hop to task 1, others read
// what is not in memory.
type hopThenRead struct {
	records module.Depot[string]
	seen    pstate.Map[string, int]
	there   module.Step[string]
	ran     []string
}

func (m *hopThenRead) ModuleName() string { return "HopThenRead" }

func (m *hopThenRead) Define(b *module.Builder) {
	module.RandomDepot(b, &m.records, "records", module.Text())
	s := b.Stream("s")
	s.PState(&m.seen, "seen")
	module.DeclareStep(s, &m.there, "there", module.Stay[string](), func(*module.Event, string) error { return nil })
	module.DeclareSource(s, m.records, func(ev *module.Event, v string) error {
		if v == "hops" {
			m.there.SendTo(ev, 1, v)
		} else {
			m.seen.Key(v).Update(ev, func(n int) int { return n + 1 })
		}
		m.ran = append(m.ran, v)
		return nil
	}, module.RetryAllAfter())
}

// A record waits for what it reads while one before it takes the source back: what it
// does then is of the run before. It takes no effect, and the record runs again behind
// the other one.
func TestGoingBackTakesTheWaitingEventAlong(t *testing.T) {
	t.Parallel()
	m := &hopThenRead{}
	l := newLonely(t, m, 1)
	l.log[0].Value = []byte("hops")
	var written []string
	l.held = func(b *store.Batch) bool {
		for _, c := range b.Changes {
			for _, w := range c.Writes {
				if c.Table.Key == "{t}:p:seen" {
					written = append(written, w.Value)
				}
			}
		}
		return false
	}
	l.step(&runtime.Start{})
	l.log = append(l.log, l.log[0])
	l.log[1].Offset, l.log[1].Value = 1, []byte("reads")
	l.reads = true
	l.step(&runtime.Records{Depot: "records", Generation: l.feeds[0].Generation, Records: l.log[1:]})
	if l.asked == nil {
		t.Fatal("want record 1 to wait for what it reads")
	}
	l.step(&runtime.PeerLost{Task: 1})
	l.reads = false
	l.step(&runtime.ReadDone{Reads: l.asked})
	for range 5 {
		l.now += int64(time.Second)
		l.step(&runtime.Tick{})
	}
	if want := []string{"hops", "reads", "hops", "reads"}; !slices.Equal(m.ran, want) {
		t.Errorf("ran %v, want %v", m.ran, want)
	}
	if !slices.Equal(written, []string{"1"}) {
		t.Errorf("written %q, want what the last run made of it", written)
	}
}
