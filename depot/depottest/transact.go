package depottest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/coppice-run/coppice/depot"
)

var transactCases = []subtest{
	{"topics by name", lookups},
	{"a transaction is read whole", transactionWhole},
	{"positions come back", positionsComeBack},
	{"another transactor fences", transactorsFence},
	{"tasks do not fence each other", tasksApart},
	{"what cannot be written leaves nothing", transactionRefused},
	{"transactors one after another", transactorsInTurn},
}

// lookups: topics are found whatever their name is.
func lookups(b *bench) {
	topic := b.ensure("words", 3)
	if got, err := b.Log.Lookup(b.ctx, topic.Name); err != nil || got != topic {
		b.Errorf("Lookup of a depot: %+v, %v, want %+v", got, err, topic)
	}
	if _, err := b.Log.Lookup(b.ctx, b.module+".nowhere"); !errors.Is(err, depot.ErrNoTopic) {
		b.Errorf("Lookup of no topic: %v", err)
	}
	b.need(b.Make != nil, "Make")
	name := b.make("invoices", 2)
	if got, err := b.Log.Lookup(b.ctx, name); err != nil || got.Name != name || got.Partitions != 2 {
		b.Errorf("Lookup of a topic that is no depot: %+v, %v", got, err)
	}
	specs, err := b.Log.Topics(b.ctx, "")
	if err != nil || slices.ContainsFunc(specs, func(s depot.TopicSpec) bool { return strings.Contains(s.Module+s.Depot, "invoices") }) {
		b.Errorf("Topics lists one that is no depot: %v", err)
	}
}

// make makes a topic that is no depot, of the subtest's own.
func (b *bench) make(name string, partitions int) string {
	b.Helper()
	name = b.module + "." + name
	if err := b.Make(b.ctx, name, partitions); err != nil {
		b.Fatalf("Make: %v", err)
	}
	return name
}

func (b *bench) transactorID(task int32) depot.TransactorID {
	return depot.TransactorID{Module: b.module, Task: task, Tasks: 2}
}

// transactor opens the transactor of a task; it ends with the subtest.
func (b *bench) transactor(task int32) (depot.Transactor, string) {
	b.Helper()
	t, position, err := b.Log.Transactor(b.ctx, b.transactorID(task))
	if err != nil {
		b.Fatalf("Transactor: %v", err)
	}
	b.Cleanup(func() {
		if err := t.Close(); err != nil {
			b.Errorf("Transactor.Close: %v", err)
		}
	})
	return t, string(position)
}

// out are records for partition 0 of a topic.
func out(topic string, values ...string) []depot.TopicRecord {
	var records []depot.TopicRecord
	for _, v := range values {
		records = append(records, depot.TopicRecord{Topic: topic, Record: depot.Record{Value: []byte(v)}})
	}
	return records
}

func (b *bench) write(t depot.Transactor, position string, records []depot.TopicRecord) {
	b.Helper()
	if err := t.Write(b.ctx, records, []byte(position)); err != nil {
		b.Fatalf("Write: %v", err)
	}
}

// wantCommitted checks what a reader with read_committed sees in a partition.
func (b *bench) wantCommitted(topic string, partition int32, want ...string) {
	b.Helper()
	records, err := b.Committed(b.ctx, topic, partition)
	if err != nil {
		b.Fatalf("Committed: %v", err)
	}
	var got []string
	for _, r := range records {
		got = append(got, string(r.Value))
	}
	if !slices.Equal(got, want) {
		b.Errorf("topic %s partition %d holds %q, want %q", topic, partition, got, want)
	}
}

func (b *bench) needTransactions() {
	b.Helper()
	b.need(b.Make != nil && b.Committed != nil, "Make or Committed")
}

// transactionWhole: the records of a transaction, over topics and partitions, in
// their order, with keys and headers.
func transactionWhole(b *bench) {
	b.needTransactions()
	first, second := b.make("invoices", 2), b.make("letters", 1)
	t, _ := b.transactor(0)
	b.write(t, "1", append(out(first, "a", "b"), depot.TopicRecord{
		Topic: first, Partition: 1, Record: depot.Record{Key: []byte("k"), Value: []byte("c"), Headers: []depot.Header{{Key: "h", Value: []byte("x")}}},
	}, depot.TopicRecord{Topic: second, Record: depot.Record{Value: []byte("d")}}))
	b.write(t, "2", out(first, "e"))
	b.wantCommitted(first, 0, "a", "b", "e")
	b.wantCommitted(second, 0, "d")
	records, err := b.Committed(b.ctx, first, 1)
	if err != nil || len(records) != 1 || string(records[0].Key) != "k" || len(records[0].Headers) != 1 || records[0].Headers[0].Key != "h" {
		b.Errorf("partition 1 holds %+v, %v", records, err)
	}
}

