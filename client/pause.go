package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// Pause has a topology begin no record, until Resume: over restarts, too. A stream's records
// under way go on, and acked appends are told that their records wait (ThrottledError); of a
// microbatch topology the microbatch under way is finished. It returns when the tasks go by
// it, and that microbatch is applied (14.17). Where some do not say so, as one whose handler does
// not return, the topology is paused all the same, and the error is an UnheardError.
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
// tell what holds its tasks. It returns when the tasks go on, or an UnheardError as of Pause; tasks
// that do not answer are not asked what holds them.
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
	return c.released(ctx, b, plan, func(value string) error { return c.setPaused(ctx, b, plan, value) })
}

// released takes back the setting of a topology, and sets "not paused" where something else holds
// it. Tasks that are silent do not keep the others from being asked: they may all be held.
func (c *Client) released(ctx context.Context, b *bound, plan *module.StreamPlan, set func(value string) error) error {
	err := set("")
	var unheard *UnheardError
	if err != nil && !errors.As(err, &unheard) {
		return err
	}
	var silent []task.ID
	if unheard != nil {
		silent = unheard.Tasks
	}
	held, unknown := c.held(ctx, b, plan, silent)
	if held {
		return set("false")
	}
	return cmp.Or(err, unknown)
}

// held reports whether a task that goes by all settings begins nothing of a topology, or may: a
// worker of an older version does not tell. Silent ones are not asked, and the others are given no
// longer than those were.
func (c *Client) held(ctx context.Context, b *bound, plan *module.StreamPlan, silent []task.ID) (bool, error) {
	limit := c.config.AwaitTimeout
	if len(silent) > 0 {
		limit = min(limit, unheardAfter)
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for id := range tasksPausing(b, plan) {
		if slices.Contains(silent, task.ID(id)) {
			continue
		}
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
	silent, err := c.settled(ctx, b, plan, setting, value == "true")
	if err != nil {
		return &UnheardError{Module: b.name, Topology: plan.Name, Option: option, Value: value, Tasks: silent, Cause: err}
	}
	return nil
}

// unheardAfter is how long tasks have to say that they go by a setting. It takes a moment, but of one
// whose handler does not return, and whoever pauses a topology for that should not wait for it.
const unheardAfter = 5 * time.Second

// settled waits until the tasks go by a setting: those of a stream, or the one that
// coordinates a microbatch topology. The microbatch under way is waited for where it pauses.
func (c *Client) settled(ctx context.Context, b *bound, plan *module.StreamPlan, setting *wire.SettingRequest, pauses bool) (silent []task.ID, err error) {
	ctx, cancel := context.WithTimeout(ctx, c.config.AwaitTimeout)
	defer cancel()
	if silent, err = c.tell(ctx, b, tasksPausing(b, plan), setting); err != nil || !plan.Microbatch || !pauses {
		return silent, err
	}
	err = poll(ctx, func() (bool, error) {
		m, err := c.coordination(ctx, b, plan.Name)
		return err == nil && m.Between, err
	})
	switch {
	case errors.Is(err, ErrNoOwner):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("the microbatch under way is not over: %w", err)
	}
	return nil, nil
}

// tell has the first so many tasks go by a setting, and returns those that do not say that they do.
func (c *Client) tell(ctx context.Context, b *bound, tasks int, setting *wire.SettingRequest) (silent []task.ID, err error) {
	ctx, cancel := context.WithTimeout(ctx, unheardAfter)
	defer cancel()
	errs := make([]error, tasks)
	var group sync.WaitGroup
	for i := range tasks { // all at once: those that are silent should not keep the others from being told
		group.Go(func() { _, errs[i] = c.ask(ctx, b, &wire.Request{Module: b.name, Task: task.ID(i), Setting: setting}) })
	}
	group.Wait()
	for i, one := range errs {
		if one != nil && !errors.Is(one, ErrNoOwner) { // whoever takes it first goes by it
			silent = append(silent, task.ID(i))
			err = cmp.Or(err, one)
		}
	}
	return silent, err
}
