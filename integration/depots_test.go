package integration

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/localcluster/clustertest"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/task"
)

// shelf keeps what is put on it, by key.
type shelf struct {
	name   string
	Things module.Depot[thing]
	Kept   pstate.Map[string, int]
}

type thing struct {
	Key    string
	Number int
}

func (m *shelf) ModuleName() string { return m.name }

func (m *shelf) Define(b *module.Builder) {
	module.HashDepot(b, &m.Things, "things", func(v thing) string { return v.Key })
	s := b.Stream("shelf")
	s.PState(&m.Kept, "kept")
	module.DeclareSource(s, m.Things, func(ev *module.Event, v thing) error {
		if v.Number < 0 {
			return module.Reject(errors.New("a number below zero"))
		}
		m.Kept.Key(v.Key).Update(ev, func(n int) int { return n + v.Number })
		return nil
	}, module.StartFromBeginning())
}

func onShelves(t *testing.T, test func(t *testing.T, c *client.Client, m *shelf)) {
	t.Helper()
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &shelf{name: unique("Shelf")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 2}); err != nil {
			t.Fatal(err)
		}
		test(t, c.Client(), m)
	})
}

// promise 4.19, promise 4.20, promise 4.21, promise 4.22: a program sees how a depot is made, which
// offsets a partition holds, and what lies there.
func TestADepotIsReadBesideItsModule(t *testing.T) {
	onShelves(t, func(t *testing.T, c *client.Client, m *shelf) {
		for i := range 10 {
			if _, err := m.Things.Append(t.Context(), c, thing{"a", i}); err != nil {
				t.Fatal(err)
			}
		}
		info, err := m.Things.Info(t.Context(), c)
		if want := (module.DepotInfo{Partitions: 2, Type: "integration.thing", Partitioning: "hash", Codec: "json"}); err != nil || info != want {
			t.Errorf("info %+v (error %v), want %+v", info, err, want)
		}
		full, empty := -1, -1
		for p := range info.Partitions {
			switch at, err := m.Things.PartitionInfo(t.Context(), c, p); {
			case err != nil:
				t.Fatal(err)
			case at == module.PartitionInfo{Start: 0, End: 10}:
				full = p
			case at == module.PartitionInfo{}:
				empty = p
			}
		}
		if full < 0 || empty < 0 {
			t.Fatal("want one partition with all records, and one with none")
		}
		records, err := m.Things.Read(t.Context(), c, full, 3, 7)
		if err != nil || len(records) != 4 {
			t.Fatalf("read %v (error %v), want four", records, err)
		}
		for i, r := range records {
			if r.Offset != int64(3+i) || r.Value != (thing{"a", 3 + i}) || r.Time.IsZero() {
				t.Errorf("record %d is %+v", i, r)
			}
		}
		if none, err := m.Things.Read(t.Context(), c, empty, 0, 0); err != nil || len(none) > 0 {
			t.Errorf("read %v (error %v) of nothing", none, err)
		}
		if _, err := m.Things.Read(t.Context(), c, full, 5, 11); !errors.Is(err, depot.ErrOutOfRange) {
			t.Errorf("read behind the end: %v", err)
		}
		if _, err := m.Things.PartitionInfo(t.Context(), c, 2); err == nil {
			t.Error("there is no partition 2")
		}
	})
}

// promise 4.18: an append that does not wait, and is asked for later.
func TestAppendsUnderWay(t *testing.T) {
	onShelves(t, func(t *testing.T, c *client.Client, m *shelf) {
		var pending []*module.Pending
		for i := range 50 {
			pending = append(pending, m.Things.Start(t.Context(), c, thing{"a", i}))
		}
		refused := m.Things.Start(t.Context(), c, thing{"a", -1})
		for _, p := range pending {
			if _, err := p.Wait(t.Context()); err != nil {
				t.Error(err)
			}
		}
		<-refused.Done()
		if _, err := refused.Wait(t.Context()); !errors.Is(err, client.ErrRejected) {
			t.Errorf("the one that is refused says %v", err)
		}
		if n, err := m.Kept.Key("a").Get(c.At(t.Context())); err != nil || n != 49*50/2 {
			t.Errorf("%d are kept (error %v)", n, err)
		}
		over, end := context.WithCancelCause(t.Context())
		end(errors.New("enough"))
		if _, err := m.Things.Start(over, c, thing{"b", 1}).Wait(t.Context()); err == nil {
			t.Error("an append whose context had ended says nothing")
		}
	})
}

