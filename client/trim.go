package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// TrimConfig says how much of a depot is kept.
type TrimConfig struct {
	// EntriesMax is how many of the newest offsets of each partition are kept. At least 1.
	EntriesMax int64
	// ExcessProportion is how much more there must be before anything is trimmed: 0.25 of
	// 1,000 trims a partition that has more than 1,250, down to 1,000 (promise 4.30). So
	// a depot that is trimmed often is seldom written to. At least 0.
	ExcessProportion float64
}

// Trimmed is what became of one partition.
type Trimmed struct {
	Partition  int
	Start, End int64 // what it holds now
	Deleted    int64 // offsets
	// NeededBy is the source, as topology/source, of another module as module/topology/source, that is not done with older records, so
	// that less was trimmed than the configuration asks for; "": none.
	NeededBy string
}

// TrimDepot deletes the oldest records of a depot's partitions, for good (promise 4.29). Depots
// keep everything unless somebody calls it. It never deletes a record that a source of the
// module is not done with, or one of a module that mirrors the depot (promise 4.31), as its progress in the store says; nor, where the depot has
// AppendIDs, one by whose id an append may be told that comes again (promise 4.31). A source that
// has not begun on a partition keeps all of it.
//
// What is deleted cannot be read any more: by a topology that is added and starts from the beginning,
// by a task that is rebuilt. And where a server of level applied loses its last writes, a
// source goes back by as much: let EntriesMax be more than comes in within some minutes.
func (c *Client) TrimDepot(ctx context.Context, moduleName, depotName string, config TrimConfig) ([]Trimmed, error) {
	if config.EntriesMax < 1 || config.ExcessProportion < 0 {
		return nil, fmt.Errorf("trimming depot %s.%s: EntriesMax is %d and ExcessProportion %v; want at least 1 and 0", moduleName, depotName, config.EntriesMax, config.ExcessProportion)
	}
	b, d, err := c.depotOf(ctx, moduleName, depotName)
	if err != nil {
		return nil, err
	}
	readers, err := c.dependents(ctx, moduleName)
	if err != nil {
		return nil, err
	}
	var all []Trimmed
	var wrong []error
	for partition := range d.Partitions(b.tasks) {
		one, err := c.trim(ctx, b, readers, depotName, partition, int64(d.IDWindow), config)
		if err != nil {
			wrong = append(wrong, fmt.Errorf("trimming depot %s.%s, partition %d: %w", moduleName, depotName, partition, err))
			continue
		}
		all = append(all, one)
	}
	return all, errors.Join(wrong...)
}

func (c *Client) trim(ctx context.Context, b *bound, readers []*bound, depotName string, partition int, window int64, config TrimConfig) (Trimmed, error) {
	topic, err := c.topicOf(ctx, b.name, depotName, partition)
	if err != nil {
		return Trimmed{}, err
	}
	start, end, err := c.config.Log.Bounds(ctx, topic, int32(partition))
	one := Trimmed{Partition: partition, Start: start, End: end}
	if err != nil || float64(end-start) <= float64(config.EntriesMax)*(1+config.ExcessProportion) {
		return one, err
	}
	below := end - config.EntriesMax
	need := func(of *bound, plan *module.StreamPlan, s *module.SourcePlan, id task.ID, name string) error {
		at, err := c.sourceProgress(ctx, of, plan, s, id)
		if err != nil {
			return err
		}
		if needs := at.Next - window; !at.Begun || needs < below {
			below, one.NeededBy = needs, name
			if !at.Begun {
				below = start
			}
		}
		return nil
	}
	for _, plan := range b.plan.Streams {
		for _, s := range plan.Sources {
			if s.Depot.Name != depotName {
				continue
			}
			if err := need(b, plan, s, task.ID(partition), plan.Name+"/"+s.Name); err != nil {
				return one, err
			}
		}
	}
	place := Place{Module: b.name, Depot: depotName, Partition: int32(partition)}
	for _, reader := range readers {
		for _, plan := range reader.plan.Streams {
			for _, s := range plan.Sources {
				if id, reads := reader.reads(s, place); reads {
					if err := need(reader, plan, s, id, reader.name+"/"+plan.Name+"/"+s.Name); err != nil {
						return one, err
					}
				}
			}
		}
	}
	if below <= start {
		return one, nil
	}
	if err := c.config.Log.Trim(ctx, topic, int32(partition), below); err != nil {
		return one, err
	}
	one.Start, one.Deleted = below, below-start
	return one, nil
}
