package telemetry

import (
	"context"
	"errors"
	"sync"
	"testing"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
)

// A provider may give spans that record nothing, of a type that cannot be compared: events begin,
// are kept, fail and are left with them as with others.
func TestSpansThatRecordNothing(t *testing.T) {
	t.Parallel()
	l := Listener(noop.NewTracerProvider())
	again := runtime.EventInfo{Topology: "words", Source: "sentences", Root: true, Attempt: 2, Seed: 1}
	failed := again
	failed.Err = errors.New("no")
	for _, kept := range []runtime.EventInfo{again, failed} {
		l.EventBegin(again)
		l.EventKept(kept)
	}
	l.EventBegin(again) // and is left
	other := again
	other.Seed = 2
	l.EventBegin(other)
	l.EventKept(other)
	failed.Seed = 3
	l.EventKept(failed) // nobody knew of it
}

// While a task is handed over, two workers of one program run it and speak to one listener at
// the same time: what one drops is not the other's.
func TestTwoWorkersRunOneTask(t *testing.T) {
	t.Parallel()
	failures := &failures{}
	l := Listener(failures)
	owner := runtime.TaskInfo{Module: "words", Task: 3, Address: "owner:1"}
	nominee := runtime.TaskInfo{Module: "words", Task: 3, Address: "nominee:1"}
	sampled := []runtime.Followed{{Trace: &wire.Trace{Parent: "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"}}}
	l.BatchSent(runtime.BatchInfo{TaskInfo: owner, Followed: sampled})
	var group sync.WaitGroup
	group.Go(func() { l.Dropped(runtime.DroppedInfo{TaskInfo: nominee, Cause: errors.New("taken by another")}) })
	group.Go(func() { l.BatchCommitted(runtime.BatchInfo{TaskInfo: owner, Followed: sampled}) })
	group.Wait()
	if failures.spans != 2 || len(failures.told) > 0 {
		t.Errorf("%d spans, of which failed %v, want those of the batch and its transaction, and none", failures.spans, failures.told)
	}
}

// A record whose event was alone has no span of its tree, unless that says more than the event's.
func TestARecordOfOneEventHasNoTree(t *testing.T) {
	t.Parallel()
	trace := &wire.Trace{Parent: "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01"}
	for _, c := range []struct {
		over runtime.RecordInfo
		want int
	}{
		{runtime.RecordInfo{Attempt: 1, Trace: trace}, 1},
		{runtime.RecordInfo{Attempt: 1, Trace: trace, Alone: true}, 0},
		{runtime.RecordInfo{Attempt: 2, Trace: trace, Alone: true}, 1},
		{runtime.RecordInfo{Attempt: 1, Alone: true, Took: slowDefault}, 1},
	} {
		ended := &failures{}
		if Listener(ended).TreeOver(c.over); ended.spans != c.want {
			t.Errorf("of %+v there are %d spans, want %d", c.over, ended.spans, c.want)
		}
	}
}

// failures makes spans that record nothing, and counts those that ended, and how.
type failures struct {
	noop.TracerProvider
	mu    sync.Mutex
	spans int
	told  []string
}

func (f *failures) Tracer(string, ...trace.TracerOption) trace.Tracer { return &failureTracer{of: f} }

type failureTracer struct {
	noop.Tracer
	of *failures
}

func (t *failureTracer) Start(ctx context.Context, name string, _ ...trace.SpanStartOption) (context.Context, trace.Span) {
	return ctx, &failureSpan{of: t.of}
}

type failureSpan struct {
	noop.Span
	of *failures
}

func (s *failureSpan) SetStatus(code codes.Code, text string) {
	if code == codes.Error {
		s.of.mu.Lock()
		defer s.of.mu.Unlock()
		s.of.told = append(s.of.told, text)
	}
}

func (s *failureSpan) End(...trace.SpanEndOption) {
	s.of.mu.Lock()
	defer s.of.mu.Unlock()
	s.of.spans++
}
