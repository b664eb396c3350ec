package client

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// Pause has a topology begin no record, until Resume: over restarts, too. A stream's records
// under way go on, and acked appends are told that their records wait (ThrottledError); of a
// microbatch topology the microbatch under way is finished. It returns when the tasks go by
// it, and that microbatch is applied (14.17).
func (c *Client) Pause(ctx context.Context, moduleName, topology string) error {
	b, plan, err := c.pausable(ctx, moduleName, topology)
	if err != nil {
		return err
	}
	return c.setPaused(ctx, b, plan, "true")
}

// Resume has a topology go on, whatever holds it: it takes the topology's own setting back, and
// where the whole module is paused, or a worker was started with the pause, it says "not paused"
// for the topology, which counts before those: until its setting is taken back, a pause of the
// whole module does not hold it. It says so, too, where a worker of an older version does not
// tell what holds its tasks. It returns when the tasks go on.
func (c *Client) Resume(ctx context.Context, moduleName, topology string) error {
	b, plan, err := c.pausable(ctx, moduleName, topology)
	if err != nil {
		return err
	}
	// What the module has set is known before; what workers were started with they alone know.
	whole, err := c.Option(ctx, moduleName, OptionScope{}, pauseOption(plan))
	if err != nil {
		return err
	}
	if whole.Value == "true" {
		return c.setPaused(ctx, b, plan, "false")
	}
	if err := c.setPaused(ctx, b, plan, ""); err != nil {
		return err
	}
	if held, err := c.held(ctx, b, plan); err != nil || !held {
		return err
	}
	return c.setPaused(ctx, b, plan, "false")
}

// held reports whether a task that goes by all settings begins nothing of a topology, or may: a
// worker of an older version does not tell.
func (c *Client) held(ctx context.Context, b *bound, plan *module.StreamPlan) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.AwaitTimeout)
	defer cancel()
	for id := range tasksPausing(b, plan) {
		s, err := c.taskStatus(ctx, b, task.ID(id))
		if errors.Is(err, ErrNoOwner) {
			continue
		}
		if err != nil {
			return false, fmt.Errorf("module %s, topology %s: it is not known whether task %d goes on: %w", b.name, plan.Name, id, err)
		}
		if s.Paused == nil || slices.Contains(s.Paused, plan.Name) {
			return true, nil
		}
	}
	return false, nil
}

// tasksPausing is how many tasks go by a pause, from the first on: of a microbatch topology the
// one that coordinates.
func tasksPausing(b *bound, plan *module.StreamPlan) int {
	if plan.Microbatch {
		return 1
	}
	return b.tasks
}

// pausable finds a topology.
func (c *Client) pausable(ctx context.Context, moduleName, topology string) (*bound, *module.StreamPlan, error) {
	b, err := c.named(ctx, moduleName)
	if err != nil {
		return nil, nil, err
	}
	plan, err := b.topology(topology)
	return b, plan, err
}

// pauseOption is the option that holds a topology.
func pauseOption(plan *module.StreamPlan) string {
	if plan.Microbatch {
		return pausedOption
	}
	return streamPausedOption
}

const streamPausedOption = "topology.stream.paused"

// setPaused sets the option for a topology, or takes its setting back, and waits until its tasks
// go by that.
func (c *Client) setPaused(ctx context.Context, b *bound, plan *module.StreamPlan, value string) error {
	option := pauseOption(plan)
	setting, err := c.setOption(ctx, b, OptionScope{Topology: plan.Name}, option, value)
	if err != nil {
		return err
	}
	if err := c.settled(ctx, b, plan, setting, value == "true"); err != nil {
		return fmt.Errorf("module %s, topology %s: %s is set to %q, and it is not known whether the tasks have heard of it: %w", b.name, plan.Name, option, value, err)
	}
	return nil
}

// settled waits until the tasks go by a setting: those of a stream, or the one that
// coordinates a microbatch topology. The microbatch under way is waited for where it pauses.
func (c *Client) settled(ctx context.Context, b *bound, plan *module.StreamPlan, setting *wire.SettingRequest, pauses bool) error {
	ctx, cancel := context.WithTimeout(ctx, c.config.AwaitTimeout)
	defer cancel()
	for id := range tasksPausing(b, plan) {
		_, err := c.ask(ctx, b, &wire.Request{Module: b.name, Task: task.ID(id), Setting: setting})
		if err != nil && !errors.Is(err, ErrNoOwner) { // whoever takes it first goes by it
			return err
		}
	}
	if !plan.Microbatch || !pauses {
		return nil
	}
	err := poll(ctx, func() (bool, error) {
		m, err := c.coordination(ctx, b, plan.Name)
		return err == nil && m.Between, err
	})
	if errors.Is(err, ErrNoOwner) {
		return nil
	}
	return err
}
