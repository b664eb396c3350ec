package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
)

// ErrNoTopic: the depot is one of ticks, and holds no records.
var ErrNoTopic = errors.New("a tick depot holds no records")

// DepotInfo says how a depot is made. Programs call Info of its handle.
func (c *Client) DepotInfo(ctx context.Context, moduleName, depotName string) (module.DepotInfo, error) {
	b, d, err := c.depotOf(ctx, moduleName, depotName)
	if err != nil {
		return module.DepotInfo{}, err
	}
	return module.DepotInfo{Partitions: d.Partitions(b.tasks), Type: d.Type, Partitioning: d.Partitioning, Codec: d.Codec, Disallowed: d.Disallowed}, nil
}

// PartitionInfo says which offsets a partition of a depot holds. Programs call
// PartitionInfo of its handle.
func (c *Client) PartitionInfo(ctx context.Context, moduleName, depotName string, partition int) (module.PartitionInfo, error) {
	topic, err := c.topicOf(ctx, moduleName, depotName, partition)
	if err != nil {
		return module.PartitionInfo{}, err
	}
	start, end, err := c.config.Log.Bounds(ctx, topic, int32(partition))
	if err != nil {
		return module.PartitionInfo{}, fmt.Errorf("topic %s, partition %d: %w", topic, partition, err)
	}
	return module.PartitionInfo{Start: start, End: end}, nil
}

// ReadDepot reads the records of a partition from one offset up to, and without, another
// one. Programs call Read of the depot's handle. Errors: depot.ErrOutOfRange.
func (c *Client) ReadDepot(ctx context.Context, moduleName, depotName string, partition int, from, to int64) ([]depot.Record, error) {
	topic, err := c.topicOf(ctx, moduleName, depotName, partition)
	if err != nil {
		return nil, err
	}
	start, end, err := c.config.Log.Bounds(ctx, topic, int32(partition))
	switch {
	case err != nil:
		return nil, fmt.Errorf("topic %s, partition %d: %w", topic, partition, err)
	case from < start || to > end || from > to:
		return nil, fmt.Errorf("topic %s, partition %d: offsets %d to %d: %w: it holds %d to %d", topic, partition, from, to, depot.ErrOutOfRange, start, end)
	case from == to:
		return nil, nil
	}
	records, err := c.read(ctx, depot.Position{Topic: topic, Partition: int32(partition), Offset: from, LeaderEpoch: -1}, to)
	if err != nil {
		return nil, fmt.Errorf("topic %s, partition %d: reading offsets %d to %d: %w", topic, partition, from, to, err)
	}
	return records, nil
}

// read reads with a reader of its own, which stands in nobody's way.
func (c *Client) read(ctx context.Context, at depot.Position, to int64) (records []depot.Record, err error) {
	reader, err := c.config.Log.Reader(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, reader.Close()) }()
	if err := reader.Assign(at); err != nil {
		return nil, err
	}
	for next := at.Offset; next < to; {
		var fault error
		if err := reader.Poll(ctx, 0, func(d depot.Delivery) {
			for _, r := range d.Records {
				if next = r.Offset + 1; r.Offset < to {
					records = append(records, r)
				}
			}
			fault = d.Fault
		}); err != nil {
			return nil, err
		}
		if fault != nil {
			return nil, fault
		}
	}
	return records, nil
}

// depotOf finds a depot of a running module.
func (c *Client) depotOf(ctx context.Context, moduleName, depotName string) (*bound, *module.DepotPlan, error) {
	b, err := c.named(ctx, moduleName)
	if err != nil {
		return nil, nil, err
	}
	d, ok := b.plan.Depot(depotName)
	if !ok {
		return nil, nil, fmt.Errorf("module %s, depot %q: %w; it has %s", b.name, depotName, ErrNoDepot, names(b.plan.Depots, func(d *module.DepotPlan) string { return d.Name }))
	}
	return b, d, nil
}

// topicOf finds the topic of a depot, and sees that it has a partition.
func (c *Client) topicOf(ctx context.Context, moduleName, depotName string, partition int) (string, error) {
	b, d, err := c.depotOf(ctx, moduleName, depotName)
	if err != nil {
		return "", err
	}
	if d.PeriodMillis > 0 {
		return "", fmt.Errorf("depot %s.%s: %w", moduleName, depotName, ErrNoTopic)
	}
	if n := d.Partitions(b.tasks); partition < 0 || partition >= n {
		return "", fmt.Errorf("depot %s.%s, partition %d: %w; it has 0 to %d", moduleName, depotName, partition, ErrNoPartition, n-1)
	}
	return depot.TopicName(moduleName, depotName), nil
}
