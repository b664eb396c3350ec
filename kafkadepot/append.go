package kafkadepot

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/depot"
)

// Append writes one record and calls done with its offset.
func (l *Log) Append(ctx context.Context, topic string, partition int32, record depot.Record, level depot.Level, done func(offset int64, err error)) {
	if n := depot.RecordBytes(&record); n > depot.RecordBytesMax {
		done(-1, fmt.Errorf("%w: topic %s: key, value and headers have %d bytes, at most %d are allowed", depot.ErrTooLarge, topic, n, depot.RecordBytesMax))
		return
	}
	if _, stale := l.stale.LoadAndDelete(topic); stale {
		l.producer.PurgeTopicsFromProducing(topic)
	}
	if l.closed.Load() {
		done(-1, l.appendFailed(topic, partition, errClosed))
		return
	}
	r := produced(topic, partition, &record)
	if level == depot.None {
		l.producer.Produce(context.WithoutCancel(ctx), r, nil)
		done(-1, nil)
		return
	}
	l.producer.Produce(ctx, r, func(r *kgo.Record, err error) {
		if err != nil {
			done(-1, l.appendFailed(topic, partition, err))
			return
		}
		done(r.Offset, nil)
	})
}

// produced is a record as the client wants it.
func produced(topic string, partition int32, record *depot.Record) *kgo.Record {
	r := &kgo.Record{Topic: topic, Partition: partition, Key: record.Key, Value: record.Value}
	for _, h := range record.Headers {
		r.Headers = append(r.Headers, kgo.RecordHeader{Key: h.Key, Value: h.Value})
	}
	return r
}

// errClosed: the log was closed before the append. One that was under way when it was closed
// may be in the log: nobody has heard the broker's answer.
var errClosed = errors.New("the log is closed")

// certain are the errors after which a record is not in the log.
var certain = []error{
	kerr.MessageTooLarge, kerr.RecordListTooLarge, kerr.InvalidRecord, kerr.UnknownTopicOrPartition, kerr.UnknownTopicID, kerr.InvalidTopicException,
	kerr.TopicAuthorizationFailed, kerr.ClusterAuthorizationFailed, kerr.SaslAuthenticationFailed, kerr.NotEnoughReplicas, kerr.InvalidRequiredAcks,
	kgo.ErrMaxBuffered, errClosed,
}

func (l *Log) appendFailed(topic string, partition int32, err error) error {
	if errors.Is(err, kerr.UnknownTopicID) || errors.Is(err, kerr.UnknownTopicOrPartition) {
		l.stale.Store(topic, true) // deleted, and perhaps made again: the client never adopts the new one by itself
	}
	class := depot.ErrUnknown
	for _, c := range certain {
		if errors.Is(err, c) {
			class = depot.ErrNotAppended
		}
	}
	return fmt.Errorf("%w: topic %s partition %d, brokers %s: %w", class, topic, partition, l.config.names(), l.config.access(err))
}