func positionsComeBack(b *bench) {
	b.needTransactions()
	topic := b.make("invoices", 1)
	t, position := b.transactor(0)
	if position != "" {
		b.Fatalf("the first transactor finds the position %q", position)
	}
	for i := range 40 {
		b.write(t, fmt.Sprint(i), out(topic, fmt.Sprint("v", i)))
	}
	if _, position = b.transactor(0); position != "39" {
		b.Errorf("the next transactor finds the position %q, want 39", position)
	}
	// Transactors that write nothing hide no position.
	for range 5 {
		b.transactor(0)
	}
	if _, position = b.transactor(0); position != "39" {
		b.Errorf("a later transactor finds the position %q, want 39", position)
	}
}

// transactorsFence: once a transactor is open, one that was open before writes
// nothing any more, however late it tries.
func transactorsFence(b *bench) {
	b.needTransactions()
	topic := b.make("invoices", 1)
	former, _ := b.transactor(0)
	b.write(former, "1", out(topic, "a"))
	next, position := b.transactor(0)
	if position != "1" {
		b.Errorf("the next transactor finds the position %q, want 1", position)
	}
	if err := former.Write(b.ctx, out(topic, "late"), []byte("2")); !errors.Is(err, depot.ErrFenced) {
		b.Errorf("Write of a former transactor: %v, want ErrFenced", err)
	}
	if err := former.Write(b.ctx, out(topic, "later"), []byte("3")); err == nil {
		b.Error("a transactor was of use after an error")
	}
	b.write(next, "2'", out(topic, "b"))
	b.wantCommitted(topic, 0, "a", "b")
	if _, position = b.transactor(0); position != "2'" {
		b.Errorf("the position is %q, want that of the transactor that may write", position)
	}
}

func tasksApart(b *bench) {
	b.needTransactions()
	topic := b.make("invoices", 1)
	zero, _ := b.transactor(0)
	one, _ := b.transactor(1)
	b.write(zero, "zero", out(topic, "a"))
	b.write(one, "one", out(topic, "b"))
	b.write(zero, "zero again", out(topic, "c"))
	b.wantCommitted(topic, 0, "a", "b", "c")
	if _, position := b.transactor(1); position != "one" {
		b.Errorf("task 1 finds the position %q", position)
	}
	if _, position := b.transactor(0); position != "zero again" {
		b.Errorf("task 0 finds the position %q", position)
	}
}

// transactionRefused: a record that is too large keeps the others of its transaction
// out.
func transactionRefused(b *bench) {
	b.needTransactions()
	topic := b.make("invoices", 1)
	t, _ := b.transactor(0)
	large := depot.TopicRecord{Topic: topic, Record: depot.Record{Value: make([]byte, depot.RecordBytesMax+1)}}
	if err := t.Write(b.ctx, append(out(topic, "a"), large), []byte("1")); !errors.Is(err, depot.ErrNotAppended) || !errors.Is(err, depot.ErrTooLarge) {
		b.Errorf("Write of a record that is too large: %v, want ErrNotAppended and ErrTooLarge", err)
	}
	t, position := b.transactor(0)
	if position != "" {
		b.Errorf("the position is %q", position)
	}
	if err := t.Write(b.ctx, out(topic, "b"), make([]byte, depot.PositionBytesMax+1)); !errors.Is(err, depot.ErrNotAppended) {
		b.Errorf("Write of a position that is too large: %v, want ErrNotAppended", err)
	}
	t, _ = b.transactor(0)
	b.write(t, "2", out(topic, "c"))
	b.wantCommitted(topic, 0, "c")
}

// transactorsInTurn: several open transactors of one task one after another and write
// what comes behind the position that they find: nothing is there twice or missing.
func transactorsInTurn(b *bench) {
	b.needTransactions()
	topic := b.make("invoices", 1)
	const count = 20
	var group sync.WaitGroup
	for range 3 {
		group.Go(func() {
			for b.ctx.Err() == nil {
				t, position, err := b.Log.Transactor(b.ctx, b.transactorID(0))
				if err != nil {
					continue // fenced off while it opened
				}
				done := 0
				_, _ = fmt.Sscan(string(position), &done)
				for err == nil && done < count {
					done++
					err = t.Write(b.ctx, out(topic, fmt.Sprint(done)), []byte(fmt.Sprint(done)))
				}
				_ = t.Close()
				if err == nil {
					return
				}
			}
		})
	}
	group.Wait()
	if err := b.ctx.Err(); err != nil {
		b.Fatal(err)
	}
	want := numbers(count + 1)[1:]
	b.wantCommitted(topic, 0, want...)
}
