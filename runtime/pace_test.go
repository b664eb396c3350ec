package runtime_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// river sends a text "N" on to N leaves of task To, and notes how many have not run yet. Pebbles
// send nothing on, or so many as Loud.
type river struct {
	tide
	Pebbles       module.Depot[string]
	to            task.ID
	options       []module.StreamOption
	sent, waiting int // the second at most
	records       int
	pebbles       int
	loud          int
	before        int // records that have run before the last pebble
}

func (m *river) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	module.HashDepot(b, &m.Pebbles, "pebbles", func(v string) string { return v }, module.Text())
	s := b.Stream("river", m.options...)
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
		m.Latest.Key(-1).Set(ev, int64(n)) // so that there is a commit
		m.records++
		m.sent += n
		m.waiting = max(m.waiting, m.sent-len(m.ran))
		return nil
	}, module.StartFromBeginning())
	module.DeclareSource(s, m.Pebbles, func(ev *module.Event, _ string) error {
		m.pebbles++
		for i := range m.loud {
			m.leaf.SendTo(ev, m.to, i)
		}
		m.sent += m.loud
		m.waiting = max(m.waiting, m.sent-len(m.ran))
		m.before = m.records
		return nil
	}, module.StartFromBeginning())
}

// pebble gives so many pebbles as soon as a text has begun.
func (d *disky) pebble(m *river, n int) {
	d.each = func() runtime.Input {
		if m.records == 0 {
			return nil
		}
		d.each = nil
		in := &runtime.Records{Depot: "pebbles", Generation: d.feeds["pebbles"]}
		for i := range n {
			in.Records = append(in.Records, depot.Record{Offset: int64(i), Value: []byte("0")})
		}
		return in
	}
}

// Records that each set off many events begin as fast as those run, so that few wait in memory,
// however many records are there.
func TestRecordsBeginAtThePaceOfTheirEvents(t *testing.T) {
	t.Parallel()
	const batches = 4 // that may be on their way
	ahead := batches * (runtime.Options{}).WithDefaults().MaxEventsPerBatch
	atLeastOnce, exactlyOnce := []module.StreamOption(nil), []module.StreamOption{module.ExactlyOnce()}
	for _, c := range []struct {
		events, records int
		options         []module.StreamOption
	}{{10, 5_000, atLeastOnce}, {1_000, 100, atLeastOnce}, {20_000, 10, atLeastOnce}, {10, 5_000, exactlyOnce}, {1_000, 100, exactlyOnce}} {
		t.Run(fmt.Sprint(c.events, " exactly once: ", c.options != nil), func(t *testing.T) {
			t.Parallel()
			m := &river{options: c.options}
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

// A source goes on beside another one that has very many records, whatever those set off elsewhere.
func TestNoSourceStopsAnother(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ events, records int }{{0, 8_000}, {1, 8_000}, {1_000, 1_000}, {20_000, 100}} {
		m := &river{to: 1}
		d := onDisk(t, m, 2, runtime.Options{})
		d.pebble(m, 500)
		d.give(slices.Repeat([]string{fmt.Sprint(c.events)}, c.records)...)
		if m.pebbles != 500 || m.before > c.records*3/4 {
			t.Errorf("beside %d records that set off %d events each %d of 500 others ran, the last one after %d", c.records, c.events, m.pebbles, m.before)
		}
	}
}

// Two sources whose records set off many events each share the pace.
func TestSourcesShareThePace(t *testing.T) {
	t.Parallel()
	const events, records = 1_000, 200
	m := &river{loud: events}
	d := onDisk(t, m, 1, runtime.Options{})
	d.pebble(m, records)
	d.give(slices.Repeat([]string{fmt.Sprint(events)}, records)...)
	ahead := 2 * 4 * (runtime.Options{}).WithDefaults().MaxEventsPerBatch // of each source
	if len(m.ran) != 2*events*records || m.waiting > ahead+12*events {
		t.Errorf("%d events ran, and %d waited at most, %d may", len(m.ran), m.waiting, ahead+12*events)
	}
}

// A source that has more records than may be under way leaves some of the room to the others.
func TestALimitIsSharedOut(t *testing.T) {
	t.Parallel()
	m := &river{}
	d := onDisk(t, m, 1, runtime.Options{MaxExecutingPerTask: 10})
	d.pebble(m, 50)
	d.give(slices.Repeat([]string{"1"}, 2_000)...)
	if m.pebbles != 50 || m.before > 1_000 {
		t.Errorf("%d of 50 records ran beside 2,000, the last one after %d", m.pebbles, m.before)
	}
}

// Events that a hold of the test kit keeps do not stop the sources.
func TestRecordsBeginBesideEventsThatAreHeld(t *testing.T) {
	t.Parallel()
	m := &river{}
	d := onDisk(t, m, 1, runtime.Options{})
	d.step(&runtime.Hold{Handler: module.HandlerName{Topology: "river", Name: "leaf"}})
	d.give(slices.Repeat([]string{"1000"}, 20)...)
	d.pebble(m, 5)
	d.give("0")
	if len(m.ran) != 0 || m.pebbles != 5 {
		t.Errorf("%d held events ran, and %d of 5 records that have none", len(m.ran), m.pebbles)
	}
	d.step(&runtime.Release{Handler: module.HandlerName{Topology: "river", Name: "leaf"}})
	if len(m.ran) != m.sent || m.records != 21 {
		t.Errorf("%d of %d events ran in the end, of %d records", len(m.ran), m.sent, m.records)
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
