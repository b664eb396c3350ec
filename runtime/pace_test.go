package runtime_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// river sends a text "N" on to N leaves of task To, and notes how many have not run yet.
type river struct {
	tide
	to            task.ID
	sent, waiting int // the second at most
	records       int
}

func (m *river) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	s := b.Stream("river")
	s.PState(&m.Latest, "latest")
	module.DeclareStep(s, &m.leaf, "leaf", module.Stay[int](), func(ev *module.Event, i int) error {
		m.ran = append(m.ran, i)
		m.Latest.Key(i%10).Set(ev, int64(i))
		return nil
	})
	module.DeclareSource(s, m.Texts, func(ev *module.Event, v string) error {
		var n int
		if _, err := fmt.Sscan(v, &n); err != nil {
			return err
		}
		for i := range n {
			m.leaf.SendTo(ev, m.to, i)
		}
		m.records++
		m.sent += n
		m.waiting = max(m.waiting, m.sent-len(m.ran))
		return nil
	}, module.StartFromBeginning())
}

// Records that each set off many events begin as fast as those run, so that few wait in memory,
// however many records are there.
func TestRecordsBeginAtThePaceOfTheirEvents(t *testing.T) {
	t.Parallel()
	const batches = 4 // that may be on their way
	ahead := batches * (runtime.Options{}).WithDefaults().MaxEventsPerBatch
	for _, c := range []struct{ events, records int }{{10, 5_000}, {1_000, 100}, {20_000, 10}} {
		t.Run(fmt.Sprint(c.events), func(t *testing.T) {
			t.Parallel()
			m := &river{}
			onDisk(t, m, 1, runtime.Options{}).give(slices.Repeat([]string{fmt.Sprint(c.events)}, c.records)...)
			if len(m.ran) != c.events*c.records {
				t.Fatalf("%d events ran, want %d", len(m.ran), c.events*c.records)
			}
			if most := ahead + 6*c.events; m.waiting > most { // four begin before the first one has told what it sets off
				t.Errorf("%d events waited at most, %d may", m.waiting, most)
			}
		})
	}
}

// A task whose records send everything to another one goes on, however much each of them sends.
func TestRecordsBeginWhoseEventsRunElsewhere(t *testing.T) {
	t.Parallel()
	for _, events := range []int{1, 1_000, 20_000} {
		m := &river{to: 1}
		onDisk(t, m, 2, runtime.Options{}).give(slices.Repeat([]string{fmt.Sprint(events)}, 50)...)
		if m.records != 50 {
			t.Errorf("of 50 records that send off %d events each, %d ran", events, m.records)
		}
	}
}

// Records of many sizes keep to the pace of what they set off in the mean.
func TestRecordsOfSeveralSizesKeepThePace(t *testing.T) {
	t.Parallel()
	m := &river{}
	var texts []string
	for i := range 20_000 {
		texts = append(texts, fmt.Sprint(1+i*7919%20)) // 1 to 20 events, 210,000 in all
	}
	onDisk(t, m, 1, runtime.Options{}).give(texts...)
	if len(m.ran) != 210_000 || m.waiting > 15_000 {
		t.Errorf("%d events ran, and %d waited at most", len(m.ran), m.waiting)
	}
}
