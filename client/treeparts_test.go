package client

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/transport"
)

// holes is a network of which only worker-0 answers: what goes to the others is lost, as
// packets to a machine that is cut off are.
type holes struct {
	transport.Link
	tasks, workers int
	calls          atomic.Int64
}

func (l *holes) owner(id int) string { return fmt.Sprintf("worker-%d", id%l.workers) }

func (l *holes) Call(ctx context.Context, to string, _ []byte) ([]byte, error) {
	l.calls.Add(1)
	if to != "worker-0" {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	record := eventtree.Record{Module: "m", Depot: "d", Partition: 0, Offset: 7}
	parts := []eventtree.Part{{Task: task.None, Worker: to, Kept: true, Drawn: []eventtree.Drawn{{Topology: "t", Each: make([][2]int64, 30)}}}}
	for i := range l.tasks {
		if l.owner(i) == to {
			parts = append(parts, eventtree.Part{Task: task.ID(i), Worker: to, Trees: []eventtree.Tree{{Record: record, Topology: "t", Source: "s", State: eventtree.Open, ID: 1, Complete: true}}})
		}
		record.Offset++
	}
	raw, err := json.Marshal(parts)
	return wire.AppendAnswer(nil, &wire.Answer{Text: string(raw)}), err
}

// cutOff is a client that knows the owners of a module of 64 tasks on 16 workers.
func cutOff() (*Client, *holes) {
	l := &holes{tasks: 64, workers: 16}
	d := &module.DepotPlan{Name: "d"}
	b := &bound{name: "m", tasks: l.tasks, owners: make([]string, l.tasks), plan: &module.Plan{
		Module: "m", Depots: []*module.DepotPlan{d}, Streams: []*module.StreamPlan{{Name: "t", Sources: []*module.SourcePlan{{Name: "s", Depot: d}}}},
	}}
	for i := range b.owners {
		b.owners[i] = l.owner(i)
	}
	c := &Client{link: l, modules: map[string]*bound{"m": b}}
	c.open, c.close = context.WithCancel(context.Background())
	return c, l
}

// Workers that do not answer cost the time of one of them: what the others know is told, with
// whose is missing. Each is asked once.
func TestTreesOfWorkersThatDoNotAnswerAreMissing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, l := cutOff()
		defer c.close()
		began := time.Now()
		list, err := c.ListTrees(t.Context(), "m", TreeFilter{})
		if err != nil || len(list.Trees) != 4 {
			t.Fatalf("%d trees, %v; want those of the 4 tasks whose worker answers", len(list.Trees), err)
		}
		if took := time.Since(began); took > workerTimeout {
			t.Errorf("it took %v, want the time of one worker, %v", took, workerTimeout)
		}
		if calls := l.calls.Load(); calls != 16 {
			t.Errorf("%d calls to 16 workers", calls)
		}
		missing := 0
		for _, m := range list.Missing {
			missing += len(m.Tasks)
			if len(m.Tasks) != 4 || m.Worker != l.owner(int(m.Tasks[0])) || m.Error == "" {
				t.Errorf("missing: %v", m)
			}
		}
		if len(list.Missing) != 15 || missing != 60 {
			t.Errorf("%d tasks of %d workers are missing, want 60 of 15", missing, len(list.Missing))
		}
		if l, err := c.Latencies(t.Context(), "m"); err != nil || l["t"].Count != 30 {
			t.Errorf("of the worker that answers: %+v, %v", l, err)
		}
	})
}

// Workers that the caller knows to be gone are not waited for, and their tasks are missing as
// others are.
func TestTreesWithoutWorkersThatAreKnownToBeGone(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, l := cutOff()
		defer c.close()
		gone := map[string]string{}
		for i := 1; i < l.workers; i++ {
			gone[l.owner(i)] = "nobody listens there"
		}
		began, ctx := time.Now(), Without(t.Context(), gone)
		list, err := c.ListTrees(ctx, "m", TreeFilter{})
		if err != nil || len(list.Trees) != 4 || len(list.Missing) != 15 || list.Missing[0].Error != "nobody listens there" {
			t.Errorf("%d trees, %v are missing, %v", len(list.Trees), list.Missing, err)
		}
		if _, err := c.Tree(ctx, "m", "d", 1, 7); err != nil {
			t.Error(err)
		}
		if took, calls := time.Since(began), l.calls.Load(); took != 0 || calls != 2 {
			t.Errorf("it took %v and %d calls, want none of those that are gone", took, calls)
		}
	})
}

// Who has little time gets what there is before it is over, and who goes away nothing.
func TestTreesAreToldInTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := cutOff()
		defer c.close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if trees, err := c.Trees(ctx, "m", TreeFilter{}); err != nil || len(trees) != 4 || ctx.Err() != nil {
			t.Errorf("within a second: %d trees, %v", len(trees), err)
		}
		cancel()
		if _, err := c.Trees(ctx, "m", TreeFilter{}); err == nil {
			t.Error("no error for who has gone")
		}
	})
}

// A record whose own task nobody answers for has a tree that says so.
func TestTreeOfATaskThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, _ := cutOff()
		defer c.close()
		for partition, want := range map[task.ID]eventtree.State{0: eventtree.Open, 5: eventtree.Silent} {
			parts, err := c.allParts(t.Context(), c.modules["m"], &eventtree.Query{Depot: "d", Partition: partition, Offset: 7})
			if err != nil {
				t.Fatal(err)
			}
			silent(c.modules["m"], &eventtree.Query{Depot: "d", Partition: partition, Offset: 7}, parts)
			trees := eventtree.Merge(slices.DeleteFunc(parts, func(p eventtree.Part) bool { return p.Error == "" && p.Task != 0 || partition != 0 && p.Task == 0 }))
			if len(trees) != 1 || trees[0].State != want || len(trees[0].Missing) != 15 || trees[0].Complete || want == eventtree.Silent && trees[0].Waits == "" {
				t.Errorf("partition %d: %+v", partition, trees)
			}
		}
	})
}

// moved is a network whose worker-0 has lost task 0 to worker-1, which does not answer.
type moved struct{ *holes }

func (l moved) Call(ctx context.Context, to string, raw []byte) ([]byte, error) {
	if q, err := wire.ParseRequest(raw); err != nil {
		return nil, err
	} else if to == "worker-0" && q.Task == 0 {
		return wire.AppendAnswer(nil, &wire.Answer{NotOwner: true, Address: "worker-1"}), nil
	}
	return l.holes.Call(ctx, to, raw)
}

// ownersOf is a store that knows the owners of all tasks.
type ownersOf struct {
	store.Store
	owner func(id int) string
}

func (h ownersOf) Read(_ context.Context, slot store.Slot, _ []store.Read) (task.Head, error) {
	id, err := strconv.Atoi(slot.Tag)
	return task.Head{Address: h.owner(id)}, err
}

// A worker whose task has moved to one that does not answer is not taken for silent itself.
func TestTreesOfAWorkerThatLostATaskToASilentOne(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, l := cutOff()
		defer c.close()
		c.link, c.config.Store = moved{l}, ownersOf{owner: l.owner}
		b := c.modules["m"]
		for id := range b.tasks {
			b.slots = append(b.slots, store.Slot{Tag: strconv.Itoa(id)})
		}
		list, err := c.ListTrees(t.Context(), "m", TreeFilter{})
		if err != nil || len(list.Trees) != 3 {
			t.Fatalf("%d trees, %v; want those of the 3 tasks whose worker answers", len(list.Trees), err)
		}
		for _, m := range list.Missing {
			if m.Worker == "worker-0" {
				t.Errorf("missing: %v", m)
			}
		}
	})
}
