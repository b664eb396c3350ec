package runtime_test

import (
	"fmt"
	"testing"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
)

// tide is flood whose leaves write: each batch of them is a commit.
type tide struct {
	flood
	Latest pstate.Map[int, int64]
}

func (m *tide) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	s := b.Stream("tide")
	s.PState(&m.Latest, "latest")
	module.DeclareStep(s, &m.leaf, "leaf", module.Stay[int](), func(ev *module.Event, i int) error {
		m.ran = append(m.ran, i)
		m.Latest.Key(i%10).Set(ev, int64(i))
		return nil
	})
	module.DeclareSource(s, m.Texts, m.send, module.StartFromBeginning())
}

// R43: while very many events of one record wait in memory, records that come have their
// turn with each draw.
func TestARecordBeginsBesideManyEvents(t *testing.T) {
	t.Parallel()
	const events = 20_000
	m := &tide{}
	d := onDisk(t, m, 1, runtime.Options{})
	given, before, most := 0, 0, 0
	d.each = func() runtime.Input {
		if len(m.ran) == 0 || len(m.ran) == events || m.small < given {
			return nil
		}
		most = max(most, len(m.ran)-before)
		before = len(m.ran)
		given++
		d.next++
		return &runtime.Records{Depot: "texts", Generation: d.feed, Records: []depot.Record{{Offset: d.next - 1, Value: []byte("0")}}}
	}
	d.give(fmt.Sprint(events))
	// It may come behind a batch that waits for its commit, and begin in the next one.
	if limit := 2 * (runtime.Options{}).WithDefaults().MaxEventsPerBatch; most > limit {
		t.Errorf("%d events of the huge record ran before one that had come, %d may", most, limit)
	}
	if len(m.ran) != events || given < events/4_000 {
		t.Errorf("%d events ran beside %d records", len(m.ran), given)
	}
}
