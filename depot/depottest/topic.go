package depottest

import (
	"errors"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/coppice-run/coppice/depot"
)

var topicCases = []subtest{
	{"check reaches the log", func(b *bench) {
		if err := b.Log.Check(b.ctx); err != nil {
			b.Fatalf("Check: %v", err)
		}
	}},
	{"ensure makes an empty topic", ensureMakes},
	{"ensure again finds the same topic", ensureAgain},
	{"ensure by many at once", ensureAtOnce},
	{"ensure refuses another number of partitions", ensureRefuses},
	{"topics lists depots", listTopics},
	{"a topic that does not exist is an error", noTopic},
}

func ensureMakes(b *bench) {
	topic := b.ensure("words", 3)
	if want := depot.TopicName(b.module, "words"); topic.Name != want || topic.Partitions != 3 {
		b.Fatalf("Ensure: %+v, want name %s with 3 partitions", topic, want)
	}
	if topic.ID == ([16]byte{}) {
		b.Fatal("Ensure: the topic has no id")
	}
	for p := range int32(3) {
		if start, end := b.bounds(topic.Name, p); start != 0 || end != 0 {
			b.Errorf("partition %d of a new topic: bounds %d to %d, want 0 to 0", p, start, end)
		}
	}
}

func ensureAgain(b *bench) {
	first := b.ensure("words", 2)
	offset := b.append(first.Name, 1, depot.Record{Value: []byte("kept")})
	if again := b.ensure("words", 2); again != first {
		b.Fatalf("Ensure again: %+v, want %+v", again, first)
	}
	if _, end := b.bounds(first.Name, 1); end <= offset {
		b.Fatalf("Ensure again lost a record: end %d, record at %d", end, offset)
	}
	if other := b.ensure("other", 2); other.ID == first.ID {
		b.Fatalf("two topics have the id %x", first.ID)
	}
}

func ensureAtOnce(b *bench) {
	topics, errs := make([]depot.Topic, 8), make([]error, 8)
	var all sync.WaitGroup
	for i := range topics {
		all.Go(func() {
			topics[i], errs[i] = b.Log.Ensure(b.ctx, depot.TopicSpec{Module: b.module, Depot: "words", Partitions: 2})
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		b.Fatalf("Ensure: %v", err)
	}
	for _, topic := range topics {
		if topic != topics[0] {
			b.Errorf("Ensure: %+v for one caller, %+v for another", topic, topics[0])
		}
	}
}

// ensureRefuses: T24; the message names both numbers.
func ensureRefuses(b *bench) {
	b.ensure("words", 3)
	for _, other := range []int{2, 5} {
		_, err := b.Log.Ensure(b.ctx, depot.TopicSpec{Module: b.module, Depot: "words", Partitions: other})
		if !errors.Is(err, depot.ErrWrongPartitions) {
			b.Fatalf("Ensure with %d partitions of a topic with 3: %v, want ErrWrongPartitions", other, err)
		}
		text := err.Error()
		if !strings.Contains(text, b.module) {
			b.Errorf("the error does not name the topic: %s", text)
		}
		text = strings.ReplaceAll(text, b.module, "")
		if !regexp.MustCompile(`\b3\b`).MatchString(text) || !regexp.MustCompile(`\b`+string(rune('0'+other))+`\b`).MatchString(text) {
			b.Errorf("the error does not name both 3 and %d: %s", other, text)
		}
	}
	b.ensure("words", 3)
}

func listTopics(b *bench) {
	if specs, err := b.Log.Topics(b.ctx, b.module); err != nil || len(specs) != 0 {
		b.Fatalf("Topics of a new module: %v, %v", specs, err)
	}
	b.ensure("words", 3)
	b.ensure("numbers", 2)
	other := depot.TopicSpec{Module: b.module + "-other", Depot: "words", Partitions: 1}
	if _, err := b.Log.Ensure(b.ctx, other); err != nil {
		b.Fatalf("Ensure: %v", err)
	}
	if err := b.Log.PutMeta(b.ctx, b.module, "note", []byte("not a depot")); err != nil {
		b.Fatalf("PutMeta: %v", err)
	}
	want := []depot.TopicSpec{{Module: b.module, Depot: "numbers", Partitions: 2}, {Module: b.module, Depot: "words", Partitions: 3}}
	for _, asked := range []string{b.module, ""} {
		specs, err := b.Log.Topics(b.ctx, asked)
		if err != nil {
			b.Fatalf("Topics(%q): %v", asked, err)
		}
		if asked == "" { // other subtests have depots too
			if !slices.Contains(specs, other) {
				b.Errorf("Topics of all modules lacks %v", other)
			}
			specs = slices.DeleteFunc(specs, func(s depot.TopicSpec) bool { return s.Module != b.module })
		}
		slices.SortFunc(specs, func(x, y depot.TopicSpec) int { return strings.Compare(x.Depot, y.Depot) })
		if !slices.Equal(specs, want) {
			b.Errorf("Topics(%q): %v, want %v", asked, specs, want)
		}
	}
}

func noTopic(b *bench) {
	missing := depot.TopicName(b.module, "missing")
	if _, _, err := b.Log.Bounds(b.ctx, missing, 0); err == nil {
		b.Error("Bounds of a topic that does not exist: no error")
	}
	if _, err := b.Log.OffsetAfter(b.ctx, missing, 0, b.Now()); err == nil {
		b.Error("OffsetAfter in a topic that does not exist: no error")
	}
	topic := b.ensure("words", 2)
	if _, _, err := b.Log.Bounds(b.ctx, topic.Name, 2); err == nil {
		b.Error("Bounds of partition 2 of a topic with 2 partitions: no error")
	}
	for _, at := range []place{{missing, 0}, {topic.Name, 2}} {
		_, err := b.tryAppend(at.topic, at.partition, depot.Record{Value: []byte("nowhere")})
		if !errors.Is(err, depot.ErrNotAppended) && !errors.Is(err, depot.ErrUnknown) {
			b.Errorf("Append to %v, which does not exist: %v, want ErrNotAppended or ErrUnknown", at, err)
		}
	}
}
