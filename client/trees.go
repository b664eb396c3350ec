package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// TreeFilter says which trees are listed.
type TreeFilter struct {
	// Depot and Topology, if set, are those of the trees.
	Depot, Topology string
	// States, if any, are those that count.
	States []eventtree.State
	// Recent has those listed, too, that are over, as far as the workers have kept them.
	Recent bool
	// OlderThan leaves out trees that have been under way for less.
	OlderThan time.Duration
	// Limit bounds how many there are, and how many each task is asked for. With Recent, half
	// of them is for those that are over, if there are so many. Default 100.
	Limit int
}

// treeLimit is the default of TreeFilter.Limit.
const treeLimit = 100

// ErrNoRecord: the partition does not hold a record of that offset yet.
var ErrNoRecord = errors.New("there is no record")

// workerTimeout bounds how long a worker has for an answer about trees.
const workerTimeout = 2 * time.Second

// Tree says where a record is: for each source that reads the depot, how far it is, which
// of its events wait for what, and how attempts ended. What is under way is looked up on
// all workers of the module; what is over, they have kept for a sample of the records, and
// for those that failed, were tried again, parked, or took long. Workers are asked one
// after another: while events move, what is said of two of them may be of two moments.
// Errors: ErrNoModule, ErrNoDepot, ErrNoPartition, ErrNoRecord.
func (c *Client) Tree(ctx context.Context, moduleName, depotName string, partition task.ID, offset int64) ([]eventtree.Tree, error) {
	b, d, err := c.depotOf(ctx, moduleName, depotName)
	if err != nil {
		return nil, err
	}
	if n := d.Partitions(b.tasks); partition < 0 || int(partition) >= n {
		return nil, fmt.Errorf("depot %s of module %s has no partition %d; it has 0 to %d: %w", depotName, moduleName, partition, n-1, ErrNoPartition)
	}
	if offset < 0 {
		return nil, fmt.Errorf("offset %d: no record has a negative one", offset)
	}
	q := eventtree.Query{Depot: depotName, Partition: partition, Offset: offset}
	parts, err := c.treeParts(ctx, b, partition, &q)
	if err != nil {
		return nil, err
	}
	for _, p := range parts {
		for _, t := range p.Trees {
			if t.ID != 0 && !t.State.Over() && !slices.Contains(q.Trees, t.ID) {
				q.Trees = append(q.Trees, t.ID)
			}
		}
	}
	if parts, err = c.allParts(ctx, b, &q); err != nil {
		return nil, err
	}
	trees := eventtree.Merge(parts)
	unseen := []eventtree.State{eventtree.Unread, eventtree.Starting, eventtree.Silent}
	if !slices.ContainsFunc(trees, func(t eventtree.Tree) bool { return !slices.Contains(unseen, t.State) }) {
		// No task says that it has seen it: maybe nobody has appended it. If that cannot be asked,
		// it is what they say.
		if info, err := c.PartitionInfo(ctx, moduleName, depotName, int(partition)); err == nil && offset >= info.End {
			return nil, fmt.Errorf("depot %s of module %s, partition %d: %w %d; the next one gets offset %d", depotName, moduleName, partition, ErrNoRecord, offset, info.End)
		}
	}
	return trees, nil
}

// Trees lists the trees of a module that are under way, the oldest first, without their
// events: Tree has those.
func (c *Client) Trees(ctx context.Context, moduleName string, filter TreeFilter) ([]eventtree.Tree, error) {
	b, err := c.named(ctx, moduleName)
	if err != nil {
		return nil, err
	}
	if filter.Limit <= 0 {
		filter.Limit = treeLimit
	}
	parts, err := c.allParts(ctx, b, &eventtree.Query{List: filter.Limit, Recent: filter.Recent, Depot: filter.Depot, Topology: filter.Topology})
	if err != nil {
		return nil, err
	}
	trees := eventtree.List(parts)
	now := time.Now()
	trees = slices.DeleteFunc(trees, func(t eventtree.Tree) bool {
		return filter.Depot != "" && t.Depot != filter.Depot || filter.Topology != "" && t.Topology != filter.Topology ||
			len(filter.States) > 0 && !slices.Contains(filter.States, t.State) ||
			filter.OlderThan > 0 && (t.Since.IsZero() || now.Sub(t.Since) < filter.OlderThan)
	})
	return limited(trees, filter.Limit), nil
}

// limited leaves so many trees: of those under way, which come first, and of those that are
// over, neither keeping the others out.
func limited(trees []eventtree.Tree, most int) []eventtree.Tree {
	if len(trees) <= most {
		return trees
	}
	live := slices.IndexFunc(trees, func(t eventtree.Tree) bool { return t.State.Over() })
	if live < 0 {
		return trees[:most]
	}
	over := min(len(trees)-live, max(most/2, most-live))
	return slices.Concat(trees[:most-over], trees[live:live+over])
}

// Stuck lists the handlers of a module that hold up their tasks now: those that run for so
// long already. A task whose handler does not return answers nobody, and runs nothing else.
func (c *Client) Stuck(ctx context.Context, moduleName string, longerThan time.Duration) ([]eventtree.Handler, error) {
	b, err := c.named(ctx, moduleName)
	if err != nil {
		return nil, err
	}
	parts, err := c.allParts(ctx, b, &eventtree.Query{List: 1})
	if err != nil {
		return nil, err
	}
	var all []eventtree.Handler
	for _, p := range parts {
		if p.Handler != nil && time.Since(p.Handler.Since) >= longerThan {
			all = append(all, *p.Handler)
		}
	}
	return all, nil
}

// allParts asks every worker of the module, each once. A task for which nobody answers is
// told of, and no error.
func (c *Client) allParts(ctx context.Context, b *bound, q *eventtree.Query) ([]eventtree.Part, error) {
	var all []eventtree.Part
	known := make([]bool, b.tasks)
	gone := map[string]error{} // workers that do not answer
	for i := range b.tasks {
		id := task.ID(i)
		if known[id] {
			continue
		}
		address, err := c.ownerOf(ctx, b, id)
		if err == nil {
			if err = gone[address]; err == nil {
				var parts []eventtree.Part
				if parts, err = c.treeParts(ctx, b, id, q); err == nil {
					for _, p := range parts {
						if p.Kept {
							all = append(all, p)
							continue
						}
						if int(p.Task) < len(known) && !known[p.Task] {
							known[p.Task] = true
							all = append(all, p)
						}
					}
				} else {
					gone[address] = err
				}
			}
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			all = append(all, eventtree.Part{Task: id, Worker: address, Silent: true, Error: err.Error()})
			known[id] = true
		}
	}
	return all, nil
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
