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

// dependents lists the modules that mirror something of another one, by name, also where it
// returns a *module.RegistrationError: then others may.
func (c *Client) dependents(ctx context.Context, moduleName string) ([]*bound, error) {
	names, err := c.config.Log.Modules(ctx)
	if err != nil {
		return nil, fmt.Errorf("client: listing the modules: %w", err)
	}
	var all []*bound
	var unreadable *module.RegistrationError
	for _, name := range names {
		if name == moduleName {
			continue
		}
		b, err := c.registered(ctx, name)
		if errors.As(err, &unreadable) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if b != nil && slices.Contains(b.plan.MirrorsOf(), moduleName) {
			all = append(all, b)
		}
	}
	if unreadable != nil {
		return all, unreadable
	}
	return all, nil
}

// ErrRunning: a worker runs the module.
var ErrRunning = errors.New("a worker runs it")

// RemoveModule takes a module out of what is known: its name is not listed, clients do not
// find it, and nothing mirrors it any more. It has to be stopped before. Its data stay, in
// its topics coppice.MODULE.* and under its keys in the store: a module that is launched
// under its name goes on with them, as a new version of it. Errors: ErrNoModule; ErrRunning;
// *module.DependentsError, naming the modules that mirror it; *module.RegistrationError, of another
// module which may mirror it.
func (c *Client) RemoveModule(ctx context.Context, name string) error {
	b, err := c.bind(ctx, name, nil)
	if err != nil {
		return err
	}
	dependents, err := c.dependents(ctx, name)
	if err != nil {
		return err
	}
	e := &module.DependentsError{Module: name}
	for _, other := range dependents {
		e.Dependents = append(e.Dependents, module.Dependent{Module: other.name, Mistakes: other.plan.Lacks(name, nil)})
	}
	if len(e.Dependents) > 0 {
		return e
	}
	if address, err := c.answers(ctx, b); err != nil || address != "" {
		return errors.Join(err, fmt.Errorf("module %s: %w: %s; stop its workers first", name, ErrRunning, address))
	}
	meta, err := c.config.Log.Meta(ctx, name)
	if err != nil {
		return fmt.Errorf("module %s: %w", name, err)
	}
	// What is stored is still that of this version.
	if err := c.config.Log.PutMeta(ctx, name, module.RemovedKey, meta[module.RegistrationKey]); err != nil {
		return fmt.Errorf("module %s: %w", name, err)
	}
	if err := c.config.Log.PutMeta(ctx, name, module.RegistrationKey, nil); err != nil {
		return fmt.Errorf("module %s: %w", name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.modules, name)
	return nil
}

// answers finds a worker that answers for a task of the module; "": there is none.
func (c *Client) answers(ctx context.Context, b *bound) (string, error) {
	for id := range b.tasks {
		b.owned(task.ID(id), "") // as the head says now
		address, err := c.ownerOf(ctx, b, task.ID(id))
		if errors.Is(err, ErrNoOwner) {
			continue
		}
		if err != nil {
			return "", err
		}
		request := &wire.Request{Module: b.name, Task: task.ID(id), Status: true}
		raw, err := c.link.Call(ctx, address, wire.AppendRequest(nil, request))
		if err != nil {
			continue // nobody is there, or who is there does not have the module
		}
		if a, err := wire.ParseAnswer(raw); err == nil && !a.NotOwner {
			return address, nil
		}
	}
	return "", nil
}
