package clustertest_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/localcluster/clustertest"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// figures takes one out of several counts that a test knows exactly.
func figures(c clustertest.Counts) clustertest.Counts {
	c.Fetches, c.Fetched, c.Batches, c.Execs = 0, 0, 0, 0
	return c
}

// promise 3.32, promise 3.33, promise 3.38: what one record sets off, counted.
func TestARecordingCounts(t *testing.T) {
	t.Parallel()
	bank := &Bank{}
	kit := clustertest.Start(t, bank, clustertest.Config{})
	a := clustertest.KeyPerTask(kit, bank.Balances)
	recording := kit.Record()
	if _, err := bank.Transfers.Append(t.Context(), kit, Transfer{1, a[1], a[2], 30}); err != nil {
		t.Fatal(err)
	}
	kit.Settle()
	want := clustertest.Counts{Events: 2, PointReads: 4, Writes: 4, Hops: 1, Done: 1}
	if got := figures(recording.Counts()); got != want {
		t.Errorf("one transfer: %v, want %v", got, want)
	}
	if _, err := bank.Transfers.Append(t.Context(), kit, Transfer{2, a[1], a[2], -1}); err == nil {
		t.Error("a transfer of -1 is not rejected")
	}
	recording.Stop()
	if _, err := bank.Transfers.Append(t.Context(), kit, Transfer{3, a[1], a[2], 1}); err != nil {
		t.Fatal(err)
	}
	want.Events, want.FailedEvents, want.Done = 3, 1, 2
	if got := figures(recording.Counts()); got != want {
		t.Errorf("with a transfer that is rejected: %v, want %v", got, want)
	}
	if text := recording.Counts().String(); !strings.HasPrefix(text, "3 events, 1 failed event, 4 point reads, 4 writes, 1 hop, ") || !strings.HasSuffix(text, ", 2 records done") {
		t.Errorf("printed: %s", text)
	}
	if text := (clustertest.Counts{}).String(); text != "nothing" {
		t.Errorf("nothing is printed as %s", text)
	}
}

// fan sends a record to each task and from there to task 0, and reads a range there.
type fan struct {
	Words  module.Depot[string]
	Seen   pstate.SortedMap[string, int]
	spread module.Step[string]
	gather module.Step[string]
}

func (m *fan) Define(b *module.Builder) {
	module.GlobalDepot(b, &m.Words, "words")
	s := b.Stream("fan")
	s.PState(&m.Seen, "seen")
	module.DeclareStep(s, &m.spread, "spread", module.Stay[string](), func(ev *module.Event, v string) error {
		m.gather.Send(ev, v)
		return nil
	})
	module.DeclareStep(s, &m.gather, "gather", module.Global[string](), func(ev *module.Event, v string) error {
		for _, err := range m.Seen.Range(ev, pstate.All[string]()) {
			if err != nil {
				return err
			}
		}
		m.Seen.Key(v).Update(ev, func(n int) int { return n + 1 })
		return nil
	})
	module.DeclareSource(s, m.Words, func(ev *module.Event, v string) error {
		m.spread.SendAll(ev, v)
		return nil
	})
}

// promise 3.33, promise 3.35, promise 3.37: a recording tells the tree of a record, each
// event below the one that sent it.
func TestARecordingTellsTrees(t *testing.T) {
	t.Parallel()
	m := &fan{}
	kit := clustertest.Start(t, m, clustertest.Config{Tasks: 2, Workers: 2})
	recording := kit.Record()
	if _, err := m.Words.Append(t.Context(), kit, "w"); err != nil {
		t.Fatal(err)
	}
	kit.Settle()
	trees := recording.Trees()
	if len(trees) != 1 {
		t.Fatalf("%d trees", len(trees))
	}
	// Which of the two comes first to task 0 is open: it scans nothing.
	tree := &trees[0]
	text := strings.ReplaceAll(tree.String(), "1 element, ", "")
	want := `fan/words partition 0 offset 0 attempt 1: 5 events
  words on task 0: 2 hops
    spread on task 0: 1 hop
      gather on task 0: 1 point read, 1 range scan, 1 write
    spread on task 1: 1 hop
      gather on task 0: 1 point read, 1 range scan, 1 write`
	if text != want || tree.Hops() != 4 {
		t.Errorf("the tree with %d hops is\n%s\nwant\n%s", tree.Hops(), text, want)
	}
	if c := recording.Counts(); c.RangeScans != 2 || c.Elements != 1 || c.Hops != 4 {
		t.Errorf("counted %v", c)
	}
}

// A tree whose beginning is not in the recording is told as far as it is.
func TestARecordingThatBeginsLate(t *testing.T) {
	t.Parallel()
	m := &fan{}
	kit := clustertest.Start(t, m, clustertest.Config{Tasks: 2})
	hold := kit.Hold(m.gather)
	p := clustertest.Begin(kit, m.Words, "w")
	hold.Await(2)
	recording := kit.Record()
	hold.Release()
	if _, err := p.Await(); err != nil {
		t.Fatal(err)
	}
	kit.Settle()
	trees := recording.Trees()
	if len(trees) != 1 || len(trees[0].Events) != 2 || !strings.Contains(trees[0].String(), "\n    gather on task 0: ") {
		t.Errorf("told %v", trees)
	}
}

// promise 3.44, promise 3.46, promise 3.47: a batch's writes, to several PStates and to
// the progress, are in one commit.
func TestARecordingTellsWhatACommitHolds(t *testing.T) {
	t.Parallel()
	m := &counter{}
	kit := clustertest.Start(t, m, clustertest.Config{Tasks: 1})
	recording := kit.Record()
	hold := kit.Hold(m.Words)
	for _, word := range []string{"x", "y", "x"} {
		clustertest.Begin(kit, m.Words, word)
	}
	hold.Await(3)
	hold.Release()
	kit.Settle()
	batches := recording.Batches()
	if len(batches) != 1 || len(batches[0].Events) != 3 || !batches[0].Exec {
		t.Fatalf("batches %+v, want one of three events", batches)
	}
	b := batches[0]
	if got := b.In("counts"); !slices.Equal(got, []clustertest.Write{{Table: "counts", Field: "x", Value: "2"}, {Table: "counts", Field: "y", Value: "1"}}) {
		t.Errorf("writes to counts: %+v", got)
	}
	if got := b.In("$$__streaming-state-counter"); len(got) != 1 || got[0].Field != "words" || !strings.Contains(got[0].Value, "next=3") {
		t.Errorf("writes to the progress: %+v", got)
	}
	if len(b.In("count")) != 0 || len(b.Writes) != 3 {
		t.Errorf("all writes: %+v", b.Writes)
	}
}

// The kit does not change what it looks at, and passes on what others want to hear.
func TestAnotherListener(t *testing.T) {
	t.Parallel()
	var took []task.ID
	bank := &Bank{}
	events := make(chan string, 10)
	kit := clustertest.Start(t, bank, clustertest.Config{Tasks: 1, Listener: &runtime.Listener{
		Took:     func(i runtime.TookInfo) { took = append(took, i.Task) },
		EventEnd: func(i runtime.EventInfo) { events <- i.Step },
	}})
	if _, err := bank.Transfers.Append(t.Context(), kit, Transfer{1, "a", "b", 30}); err != nil {
		t.Fatal(err)
	}
	if first, second := <-events, <-events; len(took) != 1 || first != "transfers" || second != "deposit" {
		t.Errorf("heard of tasks %v and events %s, %s", took, first, second)
	}
}
