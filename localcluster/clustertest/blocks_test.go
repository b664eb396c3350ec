package clustertest_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/localcluster/clustertest"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
)

// sale is a record of the blocks below.
type sale struct {
	Key string
	N   int
}

// blocks adds up numbers by key, in two phases and in one.
type blocks struct {
	Sales   module.Depot[sale]
	Sums    pstate.Map[string, int]
	Plain   pstate.Map[string, int]
	sums    module.GroupBy[string, int]
	plain   module.GroupBy[string, int]
	late    module.GroupBy[string, int]
	options []module.SourceOption
	onSale  func(ev *module.Event, s sale) error // besides
	onSum   func(ev *module.Event, key string, n int) error
}

func (m *blocks) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Sales, "sales")
	mb := b.Microbatch("sums")
	mb.PState(&m.Sums, "sums")
	mb.PState(&m.Plain, "plain")
	module.DeclareSource(mb, m.Sales, func(ev *module.Event, s sale) error {
		m.sums.Add(ev, s.Key, s.N)
		m.plain.Add(ev, s.Key, s.N)
		if m.onSale != nil {
			return m.onSale(ev, s)
		}
		return nil
	}, append(m.options, module.StartFromBeginning())...)
	block := mb.Batch("block")
	module.DeclareGroupBy(block, &m.sums, "sum", module.AtKey(&m.Sums), agg.Sum[int](), func(ev *module.Event, key string, n int) error {
		agg.Add(ev, m.Sums.Key(key), n)
		if m.onSum != nil {
			return m.onSum(ev, key, n)
		}
		return nil
	})
	module.DeclareGroupBy(block, &m.plain, "plain-sum", module.AtKey(&m.Plain), agg.Sum[int](), func(ev *module.Event, key string, n int) error {
		agg.Add(ev, m.Plain.Key(key), n)
		return nil
	}, module.OnePhase())
	module.DeclareGroupBy(mb.Batch("late"), &m.late, "late-sum", module.ByKey[string](), agg.Sum[int](), func(*module.Event, string, int) error { return nil })
}

// together has the sales be of few microbatches, and waits until they are processed.
func (m *blocks) together(t *testing.T, kit *clustertest.Kit, sales []sale) {
	t.Helper()
	if err := kit.Client().PauseMicrobatches(t.Context(), "blocks", "sums"); err != nil {
		t.Fatal(err)
	}
	for _, s := range sales {
		if _, err := m.Sales.Append(t.Context(), kit, s, module.Wait(module.AckAppend)); err != nil {
			t.Fatal(err)
		}
	}
	if err := kit.Client().ResumeMicrobatches(t.Context(), "blocks", "sums"); err != nil {
		t.Fatal(err)
	}
	if err := kit.Client().WaitMicrobatches(t.Context(), "blocks", "sums", int64(len(sales))); err != nil {
		t.Fatal(err)
	}
}

// crossed counts the events of a step that came from another task.
func crossed(events []runtime.EventInfo, step string) (all, from int) {
	for _, e := range events {
		if e.Step == step {
			if all++; e.Task != e.RootTask {
				from++
			}
		}
	}
	return all, from
}

// promise 13.08: in two phases one value for each task and key is sent, however many records
// there are; in one phase each record.
func TestTwoPhasesSendOneValuePerTaskAndKey(t *testing.T) {
	t.Parallel()
	const tasks, records, keys = 16, 3200, 5
	m := &blocks{}
	kit := clustertest.Start(t, m, clustertest.Config{Tasks: tasks})
	recording := kit.Record()
	var sales []sale
	for i := range records {
		sales = append(sales, sale{fmt.Sprintf("k%d", i%keys), 1})
	}
	m.together(t, kit, sales)
	events := recording.Events()
	parts, partsCrossed := crossed(events, "sum-parts")
	rows, rowsCrossed := crossed(events, "plain-sum-rows")
	t.Logf("%d records of %d keys on %d tasks: %d values sent in two phases, %d of them to other tasks; in one phase %d, %d", records, keys, tasks, parts, partsCrossed, rows, rowsCrossed)
	microbatches := map[uint64]bool{} // one, unless a task was late to say what it has
	for _, e := range events {
		microbatches[e.Microbatch] = true
	}
	if most := len(microbatches) * tasks * keys; parts > most || rows != records {
		t.Errorf("%d values were sent in two phases, %d in one; want %d at most, and %d", parts, rows, most, records)
	}
	for i := range keys {
		key := fmt.Sprintf("k%d", i)
		one, err := m.Sums.Key(key).Get(kit)
		other, err2 := m.Plain.Key(key).Get(kit)
		if err := errors.Join(err, err2); err != nil || one != records/keys || other != one {
			t.Errorf("key %s: %d in two phases, %d in one, error %v", key, one, other, err)
		}
	}
}

