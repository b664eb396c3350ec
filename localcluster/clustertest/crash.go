package clustertest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
	"github.com/coppice-run/coppice/worker"
)

// Point is a moment in the life of an event at which a task can crash.
type Point = runtime.CrashPoint

// The points, in the order in which an event passes them.
const (
	// BeforeCommit: the event has run, and nothing of its batch is in the store.
	BeforeCommit = runtime.BeforeCommit
	// AfterCommit: its writes are in the store; its hops have not left, and whoever
	// appended the record is not told.
	AfterCommit = runtime.AfterCommit
	// BeforeAcks: its hops to other tasks have left and will run; that it has ended
	// itself, its tree's root never hears.
	BeforeAcks = runtime.BeforeAcks
)

// Crash is an owner's end that was asked for.
type Crash struct {
	k        *Kit
	point    Point
	handlers []module.HandlerName
	tasks    tasks

	// Of the kit's lock.
	event   runtime.EventInfo // that it befalls
	claimed bool              // by event
	fired   bool              // the owner has ended
	over    bool              // and the task has another one
}

// CrashAt ends the owner of a task when the next event of a handler comes to a point,
// once: on the first of the named tasks where that happens, or of all. It is like a
// kill -9 of a worker that has this task alone: the owner's memory is gone, with its
// connection, its queue and its trees; what had left before is on its way. Another owner
// begins at once, and records that were under way run again from their roots.
//
// A handler that ends with an error is no event for it. h is as in Hold; of a call the
// event is that which takes its result.
func (k *Kit) CrashAt(point Point, h module.Handles, on ...task.ID) *Crash {
	k.t.Helper()
	if point < BeforeCommit || point > BeforeAcks {
		k.t.Fatalf("there is no crash point %d: use BeforeCommit, AfterCommit or BeforeAcks", point)
	}
	c := &Crash{k: k, point: point, handlers: k.handlers(h), tasks: k.some(on)}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.crashes = append(k.crashes, c)
	for o := range k.owners {
		c.send(o)
	}
	return c
}

// Crash ends the owner of a task, whatever it is at, and returns when the task has
// another one.
func (k *Kit) Crash(id task.ID) {
	k.t.Helper()
	c := &Crash{k: k, point: runtime.AtOnce, tasks: k.some([]task.ID{id}), claimed: true, event: runtime.EventInfo{TaskInfo: runtime.TaskInfo{Module: k.plan.Module, Task: id}}}
	k.mu.Lock()
	k.crashes = append(k.crashes, c)
	k.send(c.tasks, &runtime.CrashAt{})
	k.mu.Unlock()
	c.Await()
}

// send tells an owner of the crash. k is locked.
func (c *Crash) send(o *worker.Owner) {
	if c.tasks.has(o.Task) && !c.claimed {
		o.Send(&runtime.CrashAt{Point: c.point, When: c.when})
	}
}

// when picks the event, in the task's own goroutine.
func (c *Crash) when(i runtime.EventInfo) bool {
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	name := i.Step
	if i.Root {
		name, _, _ = strings.Cut(name, ".") // what a lane of a topic has behind its source's name
	}
	if c.claimed || !slices.Contains(c.handlers, module.HandlerName{Topology: i.Topology, Name: name, Source: i.Root}) {
		return false
	}
	c.claimed, c.event = true, i
	return true
}

// arrivedMost bounds how long the next owner waits for what the one before has sent: a
// receiver may be in a handler that blocks.
const arrivedMost = time.Second

// arrived waits until what a crashed owner has sent is where it goes. A receiver that
// has never heard of the owner looks at the task's head first, and would refuse what has
// left a former one (R16).
func (k *Kit) arrived(o *worker.Owner, last *runtime.Status) {
	ctx, cancel := context.WithTimeout(context.Background(), arrivedMost)
	defer cancel()
	k.until(ctx, func() bool {
		for other, mine := range k.owners {
			if other.Task == o.Task || !mine.status.Running || last.Sent[other.Task] == 0 {
				continue
			}
			if h := mine.status.Heard[o.Task]; h.Token != last.Head.Token || h.Number != last.Sent[other.Task] {
				return false
			}
		}
		return true
	})
}

// crashed notes that an owner has ended. k is locked.
func (k *Kit) crashed(o *worker.Owner) {
	for _, c := range k.crashes {
		if c.claimed && !c.fired && c.event.Task == o.Task {
			c.fired = true
			return
		}
	}
}

// took notes that a task has an owner that runs.
func (k *Kit) took(i runtime.TookInfo) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.crashes = slices.DeleteFunc(k.crashes, func(c *Crash) bool {
		if c.fired && c.event.Task == i.Task {
			c.over = true
		}
		return c.over
	})
	k.change()
}

// dropped notes that an owner has given up what it had in memory: an event that was to
// crash it is gone without that.
func (k *Kit) dropped(i runtime.DroppedInfo) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.batches, i.TaskInfo)
	for _, c := range k.crashes {
		if c.claimed && !c.fired && c.event.Task == i.Task && c.point != runtime.AtOnce {
			c.claimed = false
		}
	}
}

// Await waits until the owner has ended and the task has another one, which runs.
func (c *Crash) Await() {
	c.k.t.Helper()
	c.k.wait(c.String(), func() bool { return c.over })
}

// Event is the event that the crash befell; zero before that.
func (c *Crash) Event() runtime.EventInfo {
	c.k.mu.Lock()
	defer c.k.mu.Unlock()
	if !c.fired {
		return runtime.EventInfo{}
	}
	return c.event
}

func (c *Crash) String() string {
	if c.point == runtime.AtOnce {
		return fmt.Sprintf("a new owner of %v behind the crash", c.tasks)
	}
	return fmt.Sprintf("a crash of %v %v of %v, and the task's new owner", c.tasks, c.point, c.handlers[0])
}
