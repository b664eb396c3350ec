package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/progress"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// SourceProgress is how far a source is with a partition of its depot.
type SourceProgress struct {
	Topology  string `json:"topology"`
	Source    string `json:"source"`
	Depot     string `json:"depot"`
	Partition int32  `json:"partition"`
	Next      int64  `json:"next"`  // all records below this offset are done
	Ahead     int64  `json:"ahead"` // records behind it that are done, too
	End       int64  `json:"end"`   // offset behind the last record of the partition
	Lag       int64  `json:"lag"`   // records that are not done
	Begun     bool   `json:"begun"` // false: the source has not begun, and Next says nothing
	// Ticks: the depot is one of ticks. Next is a time then, in milliseconds since 1970, and
	// there is no end.
	Ticks bool `json:"ticks"`
	// Topic is the Kafka topic that holds the depot; "" of ticks.
	Topic string `json:"topic,omitempty"`
	// Error is why some of this cannot be read: Lag says nothing then.
	Error string `json:"error,omitempty"`
}

// Progress tells how far each source of a module is with each partition, as the store and
// the log show it: what is done and committed. Where topology is not empty, of that one. Where
// some cannot be read, those have an Error, the others are told all the same, and the error
// joins all; where nothing is known, the progress is nil.
func (c *Client) Progress(ctx context.Context, moduleName, topology string) ([]SourceProgress, error) {
	b, err := c.named(ctx, moduleName)
	if err != nil {
		return nil, err
	}
	plans := b.spread.Streams
	if topology != "" {
		plan, err := b.topology(topology)
		if err != nil {
			return nil, err
		}
		plans = plans[plan.ID : plan.ID+1]
	}
	type place struct {
		plan   *module.StreamPlan
		source *module.SourcePlan
		id     task.ID
	}
	var places []place
	for _, plan := range plans {
		for _, source := range plan.Sources {
			for id := range task.ID(b.tasks) {
				if _, reads := source.Depot.Partition(id, b.tasks); reads {
					places = append(places, place{plan, source, id})
				}
			}
		}
	}
	all := make([]SourceProgress, len(places))
	errs := make([]error, len(places))
	_ = sideBySide(len(places), func(i int) error { // errs has them
		if all[i], errs[i] = c.sourceProgress(ctx, b, places[i].plan, places[i].source, places[i].id); errs[i] != nil {
			all[i].Error = errs[i].Error()
		}
		return nil
	})
	if err := ctx.Err(); err != nil {
		return nil, errors.Join(append(errs, err)...)
	}
	return all, errors.Join(errs...)
}

func (c *Client) sourceProgress(ctx context.Context, b *bound, plan *module.StreamPlan, s *module.SourcePlan, id task.ID) (SourceProgress, error) {
	partition, _ := s.Depot.Partition(id, b.tasks)
	depotName, topic := s.Depot.Name, depot.TopicName(s.Depot.Home(b.name))
	if s.Depot.Topic != "" {
		depotName, topic = s.Depot.Declared(s.Depot.Name), s.Depot.Topic
	}
	one := SourceProgress{Topology: plan.Name, Source: s.Depot.Declared(s.Name), Depot: depotName, Partition: partition, Ticks: s.Depot.PeriodMillis > 0}
	if !one.Ticks {
		one.Topic = topic
	}
	slot := b.slots[id]
	reads := []store.Read{{Kind: store.Get, Table: wire.TopologyTable(slot.Tag, plan.Name, plan.Microbatch), Field: s.Name}}
	_, err := c.config.Store.Read(ctx, slot, reads)
	if err == nil && reads[0].Found {
		var p progress.Progress
		if p, err = progress.Parse(reads[0].Value); err == nil {
			one.Begun, one.Next, one.Ahead = true, p.Next, p.Ahead()
		}
	}
	if err == nil && !one.Ticks {
		_, one.End, err = c.config.Log.Bounds(ctx, topic, partition)
	}
	if err != nil {
		return one, fmt.Errorf("module %s, source %s/%s, partition %d: %w", b.name, plan.Name, s.Name, one.Partition, err)
	}
	if one.Begun && !one.Ticks {
		one.Lag = max(one.End-one.Next-one.Ahead, 0)
	}
	return one, nil
}

// topology finds a topology by its name.
func (b *bound) topology(name string) (*module.StreamPlan, error) {
	for _, plan := range b.plan.Streams {
		if plan.Name == name {
			return plan, nil
		}
	}
	return nil, fmt.Errorf("module %s, topology %q: %w; it has %s", b.name, name, ErrUnknownPlace, names(b.plan.Streams, func(s *module.StreamPlan) string { return s.Name }))
}

// TaskStatus is what a task is at, as its owner sees it: what waits, what is under way, how
// far its sources are. Errors: ErrNoModule, ErrNoTask, ErrNoOwner.
func (c *Client) TaskStatus(ctx context.Context, moduleName string, id task.ID) (runtime.Status, error) {
	b, err := c.named(ctx, moduleName)
	if err != nil {
		return runtime.Status{}, err
	}
	if id < 0 || int(id) >= b.tasks {
		return runtime.Status{}, fmt.Errorf("module %s, task %d: %w; it has 0 to %d", moduleName, id, ErrNoTask, b.tasks-1)
	}
	return c.taskStatus(ctx, b, id)
}

func (c *Client) taskStatus(ctx context.Context, b *bound, id task.ID) (s runtime.Status, err error) {
	answer, err := c.ask(ctx, b, &wire.Request{Module: b.name, Task: id, Status: true})
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal([]byte(answer.Text), &s); err != nil {
		return s, fmt.Errorf("module %s, task %d: the status does not parse: %w", b.name, id, err)
	}
	return s, nil
}

// coordination is what the coordinator of a microbatch topology is at.
func (c *Client) coordination(ctx context.Context, b *bound, topology string) (runtime.MicrobatchStatus, error) {
	s, err := c.taskStatus(ctx, b, 0)
	if err != nil {
		return runtime.MicrobatchStatus{}, err
	}
	for _, m := range s.Microbatches {
		if m.Topology == topology {
			return m, nil
		}
	}
	return runtime.MicrobatchStatus{Topology: topology, Between: true}, nil // it does not run yet
}

// WaitReady waits until so many records lie ready for the next microbatch of a topology: of
// one that is paused, that its next microbatch takes them (up to its limit for each partition).
func (c *Client) WaitReady(ctx context.Context, moduleName, topology string, records int64) error {
	b, _, err := c.microbatches(ctx, moduleName, topology)
	if err != nil {
		return err
	}
	return poll(ctx, func() (bool, error) {
		m, err := c.coordination(ctx, b, topology)
		return err == nil && m.Ready >= records, err
	})
}