// counter counts what it is given, and returns how much it has then.
type counter struct {
	name   string
	Things module.Depot[thing]
	Loose  module.Depot[thing] // without a key
	Kept   pstate.Map[string, int]
	Has    module.Ack[int]
}

func (m *counter) ModuleName() string { return m.name }

func (m *counter) Define(b *module.Builder) {
	module.HashDepot(b, &m.Things, "things", func(v thing) string { return v.Key }, module.AppendIDs(100))
	module.RandomDepot(b, &m.Loose, "loose", module.AppendIDs(100))
	s := b.Stream("counter")
	s.PState(&m.Kept, "kept")
	module.DeclareAck(s, &m.Has, agg.Sum[int]())
	count := func(ev *module.Event, v thing) error {
		if v.Number < 0 {
			return module.Reject(errors.New("a number below zero"))
		}
		m.Has.Return(ev, m.Kept.Key(v.Key).Update(ev, func(n int) int { return n + v.Number }))
		return nil
	}
	module.DeclareSource(s, m.Things, count)
	module.DeclareSource(s, m.Loose, count)
}

// promise 4.17: an append whose outcome is not known is made again under its id: it has no
// effect, and returns what the first one returned, also behind the death of its owner.
func TestAnAppendIsMadeAgainUnderItsID(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &counter{name: unique("Counter")}
		kit := clustertest.Start(t, m, clustertest.Config{Cluster: c})
		put := func(d module.Depot[thing], v thing, id string) (int, error) {
			acks, err := d.Append(t.Context(), kit, v, module.AppendID(id))
			n, _ := m.Has.From(acks)
			return n, err
		}
		for range 3 {
			if n, err := put(m.Things, thing{"a", 5}, "five"); err != nil || n != 5 {
				t.Errorf("five makes %d (error %v), want 5", n, err)
			}
			if _, err := put(m.Things, thing{"a", -5}, "minus five"); !errors.Is(err, client.ErrRejected) {
				t.Errorf("minus five: %v", err)
			}
		}
		if n, err := put(m.Things, thing{"a", 6}, "six"); err != nil || n != 11 {
			t.Errorf("six makes %d (error %v), want 11", n, err)
		}
		crash := kit.CrashAt(clustertest.AfterCommit, m.Things)
		if _, err := put(m.Things, thing{"a", 7}, "seven"); err != nil {
			t.Error(err)
		}
		crash.Await()
		for _, again := range []thing{{"a", 5}, {"a", 6}, {"a", 7}} {
			if _, err := put(m.Things, again, map[int]string{5: "five", 6: "six", 7: "seven"}[again.Number]); err != nil {
				t.Errorf("%d again: %v", again.Number, err)
			}
		}
		for range 5 { // to one partition each time
			if _, err := put(m.Loose, thing{"loose", 100}, "hundred"); err != nil {
				t.Error(err)
			}
		}
		kit.Settle()
		if n, err := m.Kept.Key("a").Get(kit); err != nil || n != 18 {
			t.Errorf("counted %d (error %v), want 18", n, err)
		}
		var loose int // on the task of its partition
		for id := range kit.Tasks() {
			n, err := m.Kept.Key("loose").Get(kit.Client().AtTask(t.Context(), task.ID(id)))
			if err != nil {
				t.Error(err)
			}
			loose += n
		}
		if loose != 100 {
			t.Errorf("counted %d of the record without a key, want 100", loose)
		}
		if _, err := put(m.Things, thing{"a", 1}, ""); err == nil {
			t.Error("an empty id is none")
		}
	})
}

// An id is refused by a depot that would not look at it.
func TestAnIDNeedsAWindow(t *testing.T) {
	onShelves(t, func(t *testing.T, c *client.Client, m *shelf) {
		if _, err := m.Things.Append(t.Context(), c, thing{"a", 1}, module.AppendID("one")); !errors.Is(err, module.ErrNoAppendIDs) {
			t.Errorf("a depot without ids says %v", err)
		}
	})
}

