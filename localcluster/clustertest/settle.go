package clustertest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// Settle waits until the module is at rest: every record that is in its depots is
// processed or put aside, nothing is under way on any task, and all of it is in the
// store. It waits for progress: for records that fail and are tried again, too, and
// for tasks that change their owner.
//
// While a hold stands there may be no such moment, and Settle fails: release it first,
// or wait for what is to happen before, with Hold.Await or an append that waits.
func (k *Kit) Settle() {
	k.t.Helper()
	k.mu.Lock()
	holds := len(k.holds)
	k.mu.Unlock()
	if holds > 0 {
		k.t.Fatalf("Settle while %d holds stand: what waits there never comes to rest; release them first", holds)
	}
	for before := (ends)(nil); ; {
		now := k.ends()
		if now.same(before) {
			return // nothing was appended meanwhile
		}
		before = now
		k.wait("the module to come to rest", func() bool { return k.atRest(now) })
	}
}

// ends are the ends of depots, by depot and partition.
type ends map[string][]int64

func (e ends) same(other ends) bool {
	if other == nil {
		return false
	}
	for name, partitions := range e {
		for i, end := range partitions {
			if other[name][i] != end {
				return false
			}
		}
	}
	return true
}

// ends asks where the module's depots end.
func (k *Kit) ends() ends {
	k.t.Helper()
	all := ends{}
	for _, d := range k.plan.Depots {
		if d.PeriodMillis > 0 {
			continue // ticks come by the clock
		}
		for p := range d.Partitions(k.tasks) {
			_, end, err := k.cluster.Log().Bounds(k.t.Context(), depot.TopicName(k.plan.Module, d.Name), int32(p))
			if err != nil {
				k.t.Fatalf("where depot %s ends: %v", d.Name, err)
			}
			all[d.Name] = append(all[d.Name], end)
		}
	}
	k.topicEnds(all)
	return all
}

// topicEnds adds those of the topics of others that the module reads, by lane and task.
func (k *Kit) topicEnds(all ends) {
	k.t.Helper()
	partitions := map[string]int{}
	for _, name := range k.plan.ReadTopics() {
		topic, err := k.cluster.Log().Lookup(k.t.Context(), name)
		if err != nil {
			k.t.Fatalf("topic %s: %v", name, err)
		}
		partitions[name] = topic.Partitions
	}
	spread, err := k.plan.Spread(k.tasks, partitions)
	if err != nil {
		k.t.Fatalf("%v", err)
	}
	for _, s := range spread.Streams {
		for _, source := range s.Sources {
			if d := source.Depot; d.Topic != "" && all[d.Name] == nil {
				all[d.Name] = k.laneEnds(d)
			}
		}
	}
}

func (k *Kit) laneEnds(d *module.DepotPlan) []int64 {
	k.t.Helper()
	ends := make([]int64, k.tasks)
	for id := range ends {
		partition, reads := d.Partition(task.ID(id), k.tasks)
		if !reads {
			continue
		}
		var err error
		if _, ends[id], err = k.cluster.Log().Bounds(k.t.Context(), d.Topic, partition); err != nil {
			k.t.Fatalf("where topic %s ends: %v", d.Topic, err)
		}
	}
	return ends
}

// atRest reports whether all tasks are, with everything below the ends done. k is
// locked.
func (k *Kit) atRest(below ends) bool {
	owned := make([]bool, k.tasks)
	for o, mine := range k.owners {
		if !mine.known || !mine.status.AtRest() {
			return false
		}
		for _, s := range mine.status.Sources {
			if ends := below[s.Depot]; ends != nil && s.Next < ends[o.Task] {
				return false
			}
		}
		owned[o.Task] = true
	}
	for _, yes := range owned {
		if !yes {
			return false
		}
	}
	return true
}

// wait waits until something holds, asked with k locked; the test fails if that takes
// longer than its patience, or if a task has halted.
func (k *Kit) wait(what string, holds func() bool) {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), k.patience)
	defer cancel()
	var halted error
	begun := time.Now()
	ok := k.until(ctx, func() bool {
		halted = k.halted()
		return halted != nil || holds()
	})
	switch {
	case halted != nil:
		k.t.Fatalf("waited for %s: %v", what, halted)
	case !ok:
		k.t.Fatalf("waited %v for %s, which did not come:\n%s", time.Since(begun).Round(time.Millisecond), what, k.describe())
	}
}

// AwaitStatus waits until the status of the tasks, by task, satisfies a condition, which
// what words for the message of a test that fails.
func (k *Kit) AwaitStatus(what string, holds func([]runtime.Status) bool) {
	k.t.Helper()
	k.wait(what, func() bool { return holds(k.status()) })
}

// until waits until something holds, asked with k locked; false if ctx ends before.
func (k *Kit) until(ctx context.Context, holds func() bool) bool {
	for {
		k.mu.Lock()
		ok, changed := holds(), k.changed
		k.mu.Unlock()
		if ok {
			return true
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

func (k *Kit) halted() error {
	for o, mine := range k.owners {
		if mine.status.Halted != nil {
			return fmt.Errorf("task %d has halted: %w", o.Task, mine.status.Halted)
		}
	}
	return nil
}

// Status is where each task stands that runs now, by task: how much waits in its queue
// and at holds, how many records are under way, how far its sources are. It is as of
// the last step of each.
func (k *Kit) Status() []runtime.Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.status()
}

// status is Status with k locked.
func (k *Kit) status() []runtime.Status {
	all := make([]runtime.Status, k.tasks)
	for i := range all {
		all[i].TaskInfo = runtime.TaskInfo{Module: k.plan.Module, Task: task.ID(i)}
	}
	for o, mine := range k.owners {
		if mine.known && (mine.status.Running || !all[o.Task].Running) {
			all[o.Task] = mine.status
		}
	}
	return all
}

// describe words the status for a test that fails.
func (k *Kit) describe() string {
	var out strings.Builder
	for _, s := range k.Status() {
		fmt.Fprintf(&out, "  %v\n", &s)
	}
	return out.String()
}
