package module

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/internal/host"
	"github.com/coppice-run/coppice/task"
)

// Topic is the handle of a Kafka topic outside of the module, whose records have values
// of type T: others write it and sources read it ([DeclareTopicSource]), or handlers write
// it and others read it ([Topic.Emit]), or both. It must exist when the module starts; its
// partitions, retention and the like belong to whoever made it.
//
// What an exactly-once topology emits is written in Kafka transactions: whoever reads
// with read_committed sees each record once (R30). Others write at least once, after
// the commit, as to a depot.
type Topic[T any] struct{ t *topicDecl[T] }

type topicDecl[T any] struct {
	plan  *TopicPlan
	read  *DepotPlan // what sources read
	codec codec.Codec[T]
	key   func(dst []byte, v T) ([]byte, error) // nil: no key
}

// DeclareTopic declares a topic whose records have no key and are spread over its
// partitions. Options say how they are stored: [Text], [Codec], [Union]; default JSON.
func DeclareTopic[T any](b *Builder, t *Topic[T], name string, options ...DepotOption) {
	declareTopic(b, t, name, options)
}

// DeclareKeyedTopic declares a topic whose records have a key, and go to the
// partition that Kafka's own clients choose for it (murmur2 of the bytes that a
// depot would have: a string's own, a number's decimal digits).
func DeclareKeyedTopic[T any, K comparable](b *Builder, t *Topic[T], name string, key func(T) K, options ...DepotOption) {
	decl := declareTopic(b, t, name, options)
	decl.plan.Keyed = true
	if key == nil {
		b.mistake(fmt.Sprintf("topic %q", name), "has no key function", "say what its records' key is, or use DeclareTopic")
		return
	}
	decl.key = func(dst []byte, v T) ([]byte, error) { return task.AppendKey(dst, key(v)) }
}

// topicPattern is what Kafka allows.
var topicPattern = regexp.MustCompile(`^[A-Za-z0-9._-]{1,249}$`)

func declareTopic[T any](b *Builder, t *Topic[T], name string, options []DepotOption) *topicDecl[T] {
	thing := fmt.Sprintf("topic %q", name)
	switch {
	case !topicPattern.MatchString(name) || name == "." || name == "..":
		b.mistake(thing, "the name is not allowed", "Kafka's topics have 1 to 249 letters, digits, '.', '-' or '_'")
	case strings.HasPrefix(name, "coppice."):
		b.mistake(thing, "is a topic of a module's own", "append to a depot of the module with Depot.Emit")
	}
	if b.names[thing] {
		b.mistake(thing, "declared twice", "one handle serves all handlers")
	}
	b.names[thing] = true
	b.handle(thing, t)
	decl := &topicDecl[T]{plan: &TopicPlan{Module: b.plan.Module, Name: name, Type: typeName[T]()}}
	var chosen depotOptions
	decl.codec, decl.plan.Codec, chosen = chooseCodec[T](b, thing, options)
	decl.read = &DepotPlan{Module: b.plan.Module, Name: topicPrefix + name, Type: typeName[T](), Partitioning: "topic", Codec: decl.plan.Codec, Disallowed: true, Topic: name, Shape: decl.codec.Shape}
	if chosen.ids > 0 {
		b.mistake(thing, "has AppendIDs, which is for depots", "leave it out: who appends to a topic is up to Kafka")
	}
	if chosen.migration != "" {
		b.mistake(thing, "has a migration, which is for depots", "leave it out: the module does not read the topic")
	}
	if chosen.disallow {
		b.mistake(thing, "has DisallowAppends, which is for depots", "who may write to a topic is up to Kafka: leave it out")
	}
	b.plan.Topics = append(b.plan.Topics, decl.plan)
	fill(t, Topic[T]{decl})
	return decl
}

// Emit writes a record to the topic. It leaves after the commit of the event, and
// the record of the event is done when the topic has it; see [Depot.Emit]. In an
// exactly-once topology it is written in a transaction with others of its task.
func (t Topic[T]) Emit(ev *Event, v T, options ...EmitOption) {
	h := t.writable(ev)
	if h == nil {
		return
	}
	r, err := t.t.record(v)
	t.emit(h, r, err, options)
}

// EmitRecord is Emit for a record with a key and headers of its own, or without a value: a
// tombstone, which a compacted topic takes as the deletion of its key. Without a key it has
// the one that a keyed topic makes of its value. What is read from one topic can be written
// to another as it is; Time, Partition and Offset are the topic's to give. Headers that begin with
// "coppice-" are not allowed, nor a tombstone without a key.
func (t Topic[T]) EmitRecord(ev *Event, v TopicRecord[T], options ...EmitOption) {
	h := t.writable(ev)
	if h == nil {
		return
	}
	r := depot.Record{Key: v.Key, Headers: slices.Clone(v.Headers)}
	err := mayWrite(v.Key, v.Tombstone, v.Headers)
	if err == nil && !v.Tombstone {
		var made depot.Record
		made, err = t.t.record(v.Value)
		if r.Value = made.Value; r.Key == nil {
			r.Key = made.Key
		}
	}
	t.emit(h, r, err, options)
}

func mayWrite(key []byte, tombstone bool, headers []depot.Header) error {
	if tombstone && key == nil {
		return errors.New("a tombstone has a key: it says what is deleted")
	}
	for _, header := range headers {
		if strings.HasPrefix(header.Key, reservedHeaders) {
			return fmt.Errorf("header %q: those that begin with %q are the engine's", header.Key, reservedHeaders)
		}
	}
	return nil
}

const reservedHeaders = "coppice-"

func (t Topic[T]) emit(h *host.Event, r depot.Record, err error, options []EmitOption) {
	if err != nil {
		h.Fail("write to topic %q: %w", t.t.plan.Name, err)
		return
	}
	a := host.Append{Topic: t.t.plan.Name, Partition: task.None, Record: r}
	for _, o := range options {
		o(&a)
	}
	emit(h, "topic", t.t.plan.Name, a)
}

// writable checks that the event may write to the topic.
func (t Topic[T]) writable(ev *Event) *host.Event {
	h := &ev.host
	if t.t == nil {
		h.Fail("write to a topic: %w", ErrUndeclared)
		return nil
	}
	if t.t.plan.Module != h.Module {
		h.Fail("write to topic %q, which module %s declares, from a handler of module %s", t.t.plan.Name, t.t.plan.Module, h.Module)
		return nil
	}
	return h
}

func (t *topicDecl[T]) record(v T) (r depot.Record, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the topic's key function or codec panicked: %v", p)
		}
	}()
	if r.Value, err = t.codec.Append(nil, &v); err != nil {
		return r, fmt.Errorf("record does not encode: %w", err)
	}
	if t.key != nil {
		if r.Key, err = t.key([]byte{}, v); err != nil {
			return r, fmt.Errorf("key does not encode: %w", err)
		}
	}
	return r, nil
}
