package client

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// Bounds of a question to all workers about trees: of one worker, and of all of them. Who asks
// with less time than that gets what there is while some of it is left.
const (
	workerTimeout = 2 * time.Second
	partsTimeout  = 5 * time.Second
)

// partsDeadline leaves of the time that the caller has a quarter, to make something of what the
// others said.
func partsDeadline(ctx context.Context) (context.Context, context.CancelFunc) {
	most := partsTimeout
	if end, ok := ctx.Deadline(); ok {
		most = min(most, time.Until(end)*3/4)
	}
	return context.WithTimeout(ctx, most)
}

// asked gathers what the workers of a module say.
type asked struct {
	c *Client
	b *bound
	q *eventtree.Query

	mu    sync.Mutex
	all   []eventtree.Part
	kept  map[string]bool  // workers whose own part is there
	known []bool           // by task: there is a part of it, or nobody has one
	gone  map[string]error // workers that do not answer
	moved map[string]bool  // workers of which a task had moved to one that does not answer
}

// allParts asks every worker of the module, side by side, each once. A task for which nobody
// answers has a part that says so: it is no error, and what the others say counts.
func (c *Client) allParts(ctx context.Context, b *bound, q *eventtree.Query) ([]eventtree.Part, error) {
	a := &asked{c: c, b: b, q: q, kept: map[string]bool{}, known: make([]bool, b.tasks), gone: goneOf(ctx), moved: map[string]bool{}}
	within, cancel := partsDeadline(ctx)
	defer cancel()
	// Where tasks have moved a worker says nothing of them, and they are asked for anew.
	for round := a.round(within); len(round) > 0; round = a.round(within) {
		_ = sideBySide(len(round), func(i int) error { // what fails is noted
			a.ask(within, round[i])
			return nil
		})
	}
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	// Whoever answered first: the same answers make the same list.
	slices.SortStableFunc(a.all, func(x, y eventtree.Part) int { return int(x.Task) - int(y.Task) })
	return a.all, nil
}

// question is that to one worker, by one of its tasks.
type question struct {
	id      task.ID
	address string
}

// round is a question for each worker that owns tasks of which nothing is known yet.
func (a *asked) round(ctx context.Context) (round []question) {
	addresses, errs := make([]string, a.b.tasks), make([]error, a.b.tasks)
	_ = sideBySide(a.b.tasks, func(i int) error { // errs has them
		if !a.known[i] {
			addresses[i], errs[i] = a.c.ownerOf(ctx, a.b, task.ID(i))
		}
		return nil
	})
	taken := map[string]bool{}
	for i, address := range addresses {
		if a.known[i] {
			continue
		}
		err := errs[i]
		if err == nil {
			err = a.gone[address]
		}
		switch {
		case err != nil:
			a.missing(task.ID(i), address, err)
		case !taken[address]:
			taken[address] = true
			round = append(round, question{task.ID(i), address})
		}
	}
	return round
}

func (a *asked) missing(id task.ID, address string, why error) {
	a.known[id] = true
	a.all = append(a.all, eventtree.Part{Task: id, Worker: address, Silent: true, Error: why.Error()})
}

func (a *asked) ask(ctx context.Context, to question) {
	parts, err := a.c.treeParts(ctx, a.b, to.id, a.q)
	owner := to.address
	if err != nil {
		if now, lost := a.c.ownerOf(ctx, a.b, to.id); lost == nil {
			owner = now
		}
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err != nil {
		a.failed(to, owner, err)
		return
	}
	a.take(parts)
	a.known[to.id] = true // a worker that is about to lose it says nothing of it
}

// failed notes a question without an answer. Where its task turned out to be another worker's, it
// is that one which is silent, and the first is asked once more, by a task that is still its own
// as the heads have it: others may have moved along.
func (a *asked) failed(to question, owner string, why error) {
	a.missing(to.id, owner, why)
	if owner == to.address || a.moved[to.address] {
		a.gone[to.address] = why
		return
	}
	a.moved[to.address] = true
	for id, known := range a.known {
		if !known && a.b.knownOwner(task.ID(id)) == to.address {
			a.b.owned(task.ID(id), "")
		}
	}
}

// take takes what a worker said: of tasks that move two may have something to say, and the
// first one counts.
func (a *asked) take(parts []eventtree.Part) {
	for _, p := range parts {
		switch {
		case p.Kept && !a.kept[p.Worker]:
			a.kept[p.Worker] = true
			a.all = append(a.all, p)
		case !p.Kept && p.Task >= 0 && int(p.Task) < len(a.known) && !a.known[p.Task]:
			a.known[p.Task] = true
			a.all = append(a.all, p)
		}
	}
}

// treeParts asks the worker that owns a task.
func (c *Client) treeParts(ctx context.Context, b *bound, id task.ID, q *eventtree.Query) ([]eventtree.Part, error) {
	raw, err := json.Marshal(q)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, workerTimeout)
	defer cancel()
	answer, err := c.ask(ctx, b, &wire.Request{Module: b.name, Task: id, Trees: raw})
	if err != nil {
		return nil, fmt.Errorf("module %s, task %d: %w", b.name, id, err)
	}
	var parts []eventtree.Part
	if err := json.Unmarshal([]byte(answer.Text), &parts); err != nil {
		return nil, fmt.Errorf("module %s, task %d: what its worker says of event trees does not parse: %w", b.name, id, err)
	}
	return parts, nil
}
