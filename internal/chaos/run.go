package chaos

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Actor does what a plan says.
type Actor interface {
	// Do carries out one step and returns when it has: Begin when the fault is
	// there, Mend when all works again. Each fault that was begun is mended,
	// also when Begin or Turn failed or Turn was left out because the run is
	// cancelled. Steps of different faults come at the same time.
	Do(ctx context.Context, fault Fault, step Step) error
}

const (
	// lateMax is how long a fault waits for others that take longer than planned, before it is skipped.
	lateMax = 15 * time.Second
	// mendTimeout bounds a mending: a broker on a busy machine takes a while.
	mendTimeout = 2 * time.Minute
)

// StepError says that an actor could not do what the plan says.
type StepError struct {
	Fault Fault
	Step  Step
	Cause error
}

func (e *StepError) Error() string {
	return fmt.Sprintf("chaos: fault %d (%s of %s): %s: %v", e.Fault.Number, e.Fault.Kind, e.Fault.Victim(), e.Step, e.Cause)
}

func (e *StepError) Unwrap() error { return e.Cause }

// Run carries a plan out and records it. It returns at the end of the plan's
// duration, or later when something is not mended by then. A fault whose victim
// is still busy with an earlier one waits, and is skipped after 15 s.
//
// When a step fails, or ctx ends, no further fault begins, and those under way
// are mended at once; for this each has two minutes. Errors: *[StepError], as
// many as steps failed, joined; the cause of ctx; the timeline's.
func Run(ctx context.Context, plan Plan, actor Actor, timeline *Timeline) error {
	inner, cancel := context.WithCancel(ctx)
	defer cancel()
	r := &run{
		plan: plan, actor: actor, timeline: timeline, start: time.Now(),
		ctx: inner, cancel: cancel, changed: make(chan struct{}),
	}
	timeline.Note("plan: seed %d, %v, %d workers, %d faults", plan.Seed, plan.Duration, plan.Workers, len(plan.Faults))
	var group sync.WaitGroup
	group.Go(r.fill)
	for _, fault := range plan.Faults {
		if !r.sleepUntil(fault.At) {
			break
		}
		group.Go(func() { r.carryOut(fault) })
	}
	r.sleepUntil(plan.Duration)
	group.Wait()
	timeline.Note("end: %d faults begun, %d skipped", r.begun, r.skipped)
	return errors.Join(append(r.problems, context.Cause(ctx), timeline.Err())...)
}

// run is one Run at work.
type run struct {
	plan     Plan
	actor    Actor
	timeline *Timeline
	start    time.Time
	ctx      context.Context // ends when no further fault is to begin
	cancel   context.CancelFunc

	mu             sync.Mutex // guards what follows
	underWay       []Fault
	changed        chan struct{} // closed, and replaced, when a fault is mended
	last           time.Time     // when a fault began
	fillers        int           // that have begun
	problems       []error
	begun, skipped int
}

// carryOut leads one fault from its beginning to its mending.
func (r *run) carryOut(fault Fault) {
	if r.enter(fault) {
		r.lead(fault)
	}
}

// lead leads a fault that has been let in.
func (r *run) lead(fault Fault) {
	defer r.leave(fault)
	r.do(r.ctx, fault, Begin)
	for _, stage := range fault.stages() {
		timer := time.NewTimer(stage.after)
		select {
		case <-timer.C:
		case <-r.ctx.Done():
			timer.Stop()
		}
		if stage.step == Mend {
			break
		}
		if r.ctx.Err() == nil {
			r.do(r.ctx, fault, stage.step)
		}
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.ctx), mendTimeout)
	defer cancel()
	r.do(ctx, fault, Mend)
}

// enter waits until a fault may begin beside those under way, and says false if it is not to begin.
func (r *run) enter(fault Fault) bool {
	last := min(fault.At+lateMax, r.plan.Duration)
	for {
		r.mu.Lock()
		if r.ctx.Err() != nil {
			r.mu.Unlock()
			return false
		}
		if together(r.underWay, fault, r.plan.Workers) {
			r.begin(fault)
			r.mu.Unlock()
			return true
		}
		changed := r.changed
		r.mu.Unlock()
		timer := time.NewTimer(time.Until(r.start.Add(last)))
		select {
		case <-changed:
			timer.Stop()
		case <-r.ctx.Done():
			timer.Stop()
		case <-timer.C:
			r.skip(fault)
			return false
		}
	}
}

// begin notes that a fault begins; locked.
func (r *run) begin(fault Fault) {
	r.underWay = append(r.underWay, fault)
	r.begun++
	r.last = time.Now()
}

func (r *run) skip(fault Fault) {
	r.mu.Lock()
	r.skipped++
	r.mu.Unlock()
	r.record(fault, Entry{Event: Skipped, Step: Begin, Detail: "its victim was busy with other faults"})
}

// leave lets faults begin that have waited for this one.
func (r *run) leave(fault Fault) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.underWay {
		if r.underWay[i].Number == fault.Number {
			r.underWay = append(r.underWay[:i], r.underWay[i+1:]...)
			break
		}
	}
	close(r.changed)
	r.changed = make(chan struct{})
}

// do has the actor do one step, and stops the run if it fails.
func (r *run) do(ctx context.Context, fault Fault, step Step) {
	entry := Entry{Event: Started, Step: step}
	if step == Begin {
		entry.Detail = fault.Detail()
		entry.LateMillis = (time.Since(r.start) - fault.At).Milliseconds()
	}
	r.record(fault, entry)
	err := r.actor.Do(ctx, fault, step)
	if err == nil {
		r.record(fault, Entry{Event: Done, Step: step})
		return
	}
	r.record(fault, Entry{Event: Failed, Step: step, Error: err.Error()})
	if r.ctx.Err() != nil && step != Mend {
		return // it failed because it was told to end
	}
	r.mu.Lock()
	r.problems = append(r.problems, &StepError{Fault: fault, Step: step, Cause: err})
	r.mu.Unlock()
	r.cancel()
}

func (r *run) record(fault Fault, entry Entry) {
	entry.Fault, entry.Kind, entry.Victim = fault.Number, fault.Kind, fault.Victim()
	r.timeline.record(entry)
}

// sleepUntil waits for a time of the plan, and says false if the run ends before.
func (r *run) sleepUntil(at time.Duration) bool {
	timer := time.NewTimer(time.Until(r.start.Add(at)))
	defer timer.Stop()
	select {
	case <-timer.C:
		return r.ctx.Err() == nil
	case <-r.ctx.Done():
		return false
	}
}
