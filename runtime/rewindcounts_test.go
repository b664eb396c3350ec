package runtime_test

import (
	"errors"
	"testing"
	"time"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

// hopThenFail keeps the order of its depot: some records hop to task 1, others fail.
type hopThenFail struct {
	records module.Depot[string]
	there   module.Step[string]
	failed  int
}

func (m *hopThenFail) ModuleName() string { return "HopThenFail" }

func (m *hopThenFail) Define(b *module.Builder) {
	module.RandomDepot(b, &m.records, "records", module.Text())
	s := b.Stream("s")
	module.DeclareStep(s, &m.there, "there", module.Stay[string](), func(*module.Event, string) error { return nil })
	module.DeclareSource(s, m.records, func(ev *module.Event, v string) error {
		switch v {
		case "hops":
			m.there.SendTo(ev, 1, v)
		case "fails":
			m.failed++
			return errors.New("fails")
		}
		return nil
	}, module.RetryAllAfter(), module.MaxAttempts(3))
}

// A record that is about to be tried again keeps its count when one before it takes
// the source back, wherever the attempt is: its number on its way to the slot, or
// stored.
func TestGoingBackKeepsTheCountOfWhatIsAboutToRun(t *testing.T) {
	t.Parallel()
	m := &hopThenFail{}
	const records = 600 // more than are drawn at once, and than a batch holds: the first has left when the last begins
	l := newLonely(t, m, records)
	l.log[0].Value, l.log[records-1].Value = []byte("hops"), []byte("fails")
	attempts := wire.AttemptsTable("t")
	held := 0
	l.held = func(b *store.Batch) bool {
		if writesTo(b, attempts) && held == 0 {
			held++
			return true
		}
		return false
	}
	l.step(&runtime.Start{})
	for range 20 {
		l.now += int64(time.Second)
		l.step(&runtime.Tick{})
		if held == 1 {
			// The number of the second attempt is under way, and the first record's tree.
			held++
			l.step(&runtime.PeerLost{Task: 1})
			l.step(&runtime.CommitDone{})
		}
	}
	if held == 0 || m.failed != 3 {
		t.Errorf("the last record failed %d times, want 3 and then parked", m.failed)
	}
}
