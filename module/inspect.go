package module

import (
	"context"
	"fmt"
	"time"

	"github.com/coppice-run/coppice/depot"
)

// DepotInfo is what a program can know of a depot.
type DepotInfo struct {
	Partitions   int
	Type         string // of its records
	Partitioning string // as DepotPlan has it
	Codec        string
	// Disallowed: only topologies append.
	Disallowed bool
}

// PartitionInfo says which records a partition holds: those from Start up to, and without,
// End. An offset between them may hold none.
type PartitionInfo struct{ Start, End int64 }

// Inspector looks at depots; a client is one.
type Inspector interface {
	DepotInfo(ctx context.Context, module, depot string) (DepotInfo, error)
	PartitionInfo(ctx context.Context, module, depot string, partition int) (PartitionInfo, error)
	ReadDepot(ctx context.Context, module, depot string, partition int, from, to int64) ([]depot.Record, error)
}

// Stored is a record as it lies in its depot.
type Stored[T any] struct {
	Offset int64
	Time   time.Time // when it was appended, by the broker's clock
	Value  T
}

// Info says how the depot is made (promise 4.19).
func (d Depot[T]) Info(ctx context.Context, i Inspector) (DepotInfo, error) {
	if d.d == nil {
		return DepotInfo{}, ErrUndeclared
	}
	return i.DepotInfo(ctx, d.d.plan.Module, d.d.plan.Name)
}

// PartitionInfo says which offsets a partition holds (promise 4.20).
func (d Depot[T]) PartitionInfo(ctx context.Context, i Inspector, partition int) (PartitionInfo, error) {
	if d.d == nil {
		return PartitionInfo{}, ErrUndeclared
	}
	return i.PartitionInfo(ctx, d.d.plan.Module, d.d.plan.Name, partition)
}

// Read returns the records of a partition from one offset up to, and without, another one
// (promise 4.21). It reads them from Kafka, beside the module: no task spends time on it. All
// of them are in memory then, so ask for some thousand at a time. Errors:
// depot.ErrOutOfRange, where the partition does not hold the offsets; one that names the
// offset of a record that does not decode. Records that a migration has taken away are left
// out.
func (d Depot[T]) Read(ctx context.Context, i Inspector, partition int, from, to int64) ([]Stored[T], error) {
	if d.d == nil {
		return nil, ErrUndeclared
	}
	records, err := i.ReadDepot(ctx, d.d.plan.Module, d.d.plan.Name, partition, from, to)
	if err != nil {
		return nil, err
	}
	all := make([]Stored[T], 0, len(records))
	for n := range records {
		r := &records[n]
		v, gone, err := d.d.decode(r)
		if err != nil {
			return nil, fmt.Errorf("depot %s.%s, partition %d, offset %d: the record does not decode as %s: %w", d.d.plan.Module, d.d.plan.Name, partition, r.Offset, d.d.plan.Type, err)
		}
		if !gone {
			all = append(all, Stored[T]{r.Offset, r.Time, v})
		}
	}
	return all, nil
}
