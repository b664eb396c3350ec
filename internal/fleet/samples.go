package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/task"
)

// Pulse is what a handler returns of a record: who processed it, and when.
type Pulse struct {
	Worker  string
	Version int   // of the module, where there are several
	At      int64 // nanoseconds since 1970, of this machine
}

// Sample is one acknowledged append.
type Sample struct {
	Pulse
	Asked, Answered int64 // when its append began and ended, as in Pulse
}

// Samples are what appenders were told, by task. Safe for concurrent use.
type Samples struct {
	mu      sync.Mutex
	byTask  [][]Sample
	failed  error // what no append may return
	arrived chan struct{}
}

// NewSamples are those of so many tasks.
func NewSamples(tasks int) *Samples {
	return &Samples{byTask: make([][]Sample, tasks), arrived: make(chan struct{})}
}

// Add notes a sample.
func (s *Samples) Add(id task.ID, one Sample) {
	s.note(func() { s.byTask[id] = append(s.byTask[id], one) })
}

// Fail notes what no append may return; the first counts.
func (s *Samples) Fail(err error) { s.note(func() { s.failed = cmp.Or(s.failed, err) }) }

func (s *Samples) note(what func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	what()
	close(s.arrived)
	s.arrived = make(chan struct{})
}

// Failed is what an append returned that none may, or nil.
func (s *Samples) Failed() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.failed
}

// Forget forgets the samples so far.
func (s *Samples) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.byTask {
		s.byTask[i] = nil
	}
}

// Of returns the samples of a task in the order of processing.
func (s *Samples) Of(id task.ID) []Sample {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := slices.Clone(s.byTask[id])
	slices.SortFunc(out, func(x, y Sample) int { return cmp.Compare(x.At, y.At) })
	return out
}

// Tasks lists all tasks.
func (s *Samples) Tasks() []task.ID {
	ids := make([]task.ID, len(s.byTask))
	for i := range ids {
		ids[i] = task.ID(i)
	}
	return ids
}

// Await waits until each of some tasks has a sample that is as wanted.
func (s *Samples) Await(ctx context.Context, ids []task.ID, wanted func(Sample) bool) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, id := range ids {
		for at := 0; ; {
			s.mu.Lock()
			samples, arrived, failed := s.byTask[id], s.arrived, s.failed
			s.mu.Unlock()
			if failed != nil {
				return failed
			}
			for at < len(samples) && !wanted(samples[at]) {
				at++
			}
			if at < len(samples) {
				break
			}
			select {
			case <-arrived:
			case <-ctx.Done():
				return fmt.Errorf("waiting for task %d to go on: %w", id, ctx.Err())
			}
		}
	}
	return nil
}

// Beyond waits until every task has processed a record so much later than now.
func (s *Samples) Beyond(ctx context.Context, later time.Duration) error {
	until := time.Now().Add(later).UnixNano()
	return s.Await(ctx, s.Tasks(), func(one Sample) bool { return one.At >= until })
}

// Pauses are the times from the last record that one worker processed of a task to the first of
// the next one, since a time.
func Pauses(samples []Sample, since int64) (pauses []time.Duration) {
	for i := 1; i < len(samples); i++ {
		if samples[i].At > since && samples[i].Worker != samples[i-1].Worker {
			pauses = append(pauses, time.Duration(samples[i].At-samples[i-1].At))
		}
	}
	return pauses
}

// UntilDone asks again, as the errors of appends say, until a record is done.
func UntilDone(ctx context.Context, c *client.Client, first func() (module.Acks, error)) (module.Acks, error) {
	acks, err := first()
	for err != nil && ctx.Err() == nil {
		var unknown *client.UnknownError
		var failed *client.FailedError
		var throttled *client.ThrottledError
		switch {
		case errors.As(err, &unknown) && unknown.Place.Offset >= 0:
			acks, err = c.Await(ctx, unknown.Place)
		case errors.As(err, &failed) && failed.WillRetry:
			acks, err = c.Await(ctx, failed.Place)
		case errors.As(err, &throttled):
			acks, err = c.Await(ctx, throttled.Place)
		default:
			return acks, err
		}
	}
	return acks, err
}
