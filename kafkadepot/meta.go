package kafkadepot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"github.com/coppice-run/coppice/depot"
)

// metaDepot ends the name of a module's meta topic; no depot can have the name.
const metaDepot = "__meta"

func metaConfigs() map[string]*string {
	return map[string]*string{
		"cleanup.policy":    kadm.StringPtr("compact"),
		"max.message.bytes": kadm.StringPtr(strconv.Itoa(batchBytesMax)),
	}
}

// PutMeta writes one fact about a module.
func (l *Log) PutMeta(ctx context.Context, module, key string, value []byte) error {
	name := depot.TopicName(module, metaDepot)
	if err := l.ensureMeta(ctx, name); err != nil {
		return err
	}
	err := l.producer.ProduceSync(ctx, &kgo.Record{Topic: name, Partition: 0, Key: []byte(key), Value: value}).FirstErr()
	if err != nil {
		return l.failed("writing "+key+" to topic "+name, err)
	}
	return nil
}

// ensureMeta makes the meta topic if it does not exist.
func (l *Log) ensureMeta(ctx context.Context, name string) error {
	return l.ensureInternal(ctx, name, 1, metaConfigs())
}

// Meta reads all facts about a module, the latest of each key.
func (l *Log) Meta(ctx context.Context, module string) (map[string][]byte, error) {
	facts := map[string][]byte{}
	name := depot.TopicName(module, metaDepot)
	topic, err := l.find(ctx, name)
	if errors.Is(err, kerr.InvalidTopicException) {
		return facts, nil // no module can have a name that no topic can have
	}
	if err != nil || topic.Partitions == 0 {
		return facts, err
	}
	start, end, err := l.Bounds(ctx, name, 0)
	if err != nil || start == end {
		return facts, err
	}
	err = l.followMeta(ctx, name, start, func(r *kgo.Record) bool {
		if r.Value == nil {
			delete(facts, string(r.Key))
		} else {
			facts[string(r.Key)] = r.Value
		}
		return r.Offset+1 < end
	})
	return facts, err
}

// WatchMeta delivers the facts about a module and follows them until ctx ends.
func (l *Log) WatchMeta(ctx context.Context, module string, deliver func(key string, value []byte)) error {
	name := depot.TopicName(module, metaDepot)
	if err := l.ensureMeta(ctx, name); err != nil {
		return err
	}
	start, end, err := l.Bounds(ctx, name, 0)
	if err != nil {
		return err
	}
	latest := map[string]*kgo.Record{} // of what is there
	told := start == end
	return l.followMeta(ctx, name, start, func(r *kgo.Record) bool {
		if told {
			deliver(string(r.Key), r.Value)
			return true
		}
		latest[string(r.Key)] = r
		if told = r.Offset+1 >= end; told {
			for _, r := range slices.SortedFunc(maps.Values(latest), func(a, b *kgo.Record) int { return cmp.Compare(a.Offset, b.Offset) }) {
				deliver(string(r.Key), r.Value)
			}
		}
		return true
	})
}

// followMeta reads a meta topic from an offset on until each returns false.
func (l *Log) followMeta(ctx context.Context, name string, start int64, each func(*kgo.Record) bool) error {
	from := map[string]map[int32]kgo.Offset{name: {0: kgo.NewOffset().At(start)}}
	client, err := kgo.NewClient(append(l.config.common(), kgo.ConsumePartitions(from), kgo.ConsumeResetOffset(kgo.NoResetOffset()))...)
	if err != nil {
		return fmt.Errorf("kafkadepot: %w", err)
	}
	defer client.Close()
	for more := true; more; {
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := fetches.Err(); err != nil && !isPassing(err) {
			return l.failed("reading topic "+name, err)
		}
		fetches.EachRecord(func(r *kgo.Record) { more = more && each(r) })
	}
	return nil
}

// isPassing reports whether the client tries again by itself.
func isPassing(err error) bool {
	return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, kgo.ErrClientClosed) && kerr.IsRetriable(err)
}
