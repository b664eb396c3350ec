package runtime_test

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// failsOnce is a stream whose first attempt at a record fails.
type failsOnce struct {
	records module.Depot[string]
	failed  bool
}

func (m *failsOnce) ModuleName() string { return "FailsOnce" }

func (m *failsOnce) Define(b *module.Builder) {
	module.RandomDepot(b, &m.records, "records", module.Text())
	module.DeclareSource(b.Stream("s"), m.records, func(*module.Event, string) error {
		if !m.failed {
			m.failed = true
			return errors.New("fails once")
		}
		return nil
	})
}

// lonely drives one of two tasks, whose other one never speaks, and answers all that it asks for; what it is
// told to hold back is left unanswered.
type lonely struct {
	engine   *runtime.Task
	log      []depot.Record
	now      int64
	held     func(*store.Batch) bool // whose commits are not answered
	attempts []store.Element         // what the slot says of attempts
	reads    bool                    // reads are not answered either
	asked    []store.Read            // the last of them
	feeds    []runtime.Feed
	finished bool
}

func newLonely(t *testing.T, m module.Module, records int) *lonely {
	t.Helper()
	plan, err := module.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	l := &lonely{now: 1, held: func(*store.Batch) bool { return false }}
	l.engine = runtime.New(runtime.Config{
		Plan: plan, Tasks: 2, Tag: "t", Address: "here:1", Random: random,
		Options:  runtime.Options{MaxEventsPerBatch: 100},
		NewToken: func() (token task.Token) { token[0] = byte(random.Uint32()) | 1; return token },
	})
	t.Cleanup(l.engine.Close)
	for i := range records {
		l.log = append(l.log, depot.Record{Offset: int64(i), Value: []byte("r"), Time: time.UnixMilli(1)})
	}
	return l
}

func (l *lonely) step(in runtime.Input) {
	e := l.engine.Step(l.now, in)
	var next []runtime.Input
	if e.Take != nil {
		next = append(next, &runtime.Taken{Lineage: task.Lineage{Run: "r", Replication: "p"}})
	}
	if len(e.Reads) > 0 {
		reads := slices.Clone(e.Reads)
		for i := range reads {
			if reads[i].Table == wire.AttemptsTable("t") {
				reads[i].Elements = l.attempts
			}
		}
		if l.asked = reads; !l.reads {
			next = append(next, &runtime.ReadDone{Reads: reads})
		}
	}
	if e.Commit != nil && !l.held(e.Commit) {
		next = append(next, &runtime.CommitDone{})
	}
	if len(e.Starts) > 0 {
		next = append(next, &runtime.StartsDone{Starts: make([]runtime.Started, len(e.Starts))})
	}
	for _, f := range e.Feeds {
		l.feeds = append(l.feeds, f)
		if f.Order == runtime.FeedFrom && int(f.Offset) < len(l.log) {
			next = append(next, &runtime.Records{Depot: f.Depot, Generation: f.Generation, Records: l.log[f.Offset:]})
		}
	}
	l.finished = l.finished || e.Finished
	for _, in := range next {
		l.step(in)
	}
}

// A task that is to finish while the number of a further attempt is on its way runs
// that attempt: it has begun, and the task would wait for it for ever.
func TestFinishRunsAttemptsThatHaveBegun(t *testing.T) {
	t.Parallel()
	l := newLonely(t, &failsOnce{}, 1)
	l.held = func(b *store.Batch) bool {
		return writesTo(b, wire.AttemptsTable("t"))
	}
	l.step(&runtime.Start{})
	l.now += int64(50 * time.Millisecond)
	l.step(&runtime.Tick{}) // the number of the second attempt is sent off
	l.step(&runtime.Finish{})
	l.held = func(*store.Batch) bool { return false }
	l.step(&runtime.CommitDone{})
	for range 10 {
		l.now += int64(time.Second)
		l.step(&runtime.Tick{})
	}
	if !l.finished {
		t.Error("it has not finished")
	}
}

// A task that gives up its connection ends the reading of its depots: it may not read
// them again, or not in both strands.
func TestDropEndsReading(t *testing.T) {
	t.Parallel()
	l := newLonely(t, &failsOnce{failed: true}, 0)
	l.held = func(b *store.Batch) bool { return b.Head.Number > 1 }
	l.step(&runtime.Start{})
	l.log = append(l.log, depot.Record{Value: []byte("r"), Time: time.UnixMilli(1)})
	l.step(&runtime.Records{Depot: "records", Generation: l.feeds[0].Generation, Records: l.log})
	l.step(&runtime.Nominated{})
	l.now += int64(2 * time.Second)
	l.step(&runtime.Tick{}) // the progress is sent off
	l.step(&runtime.CommitDone{Err: store.ErrFenced})
	if last := l.feeds[len(l.feeds)-1]; last.Order != runtime.FeedStop || last.Generation != l.feeds[0].Generation {
		t.Errorf("the last order to the reader is %+v, want that it stops", last)
	}
}

func writesTo(b *store.Batch, table store.Table) bool {
	return slices.ContainsFunc(b.Changes, func(c store.Change) bool { return c.Table.Key == table.Key })
}

// failsAlways is a stream whose attempts all fail.
type failsAlways struct {
	records module.Depot[string]
	ran     int
}

func (m *failsAlways) ModuleName() string { return "FailsAlways" }

func (m *failsAlways) Define(b *module.Builder) {
	module.RandomDepot(b, &m.records, "records", module.Text())
	module.DeclareSource(b.Stream("s"), m.records, func(*module.Event, string) error {
		m.ran++
		return errors.New("fails")
	}, module.MaxAttempts(5))
}

// A task that comes back to its slot counts the attempts that another owner began
// meanwhile, and not only those that it remembers.
func TestAttemptsOfAnOwnerBetweenCount(t *testing.T) {
	t.Parallel()
	m := &failsAlways{}
	l := newLonely(t, m, 1)
	parked := false
	l.held = func(b *store.Batch) bool {
		parked = parked || writesTo(b, wire.ParkedTable("t"))
		return m.ran == 2 && writesTo(b, wire.AttemptsTable("t"))
	}
	l.step(&runtime.Start{})
	for m.ran < 2 {
		l.now += int64(time.Second)
		l.step(&runtime.Tick{})
	}
	l.now += int64(time.Second)
	l.step(&runtime.Tick{}) // the number of the third attempt is sent off, and refused
	l.attempts = []store.Element{{Field: "s/records/0", Value: "5"}}
	l.held = func(b *store.Batch) bool {
		parked = parked || writesTo(b, wire.ParkedTable("t"))
		return false
	}
	l.step(&runtime.CommitDone{Err: store.ErrFenced})
	for range 10 {
		l.now += int64(time.Second)
		l.step(&runtime.Tick{})
	}
	if !parked || m.ran != 2 {
		t.Errorf("parked: %v, after %d attempts here; want it parked after the 5 that the slot knows of", parked, m.ran)
	}
}