// promise 4.18: a window of appends under way keeps their order, and says in the end what
// failed.
func TestABulkOfAppends(t *testing.T) {
	onShelves(t, func(t *testing.T, c *client.Client, m *shelf) {
		bulk := client.NewBulk(c, m.Things, client.BulkConfig{Window: 7})
		for i := range 200 {
			number := i
			if i%50 == 49 {
				number = -i
			}
			if err := bulk.Append(t.Context(), thing{"a", number}); err != nil {
				t.Fatal(err)
			}
		}
		if err := bulk.Close(); !errors.Is(err, client.ErrRejected) || err.Error()[:len("4 of 200 records failed")] != "4 of 200 records failed" {
			t.Errorf("closing says %v", err)
		}
		for p := range 2 {
			at, err := m.Things.PartitionInfo(t.Context(), c, p)
			if err != nil {
				t.Fatal(err)
			}
			records, err := m.Things.Read(t.Context(), c, p, at.Start, at.End)
			if err != nil {
				t.Fatal(err)
			}
			for i, r := range records {
				if n := max(r.Value.Number, -r.Value.Number); n != i {
					t.Fatalf("record %d is number %d", i, n)
				}
			}
		}
		var failed []string
		told := client.NewBulk(c, m.Things, client.BulkConfig{Failed: func(number int64, err error) {
			failed = append(failed, fmt.Sprint(number, errors.Is(err, client.ErrRejected)))
		}})
		for _, number := range []int{1, -1, 1} {
			if err := told.Append(t.Context(), thing{"a", number}); err != nil {
				t.Fatal(err)
			}
		}
		if err := told.Close(); err != nil || len(failed) != 1 || failed[0] != "1 true" {
			t.Errorf("told of %v, closing says %v", failed, err)
		}
	})
}

// promise 4.28, promise 4.29, promise 4.30, promise 4.31: a depot keeps everything until it is trimmed;
// then the newest of each partition, and whatever a source is not done with.
func TestADepotIsTrimmed(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &shelf{name: unique("Shelf")}
		kit := clustertest.Start(t, m, clustertest.Config{Cluster: c, Tasks: 1})
		put := func(n int) {
			t.Helper()
			for range n {
				if _, err := m.Things.Append(t.Context(), kit, thing{"a", 1}); err != nil {
					t.Fatal(err)
				}
			}
		}
		trim := func(when string, start, end, deleted int64, neededBy string) {
			t.Helper()
			want := client.Trimmed{Start: start, End: end, Deleted: deleted, NeededBy: neededBy}
			all, err := kit.Client().TrimDepot(t.Context(), m.name, "things", client.TrimConfig{EntriesMax: 8, ExcessProportion: 0.25})
			if err != nil || len(all) != 1 || all[0] != want {
				t.Fatalf("%s: trimmed %+v (error %v), want %+v", when, all, err, want)
			}
			if at, err := m.Things.PartitionInfo(t.Context(), kit.Client(), 0); err != nil || at != (module.PartitionInfo{Start: start, End: end}) {
				t.Errorf("%s: the partition holds %+v (error %v), want %d to %d", when, at, err, start, end)
			}
		}
		put(10)
		kit.Settle()
		trim("within the excess", 0, 10, 0, "")
		put(1)
		kit.Settle()
		trim("beyond it", 3, 11, 3, "")
		hold := kit.Hold(m.Things)
		held := clustertest.Begin(kit, m.Things, thing{"a", 1})
		hold.Await(1)
		var more []*clustertest.Pending
		for range 19 {
			more = append(more, clustertest.Begin(kit, m.Things, thing{"a", 1}))
		}
		trim("with records that are not done", 11, 31, 8, "shelf/things")
		hold.Release()
		for _, p := range append(more, held) {
			if _, err := p.Await(); err != nil {
				t.Error(err)
			}
		}
		crash := kit.CrashAt(clustertest.AfterCommit, m.Things)
		put(1)
		crash.Await()
		kit.Settle()
		trim("when all is done", 24, 32, 13, "")
		put(1)
		if n, err := m.Kept.Key("a").Get(kit); err != nil || n != 33 {
			t.Errorf("kept %d (error %v), want 33", n, err)
		}
		if _, err := m.Things.Read(t.Context(), kit.Client(), 0, 0, 5); !errors.Is(err, depot.ErrOutOfRange) {
			t.Errorf("reading what is gone: %v", err)
		}
		if _, err := kit.Client().TrimDepot(t.Context(), m.name, "things", client.TrimConfig{}); err == nil {
			t.Error("trimming down to nothing is refused")
		}
	})
}
