package overview

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// slowTown is a town that takes its time: the registration for describing, a worker that says
// nothing for everything that it is asked.
type slowTown struct {
	*town
	describe time.Duration
	silent   bool // the worker of task 1
	looks    atomic.Int64
}

func (c *slowTown) Describe(ctx context.Context, name string) (client.Description, error) {
	c.looks.Add(1)
	select {
	case <-time.After(c.describe):
		return c.town.Describe(ctx, name)
	case <-ctx.Done():
		return client.Description{}, ctx.Err()
	}
}

// wait is what one question to all workers costs: a silent one has all the time that there is.
func (c *slowTown) wait(ctx context.Context) {
	if c.silent {
		<-ctx.Done()
	}
}

func (c *slowTown) TaskStatus(ctx context.Context, name string, id task.ID) (runtime.Status, error) {
	if id == 1 && c.silent {
		c.wait(ctx)
		return runtime.Status{}, ctx.Err()
	}
	return c.town.TaskStatus(ctx, name, id)
}

func (c *slowTown) Latencies(ctx context.Context, name string) (map[string]eventtree.Latency, error) {
	c.wait(ctx)
	return c.town.Latencies(ctx, name)
}

func (c *slowTown) Stuck(ctx context.Context, name string, d time.Duration) ([]eventtree.Handler, error) {
	c.wait(ctx)
	return c.town.Stuck(ctx, name, d)
}

func (c *slowTown) Trees(ctx context.Context, name string, f client.TreeFilter) ([]eventtree.Tree, error) {
	c.wait(ctx)
	return c.town.Trees(ctx, name, f)
}

func (c *slowTown) Tree(ctx context.Context, name, depot string, p task.ID, offset int64) ([]eventtree.Tree, error) {
	c.wait(ctx)
	return c.town.Tree(ctx, name, depot, p, offset)
}

func newSlow(describe time.Duration, silent bool) (*slowTown, *Overview) {
	c := &slowTown{town: &town{end: 100, epoch: "e1"}, describe: describe, silent: silent}
	return c, New(Config{Cluster: c})
}

// ask has so many ask at the same time, and says how long the last one waited.
func ask(t *testing.T, o *Overview, callers int) time.Duration {
	t.Helper()
	began := time.Now()
	var wait sync.WaitGroup
	for range callers {
		wait.Go(func() {
			if m, err := o.Module(t.Context(), "m"); err != nil || m == nil {
				t.Errorf("%v, %v", m, err)
			}
		})
	}
	wait.Wait()
	return time.Since(began)
}

// Who asks while a look is under way waits for that one and has what it saw, also where a look
// takes longer than the period; its age counts from its end.
func TestALookIsShared(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, o := newSlow(1200*time.Millisecond, false)
		if took := ask(t, o, 6); took != 1200*time.Millisecond || c.looks.Load() != 1 {
			t.Errorf("six who asked at once waited %v for %d looks", took, c.looks.Load())
		}
		time.Sleep(900 * time.Millisecond)
		if took := ask(t, o, 6); took != 0 || c.looks.Load() != 1 {
			t.Errorf("0.9 s after its end: %v, %d looks", took, c.looks.Load())
		}
		time.Sleep(400 * time.Millisecond)
		if took := ask(t, o, 6); took != 1200*time.Millisecond || c.looks.Load() != 2 {
			t.Errorf("1.3 s after its end: %v, %d looks", took, c.looks.Load())
		}
	})
}

// A worker that says nothing costs one deadline for all that it is asked, however many look.
func TestASilentWorkerCostsOneDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, o := newSlow(0, true)
		for i := range 8 { // after some, its topology stands, and its oldest record is asked for
			if took := ask(t, o, 5); took > o.config.LookTimeout || c.looks.Load() != int64(i+1) {
				t.Errorf("look %d: five waited %v, %d looks", i, took, c.looks.Load())
			}
			time.Sleep(3 * time.Second)
		}
		m, err := o.Module(t.Context(), "m")
		if err != nil || m.Topologies[0].StandsSince.IsZero() || m.Tasks[1].State != TaskSilent || m.Tasks[2].State != TaskRuns {
			t.Errorf("%+v, %v", m, err)
		}
	})
}

// What servers take is not of the workers' time.
func TestSlowServersLeaveTheWorkersTheirTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, o := newSlow(4*time.Second, true)
		if took := ask(t, o, 1); took <= 5*time.Second || took > 6*time.Second {
			t.Errorf("it took %v, want the servers' 4 s, and what the workers have left of 2 s", took)
		}
		if n := c.looks.Load(); n != 1 {
			t.Errorf("%d looks", n)
		}
	})
}

// Who waits for a look waits no longer than he wants to; the others go on, and a look for which
// nobody waits ends, and is nobody's.
func TestAWaitEndsWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, o := newSlow(4*time.Second, false)
		var wait sync.WaitGroup
		for _, patience := range []time.Duration{time.Second, 2 * time.Second} {
			wait.Go(func() {
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				began := time.Now()
				if _, err := o.Module(ctx, "m"); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != patience {
					t.Errorf("after %v: %v", time.Since(began), err)
				}
			})
		}
		wait.Wait()
		if took := ask(t, o, 2); took != 4*time.Second || c.looks.Load() != 2 {
			t.Errorf("%v, %d looks: the one that nobody waited for goes on, or was shared", took, c.looks.Load())
		}
	})
}

// A look ends by itself where servers do not answer.
func TestALookEnds(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		_, o := newSlow(time.Hour, false)
		began := time.Now()
		if _, err := o.Module(t.Context(), "m"); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != o.config.ServerTimeout {
			t.Errorf("after %v: %v", time.Since(began), err)
		}
	})
}

// Who asks behind a change is not told what a look saw that had begun before it.
func TestAChangeDuringALook(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c, o := newSlow(time.Second, false)
		var wait sync.WaitGroup
		wait.Go(func() { ask(t, o, 1) })
		time.Sleep(500 * time.Millisecond)
		o.Forget("m")
		if took := ask(t, o, 3); took != 1500*time.Millisecond || c.looks.Load() != 2 {
			t.Errorf("%v, %d looks", took, c.looks.Load())
		}
		wait.Wait()
	})
}

// What stands beside a page's content may be some seconds old, and not from before a change.
func TestRecent(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	first := r.look(0)
	r.at = r.at.Add(4 * time.Second)
	if m, err := r.o.Recent(t.Context(), "m"); err != nil || m != first {
		t.Errorf("after 4 s: %v, %v", m, err)
	}
	r.o.Forget("m")
	if m, err := r.o.Recent(t.Context(), "m"); err != nil || m == first {
		t.Errorf("after a change: %v, %v", m, err)
	}
}

// Names that nobody has leave nothing.
func TestNamesThatNobodyHas(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.look(0)
	for i := range 100 {
		name := fmt.Sprint("x", i)
		r.o.Forget(name)
		if _, err := r.o.Module(t.Context(), name); !errors.Is(err, client.ErrNoModule) {
			t.Error(err)
		}
		if _, err := r.o.Graph(t.Context(), name); !errors.Is(err, client.ErrNoModule) {
			t.Error(err)
		}
	}
	if n := len(r.o.modules); n != 1 {
		t.Errorf("%d modules are kept, want 1", n)
	}
}