// promise 14.15: a block that always fails by one record's fault is tried with fewer and fewer
// records, until that one is put aside; the others count once.
func TestARecordThatFailsItsBlockIsParked(t *testing.T) {
	t.Parallel()
	m := &blocks{options: []module.SourceOption{module.MaxAttempts(2)}}
	m.onSum = func(_ *module.Event, key string, _ int) error {
		if key == "bad" {
			return errors.New("this key is bad")
		}
		return nil
	}
	kit := clustertest.Start(t, m, clustertest.Config{Tasks: 3, Options: runtime.Options{RetryBackoff: time.Millisecond, RetryBackoffMax: time.Millisecond}})
	recording := kit.Record()
	sales := []sale{{"a", 1}, {"b", 1}, {"bad", 1}, {"a", 1}, {"b", 1}, {"a", 1}}
	m.together(t, kit, sales)
	for key, want := range map[string]int{"a": 3, "b": 2, "bad": 0} {
		if n, err := m.Sums.Key(key).Get(kit); err != nil || n != want {
			t.Errorf("key %s has %d (error %v), want %d", key, n, err, want)
		}
	}
	if n := recording.Counts().Parked; n != 1 {
		t.Errorf("%d records are put aside, want 1", n)
	}
}

// promise 13.13: what a block's handler parks is put aside with what it was given, and can be
// dropped; the rest of the block counts. One that rejects drops its group.
func TestWhatABlockPutsAside(t *testing.T) {
	t.Parallel()
	m := &blocks{}
	m.onSum = func(_ *module.Event, key string, _ int) error {
		switch key {
		case "strange":
			return module.Park(errors.New("a strange key"))
		case "none":
			return module.Reject(errors.New("not this one"))
		}
		return nil
	}
	kit := clustertest.Start(t, m, clustertest.Config{Tasks: 3})
	m.together(t, kit, []sale{{"a", 1}, {"strange", 5}, {"none", 1}, {"a", 1}})
	for key, want := range map[string]int{"a": 2, "strange": 0, "none": 0} {
		if n, err := m.Sums.Key(key).Get(kit); err != nil || n != want {
			t.Errorf("key %s has %d (error %v), want %d", key, n, err, want)
		}
	}
	parked, err := kit.Client().Parked(t.Context(), "blocks")
	if err != nil || len(parked) != 1 {
		t.Fatalf("put aside: %v, error %v", parked, err)
	}
	if p := parked[0]; p.Step != "sum" || string(p.Value) != `{"Key":"strange","Val":5}` || !strings.Contains(p.Reason, "a strange key") {
		t.Errorf("put aside: %v with %s: %s", p.ParkedRef, p.Value, p.Reason)
	}
	if err := kit.Client().SkipParked(t.Context(), parked[0].ParkedRef); err != nil {
		t.Error(err)
	}
	if parked, err = kit.Client().Parked(t.Context(), "blocks"); err != nil || len(parked) != 0 {
		t.Errorf("after it was dropped: %v, error %v", parked, err)
	}
}

// A row for a block that was closed fails its event, and says what to do; so does one that
// comes from elsewhere.
func TestRowsThatComeTooLate(t *testing.T) {
	t.Parallel()
	m := &blocks{options: []module.SourceOption{module.MaxAttempts(1)}}
	m.onSum = func(ev *module.Event, key string, n int) error {
		if key == "late" {
			m.sums.Add(ev, key, n)
		} else {
			m.late.Add(ev, key, n)
		}
		return nil
	}
	kit := clustertest.Start(t, m, clustertest.Config{Tasks: 2, Options: runtime.Options{RetryBackoff: time.Millisecond, RetryBackoffMax: time.Millisecond}})
	recording := kit.Record()
	m.together(t, kit, []sale{{"late", 1}, {"early", 1}})
	var texts []string
	for _, e := range recording.Events() {
		if e.Err != nil {
			texts = append(texts, e.Err.Error())
		}
	}
	const want = `row for "sum" after batch block "block" was closed: declare that block behind the one whose handler adds to it`
	if len(texts) == 0 || !strings.Contains(texts[0], want) {
		t.Errorf("the events failed with %q, want %q", texts, want)
	}
	if n, err := m.Sums.Key("early").Get(kit); err != nil || n != 1 {
		t.Errorf("key early has %d (error %v)", n, err)
	}
}
