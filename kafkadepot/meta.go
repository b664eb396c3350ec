package kafkadepot

import (
	"context"
	"errors"
	"fmt"
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
	topic, err := l.find(ctx, name)
	if err != nil {
		return err
	}
	if topic.Partitions == 0 {
		if err := l.create(ctx, name, 1, metaConfigs()); err != nil {
			return err
		}
		if _, err := l.await(ctx, name); err != nil {
			return err
		}
	}
	err = l.producer.ProduceSync(ctx, &kgo.Record{Topic: name, Partition: 0, Key: []byte(key), Value: value}).FirstErr()
	if err != nil {
		return l.failed("writing "+key+" to topic "+name, err)
	}
	return nil
}

// Meta reads all facts about a module, the latest of each key.
func (l *Log) Meta(ctx context.Context, module string) (map[string][]byte, error) {
	name := depot.TopicName(module, metaDepot)
	facts := map[string][]byte{}
	topic, err := l.find(ctx, name)
	if err != nil || topic.Partitions == 0 {
		return facts, err
	}
	start, end, err := l.Bounds(ctx, name, 0)
	if err != nil || start == end {
		return facts, err
	}
	from := map[string]map[int32]kgo.Offset{name: {0: kgo.NewOffset().At(start)}}
	client, err := kgo.NewClient(append(l.config.common(), kgo.ConsumePartitions(from), kgo.ConsumeResetOffset(kgo.NoResetOffset()))...)
	if err != nil {
		return nil, fmt.Errorf("kafkadepot: %w", err)
	}
	defer client.Close()
	for next := start; next < end; {
		fetches := client.PollFetches(ctx)
		if err := fetches.Err(); err != nil && !isPassing(err) {
			return nil, l.failed("reading topic "+name, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			facts[string(r.Key)] = r.Value
			next = r.Offset + 1
		})
	}
	return facts, nil
}

// isPassing reports whether the client tries again by itself.
func isPassing(err error) bool {
	return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, kgo.ErrClientClosed) && kerr.IsRetriable(err)
}
