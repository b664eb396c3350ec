package kafkadepot

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kerr"

	"github.com/coppice-run/coppice/depot"
)

// Trim deletes the records of a partition below an offset.
func (l *Log) Trim(ctx context.Context, topic string, partition int32, below int64) error {
	start, _, err := l.Bounds(ctx, topic, partition)
	if err != nil || below <= start {
		return err
	}
	return l.patiently(ctx, func(ctx context.Context) error {
		what := fmt.Sprintf("deleting records of topic %s partition %d below offset %d", topic, partition, below)
		offsets := kadm.Offsets{}
		offsets.Add(kadm.Offset{Topic: topic, Partition: partition, At: below})
		answers, err := l.admin.DeleteRecords(ctx, offsets)
		if err == nil {
			var one kadm.DeleteRecordsResponse
			if one, err = answers.On(topic, partition, nil); err == nil {
				err = one.Err
			}
		}
		switch {
		case errors.Is(err, kerr.OffsetOutOfRange):
			return fmt.Errorf("%s: %w: %w", what, depot.ErrOutOfRange, err)
		case err != nil:
			return l.failed(what, err)
		}
		return nil
	})
}
