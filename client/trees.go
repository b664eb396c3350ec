package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/coppice-run/coppice/eventtree"
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

// Tree says where a record is: for each source that reads the depot, how far it is, which
// of its events wait for what, and how attempts ended. What is under way is looked up on
// all workers of the module; what is over, they have kept for a sample of the records, and
// for those that failed, were tried again, parked, or took long. While events move, what is said
// of two of them may be of two moments. Workers that do not answer are told of in
// eventtree.Tree.Missing, and are no error. Errors: ErrNoModule, ErrNoDepot, ErrNoPartition,
// ErrNoRecord.
func (c *Client) Tree(ctx context.Context, moduleName, depotName string, partition task.ID, offset int64) ([]eventtree.Tree, error) {
	b, d, err := c.depotOf(ctx, moduleName, depotName)
	if err != nil {
		return nil, err
	}
	if n := d.Partitions(b.tasks); partition < 0 || int(partition) >= n {
		return nil, fmt.Errorf("depot %s of module %s has no partition %d; it has 0 to %d: %w", depotName, moduleName, partition, n-1, ErrNoPartition)
	}
	if offset < 0 {
		return nil, fmt.Errorf("depot %s of module %s, partition %d: %w %d; no offset is negative", depotName, moduleName, partition, ErrNoRecord, offset)
	}
	q := eventtree.Query{Depot: depotName, Partition: partition, Offset: offset}
	var parts []eventtree.Part
	if !c.leftOut(ctx, b, partition) {
		owner, cancel := partsDeadline(ctx)
		parts, err = c.treeParts(owner, b, partition, &q)
		cancel()
	}
	if errors.Is(err, ErrNoOwner) {
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
	silent(b, &q, parts)
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

// silent has the trees of a record told of whose task nobody answers for: what others know of
// its events belongs to them.
func silent(b *bound, q *eventtree.Query, parts []eventtree.Part) {
	for i := range parts {
		p := &parts[i]
		if p.Error == "" || p.Task != q.Partition {
			continue
		}
		for _, t := range b.plan.Streams {
			for _, s := range t.Sources {
				if s.Depot.Name == q.Depot {
					p.Trees = append(p.Trees, eventtree.Tree{
						Record:   eventtree.Record{Module: b.name, Depot: q.Depot, Partition: q.Partition, Offset: q.Offset},
						Topology: t.Name, Source: s.Name, Task: q.Partition, Worker: p.Worker, State: eventtree.Silent,
						Waits: "its task, for which nobody answers: " + p.Error,
					})
				}
			}
		}
	}
}

// TreeList are trees, and whose are missing.
type TreeList struct {
	Trees   []eventtree.Tree
	Missing []eventtree.Missing
}

// Trees lists the trees of a module that are under way, the oldest first, without their
// events: Tree has those. Those of workers that do not answer are missing: ListTrees says whose.
func (c *Client) Trees(ctx context.Context, moduleName string, filter TreeFilter) ([]eventtree.Tree, error) {
	list, err := c.ListTrees(ctx, moduleName, filter)
	return list.Trees, err
}

// ListTrees is Trees with the workers that did not answer.
func (c *Client) ListTrees(ctx context.Context, moduleName string, filter TreeFilter) (TreeList, error) {
	b, err := c.named(ctx, moduleName)
	if err != nil {
		return TreeList{}, err
	}
	if filter.Limit <= 0 {
		filter.Limit = treeLimit
	}
	parts, err := c.allParts(ctx, b, &eventtree.Query{List: filter.Limit, Recent: filter.Recent, Depot: filter.Depot, Topology: filter.Topology})
	if err != nil {
		return TreeList{}, err
	}
	trees := eventtree.List(parts)
	now := time.Now()
	trees = slices.DeleteFunc(trees, func(t eventtree.Tree) bool {
		return filter.Depot != "" && t.Depot != filter.Depot || filter.Topology != "" && t.Topology != filter.Topology ||
			len(filter.States) > 0 && !slices.Contains(filter.States, t.State) ||
			filter.OlderThan > 0 && (t.Since.IsZero() || now.Sub(t.Since) < filter.OlderThan)
	})
	return TreeList{limited(trees, filter.Limit), eventtree.MissingOf(parts)}, nil
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
