package client

import (
	"context"
	"fmt"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// bindMirrors makes the mirrors of a module usable: they are read where they are.
// Errors: *module.DependencyError.
func (c *Client) bindMirrors(ctx context.Context, plan *module.Plan) error {
	e := &module.DependencyError{Module: plan.Module}
	for _, name := range plan.MirrorsOf() {
		b, err := c.bind(ctx, name, nil)
		if err != nil {
			return fmt.Errorf("module %s mirrors module %s: %w", plan.Module, name, err)
		}
		e.Mistakes = append(e.Mistakes, plan.Lacks(name, b.plan)...)
	}
	if len(e.Mistakes) > 0 {
		return e
	}
	return nil
}

// WaitMirrored waits until every topology of a module that mirrors the depot of a place is done
// with its record. Acked appends wait for the topologies of the depot's own module alone
// (promise 3x.15). Errors: those of Await; ErrNoDepot if the module mirrors no such depot.
func (c *Client) WaitMirrored(ctx context.Context, moduleName string, place Place) error {
	b, err := c.named(ctx, moduleName)
	if err != nil {
		return err
	}
	if place.Offset < 0 {
		return &NoOffsetError{Place: place}
	}
	found, waited := false, map[string]bool{}
	for _, plan := range b.plan.Streams {
		for _, s := range plan.Sources {
			id, ok := b.reads(s, place)
			if !ok {
				continue
			}
			found = true
			here := Place{Module: moduleName, Depot: s.Depot.Name, Partition: int32(id), Offset: place.Offset}
			switch {
			case plan.Microbatch:
				err = c.waitMicrobatch(ctx, b, plan, s, here)
			case !waited[s.Depot.Name]: // one answer is for all streams
				waited[s.Depot.Name] = true
				err = c.awaitMirrored(ctx, b, here)
			}
			if err != nil {
				return err
			}
		}
	}
	if !found {
		return fmt.Errorf("%v: %w: module %s mirrors no such depot", place, ErrNoDepot, moduleName)
	}
	return nil
}

// reads finds the task that reads the partition of a place for a source of a mirrored depot.
func (b *bound) reads(s *module.SourcePlan, place Place) (task.ID, bool) {
	m := s.Depot.Mirror
	if m == nil || m.Module != place.Module || m.Depot != place.Depot {
		return 0, false
	}
	id := int(place.Partition) - m.Lane*b.tasks
	return task.ID(id), id >= 0 && id < s.Depot.Partitions(b.tasks)
}

func (c *Client) awaitMirrored(ctx context.Context, b *bound, place Place) error {
	ctx, cancel := context.WithTimeout(ctx, c.config.AwaitTimeout)
	defer cancel()
	request := &wire.Request{Module: b.name, Task: task.ID(place.Partition), Await: &wire.AwaitRequest{Depot: place.Depot, Offset: place.Offset}}
	answer, err := c.ask(ctx, b, request)
	if err != nil {
		return &UnknownError{Place: place, Cause: err}
	}
	_, err = outcomeOf(place, answer)
	return err
}

// mirrors lists the modules that read a depot of a module, other than that itself.
func (c *Client) mirrors(ctx context.Context, moduleName, depotName string) ([]*bound, error) {
	names, err := c.config.Log.Modules(ctx)
	if err != nil {
		return nil, fmt.Errorf("client: listing the modules: %w", err)
	}
	var all []*bound
	for _, name := range names {
		b, err := c.bind(ctx, name, nil)
		if err != nil {
			continue // it is being launched, and has not begun to read
		}
		if name != moduleName && b.plan.Mirroring(moduleName, depotName) {
			all = append(all, b)
		}
	}
	return all, nil
}
