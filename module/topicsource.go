package module

import (
	"fmt"
	"strings"
	"time"

	"github.com/coppice-run/coppice/depot"
)

// Header is a header of a record.
type Header = depot.Header

// TopicRecord is a record of a topic of others, as it lies there. Its slices are read
// only and may be kept.
type TopicRecord[T any] struct {
	// Value is what the topic's codec makes of the record's value; zero with Tombstone.
	Value T
	// Tombstone says that the record has no value: in a compacted topic, that its key is
	// deleted.
	Tombstone bool
	Key       []byte // nil: the record has none
	Headers   []Header
	// Time is the record's timestamp, in milliseconds: the broker's, or that of whoever
	// wrote the record (message.timestamp.type). Event.Now gives the same.
	Time      time.Time
	Partition int32 // of the topic
	Offset    int64
}

// Header returns the value of the last header with a key; ok is false if there is none.
func (r *TopicRecord[T]) Header(key string) (value []byte, ok bool) {
	for i := len(r.Headers) - 1; i >= 0; i-- {
		if r.Headers[i].Key == key {
			return r.Headers[i].Value, true
		}
	}
	return nil, false
}

// DeclareTopicSource makes a topology process the records of a topic of others, as a
// source of a depot does ([DeclareSource]), with the same options and guarantees. The topic may
// have any number of partitions: partition p is read by the task p modulo the number of
// tasks. Whoever writes the topic has chosen the partitions, so what is kept by key lies on
// other tasks as a rule: send it there.
//
// A record whose value the codec does not decode is parked, with its key and headers. What
// is read is committed: records of transactions that were aborted are left out. The
// position is kept with the state, and no consumer group has it. Records that the topic's
// retention deletes before they are read halt their task: nothing is skipped in silence.
//
// Partitions that the topic is given later are read from their beginning, when the module's
// workers start anew. The source's name is the topic's, with '-' for what names do not
// have; [SourceID] gives another.
func DeclareTopicSource[T any](of Topology, t Topic[T], f func(*Event, TopicRecord[T]) error, options ...SourceOption) {
	s := of.topology()
	if t.t == nil {
		s.b.mistake(fmt.Sprintf("source of %s %q", s.plan.noun(), s.plan.Name), "reads a topic that is not declared", "declare it before the source: DeclareTopic")
		return
	}
	decl := t.t
	plan := s.declareSource(decl.read, f == nil, options)
	plan.Run = func(ev *Event, r *depot.Record) error {
		v := TopicRecord[T]{Key: r.Key, Headers: r.Headers, Time: r.Time, Partition: r.Partition, Offset: r.Offset, Tombstone: r.Value == nil}
		if !v.Tombstone {
			if err := decl.codec.Decode(r.Value, &v.Value); err != nil {
				return undecoded(fmt.Errorf("record of topic %q does not decode as %s: %w", decl.plan.Name, decl.plan.Type, err))
			}
		}
		return f(ev, v)
	}
	plan.Decodes = func(r *depot.Record) error {
		var v T
		if r.Value == nil {
			return nil
		}
		if err := decl.codec.Decode(r.Value, &v); err != nil {
			return fmt.Errorf("it does not decode as %s: %w", decl.plan.Type, err)
		}
		return nil
	}
}

// topicPrefix tells the names of topics from those of depots.
const topicPrefix = "topic:"

// sourceName is the name of a source of the depot that has no other: what a name may have
// of a topic's.
func (d *DepotPlan) sourceName() string {
	if d.Topic == "" {
		return d.Name
	}
	name := strings.TrimLeft(strings.Map(func(c rune) rune {
		if c == '.' {
			return '-'
		}
		return c
	}, d.Topic), "-_")
	return name[:min(len(name), 80)]
}
