package client

import (
	"context"
	"errors"
	"fmt"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// WaitProcessed waits until every topology of the module is done with a record that is in
// its depot: streams as Await does, and microbatch topologies, whose microbatch all tasks
// have applied then. While the record has not begun (ThrottledError) it asks again, for
// Config.AwaitTimeout. Errors: those of Await.
func (c *Client) WaitProcessed(ctx context.Context, place Place) error {
	b, err := c.named(ctx, place.Module)
	if err != nil {
		return err
	}
	if err := c.awaitBegun(ctx, place); err != nil {
		return err
	}
	for _, plan := range b.plan.Streams {
		for _, s := range plan.Sources {
			if !plan.Microbatch || s.Depot.Name != place.Depot {
				continue
			}
			if err := c.waitMicrobatch(ctx, b, plan, s, place); err != nil {
				return err
			}
		}
	}
	return nil
}

// awaitBegun is Await that asks again while the record has not begun.
func (c *Client) awaitBegun(ctx context.Context, place Place) error {
	ctx, cancel := context.WithTimeout(ctx, c.config.AwaitTimeout)
	defer cancel()
	var err error
	over := c.poll(ctx, func() (bool, error) {
		_, err = c.Await(ctx, place)
		return !errors.Is(err, ErrThrottled), nil
	})
	if err == nil || errors.Is(over, ErrClosed) {
		return over
	}
	return err
}

func (c *Client) waitMicrobatch(ctx context.Context, b *bound, plan *module.StreamPlan, s *module.SourcePlan, place Place) error {
	var id uint64
	err := c.poll(ctx, func() (bool, error) {
		at, err := c.microbatchAt(ctx, b, plan, task.ID(place.Partition))
		if err != nil {
			return false, err
		}
		p := at.progress[s.Name]
		id = at.stamp.ID
		return p.Done(place.Offset), nil
	})
	if err == nil {
		err = c.waitApplied(ctx, b, plan, id)
	}
	if err != nil {
		return fmt.Errorf("%v: waiting for microbatch topology %s: %w", place, plan.Name, err)
	}
	return nil
}
