package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/coppice-run/coppice/internal/faultproxy"
	"github.com/coppice-run/coppice/internal/stack"
)

// RigActor carries faults out on a rig. Worker i of a plan, from 0, is the
// program of the rig that Worker names, and comes to Redis by door i.
type RigActor struct {
	// Rig has a door for each worker.
	Rig *stack.Rig
	// Worker names worker i. Needed if workers are to be killed or paused.
	Worker func(i int) string
	// Started, if set, is called when worker i was started again, and returns when it is of use.
	Started func(ctx context.Context, i int) error
	// Timeline, if set, is told what promotions have lost.
	Timeline *Timeline
	// Synced says that the servers write to the disk before they answer (appendfsync always): then
	// a power failure is a SIGKILL, and nothing that was answered is lost by RedisTail.
	Synced bool

	mu      sync.Mutex // guards what follows
	mending map[int]mend
	turned  map[int]bool // promotions whose replica is master
	tails   map[int]stack.Tail
}

// mend undoes what a fault has done.
type mend func(ctx context.Context) error

// Do implements [Actor].
func (a *RigActor) Do(ctx context.Context, fault Fault, step Step) error {
	switch step {
	case Begin:
		undo, err := a.begin(ctx, fault)
		a.mu.Lock()
		defer a.mu.Unlock()
		if a.mending == nil {
			a.mending = map[int]mend{}
		}
		a.mending[fault.Number] = undo
		return err
	case Turn:
		return a.turn(ctx, fault)
	case Mend:
		a.mu.Lock()
		undo := a.mending[fault.Number]
		delete(a.mending, fault.Number)
		a.mu.Unlock()
		if undo == nil {
			return nil
		}
		return undo(ctx)
	}
	return fmt.Errorf("chaos: unknown step %q", step)
}

// begin breaks something; the mending is of use also when that failed halfway.
func (a *RigActor) begin(ctx context.Context, fault Fault) (mend, error) {
	switch fault.Kind {
	case WorkerKill, WorkerPause:
		return a.beginWorker(ctx, fault)
	case RedisCut:
		return cut(a.doors(fault.Target), fault), nil
	case KafkaCut:
		return cut([]*faultproxy.Proxy{a.Rig.Kafka()}, fault), nil
	case RedisStall:
		return stall(a.doors(fault.Target), fault), nil
	case KafkaStall:
		return stall([]*faultproxy.Proxy{a.Rig.Kafka()}, fault), nil
	case RedisRestart, RedisKill:
		start, err := a.endServer(ctx, a.Rig.Master().Name, fault.Kind == RedisKill)
		return func(ctx context.Context) error {
			if err := start(ctx); err != nil {
				return err
			}
			return a.Rig.Synced(ctx)
		}, err
	case KafkaRestart, KafkaKill:
		return a.endServer(ctx, stack.KafkaName, fault.Kind == KafkaKill)
	case RedisTail:
		return a.beginTail(fault)
	case RedisPromote:
		a.Rig.Isolate()
		return func(ctx context.Context) error { return a.endPromotion(ctx, fault) }, nil
	case RedisFull:
		return a.Rig.FillMemory(ctx)
	}
	return nil, fmt.Errorf("chaos: a rig has no fault %q", fault.Kind)
}

func (a *RigActor) beginWorker(ctx context.Context, fault Fault) (mend, error) {
	if a.Worker == nil {
		return nil, errors.New("chaos: RigActor.Worker is not set: it names the programs to break")
	}
	name := a.Worker(fault.Target)
	if fault.Kind == WorkerPause {
		return func(context.Context) error { return a.Rig.Resume(name) }, a.Rig.Pause(name)
	}
	start, err := a.endServer(ctx, name, true)
	return func(ctx context.Context) error {
		if err := start(ctx); err != nil || a.Started == nil {
			return err
		}
		return a.Started(ctx, fault.Target)
	}, err
}

// endServer ends a process. Its mending ends it once more, lest it was still at it, and starts it.
func (a *RigActor) endServer(ctx context.Context, name string, kill bool) (mend, error) {
	end := a.Rig.Stop
	if kill {
		end = a.Rig.Kill
	}
	return func(ctx context.Context) error {
		if err := end(ctx, name); err != nil {
			return err
		}
		return a.Rig.Start(ctx, name)
	}, end(ctx, name)
}

// beginTail marks where the tail begins that the master loses.
func (a *RigActor) beginTail(fault Fault) (mend, error) {
	tail, err := a.Rig.MarkTail()
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.tails == nil {
		a.tails = map[int]stack.Tail{}
	}
	a.tails[fault.Number] = tail
	name := a.Rig.Master().Name
	return func(ctx context.Context) error {
		if err := a.Rig.Start(ctx, name); err != nil {
			return err
		}
		return a.Rig.Synced(ctx)
	}, nil
}

// loseTail kills the master and cuts its file.
func (a *RigActor) loseTail(ctx context.Context, fault Fault) error {
	a.mu.Lock()
	tail := a.tails[fault.Number]
	a.mu.Unlock()
	if a.Synced {
		return a.Rig.Kill(ctx, a.Rig.Master().Name)
	}
	lost, err := a.Rig.LoseTail(ctx, tail)
	if err == nil {
		a.Timeline.Note("fault %d: %s has lost %d bytes", fault.Number, a.Rig.Master().Name, lost)
	}
	return err
}

// turn makes the isolated replica master and cuts the connections that are to notice, or
// has a master lose its tail.
func (a *RigActor) turn(ctx context.Context, fault Fault) error {
	if fault.Kind == RedisTail {
		return a.loseTail(ctx, fault)
	}
	if err := a.Rig.Promote(ctx); err != nil {
		return err
	}
	a.mu.Lock()
	if a.turned == nil {
		a.turned = map[int]bool{}
	}
	a.turned[fault.Number] = true
	a.mu.Unlock()
	for _, door := range a.doors(fault.Target) {
		door.Cut(faultproxy.Reset)
	}
	return nil
}

func (a *RigActor) endPromotion(ctx context.Context, fault Fault) error {
	a.mu.Lock()
	turned := a.turned[fault.Number]
	a.mu.Unlock()
	if !turned {
		return a.Rig.Rejoin(ctx)
	}
	lost, err := a.Rig.Demote(ctx)
	if err == nil {
		a.Timeline.Note("fault %d: the promotion of %s has lost %d bytes", fault.Number, a.Rig.Master().Name, lost)
	}
	return err
}

// doors are the ways to Redis of a worker, or all.
func (a *RigActor) doors(target int) []*faultproxy.Proxy {
	doors := a.Rig.Doors()
	if target == Everyone {
		return doors
	}
	return doors[target : target+1]
}

// cut ends connections at once, or lets them run into their end until the fault is mended.
func cut(proxies []*faultproxy.Proxy, fault Fault) mend {
	var releases []func()
	for _, proxy := range proxies {
		if fault.Bytes == 0 {
			proxy.Cut(fault.Ending)
			continue
		}
		_, release := proxy.CutAfter(fault.Direction, fault.Bytes, fault.Ending)
		releases = append(releases, release)
	}
	return releaseAll(releases)
}

func stall(proxies []*faultproxy.Proxy, fault Fault) mend {
	var releases []func()
	for _, proxy := range proxies {
		releases = append(releases, proxy.Stall(fault.Direction))
	}
	return releaseAll(releases)
}

func releaseAll(releases []func()) mend {
	return func(context.Context) error {
		for _, release := range releases {
			release()
		}
		return nil
	}
}
