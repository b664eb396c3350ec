package telemetry

import (
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// SpanConfig says what spans are made of.
type SpanConfig struct {
	// Provider makes the spans. Required.
	Provider trace.TracerProvider
	// Every is of how many records that carry no trace context one has spans; default 0: none.
	// Records that carry one are sampled by whoever appended them.
	Every int
	// Slow is how long a record takes, with its tree if it has one, that always has a span. Default
	// 1 s; negative: none has.
	Slow time.Duration
}

// slowDefault is what counts as slow.
const slowDefault = time.Second

// Listener is Spans with the defaults.
func Listener(provider trace.TracerProvider) *runtime.Listener {
	return Spans(SpanConfig{Provider: provider})
}

// Spans returns a listener that makes spans of what tasks do. It may be shared by all tasks
// of a program.
func Spans(config SpanConfig) *runtime.Listener { return NewSpans(config).Listener() }

// NewSpans returns what makes the spans.
func NewSpans(config SpanConfig) *SpanMaker {
	if config.Slow == 0 {
		config.Slow = slowDefault
	}
	return &SpanMaker{config: config, tracer: config.Provider.Tracer(Scope), tasks: byTask[taskSpans]{}}
}

// Listener returns what hears of all tasks of a program.
func (s *SpanMaker) Listener() *runtime.Listener {
	config := &s.config
	return &runtime.Listener{
		Every: max(config.Every, 0), Slow: max(config.Slow, 0),
		EventBegin: s.eventBegin, EventKept: s.eventKept,
		BatchSent: s.batchSent, BatchCommitted: s.batchCommitted, Dropped: s.dropped,
		TreeOver: s.treeOver, RecordFailed: s.recordFailed, RecordRetried: s.recordRetried, RecordParked: s.recordParked, RecordDropped: s.recordDropped,
	}
}

// SpanMaker makes spans of what tasks do.
type SpanMaker struct {
	config SpanConfig
	tracer trace.Tracer
	mu     sync.Mutex
	tasks  byTask[taskSpans]
}

// taskSpans are the spans that are open on one task, and what they need to know. Events run
// one after another, and one commit is under way at a time.
type taskSpans struct {
	event    trace.Span
	seed     uint64
	own      []attribute.KeyValue // that the span of the event has at its end, beside what it did
	gathered time.Time            // when the first event of the open batch with spans began
	begun    []begunSpan          // of events with spans, since the last commit went out
	sent     *sentBatch
	shapes   map[eventKind]*eventShape
	about    []attribute.KeyValue   // of the span at hand: spans copy theirs
	links    []trace.Link           // and these
	retries  map[retryKey]time.Time // when an attempt failed whose record is tried again
}

// begunSpan is the span of an event whose commit is to come, found by the trace that it gave.
type begunSpan struct {
	trace  *wire.Trace
	span   trace.SpanContext
	chosen bool
}

// begunMax bounds how many are remembered. The span of another is read from its trace.
const begunMax = 1000

// sentBatch is a batch whose commit is under way.
type sentBatch struct {
	sent   time.Time
	events []trace.SpanContext // the span of each
	fields int
	level  store.Level
	span   trace.Span
	chosen bool // all of its records are
}

type retryKey struct {
	topology, source string
	offset           int64
}

// retriesMax bounds the failed attempts of a task whose next ones are waited for.
const retriesMax = 1000

func (s *SpanMaker) task(i runtime.TaskInfo) *taskSpans {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tasks.of(i)
	if t.shapes == nil {
		t.shapes, t.retries = map[eventKind]*eventShape{}, map[retryKey]time.Time{}
	}
	return t
}

// parent is the span that a record's next one belongs below; false: it is to have none.
func (s *SpanMaker) parent(i *runtime.EventInfo) (trace.SpanContext, bool) {
	switch {
	case i.Trace.Sampled():
		return spanOf(i.Trace), true
	case i.Attempt > 1 && i.Microbatch == 0 || i.Err != nil:
		return forced(recordOf(i), i.Trace), true
	case i.Trace == nil && i.Root && runtime.Sampled(i.RootTask, i.Offset, s.config.Every):
		return forced(recordOf(i), nil), true
	}
	return trace.SpanContext{}, false
}

// chosen reports whether nobody asked for the spans of a record, nor did it fail: it is the one
// of so many.
func chosen(i *runtime.EventInfo, parent trace.SpanContext) bool {
	if i.Root {
		return i.Trace == nil && i.Attempt == 1
	}
	return i.Attempt == 1 && parent.TraceID() == forced(recordOf(i), nil).TraceID()
}

func (s *SpanMaker) eventBegin(i runtime.EventInfo) *wire.Trace {
	t := s.task(i.TaskInfo)
	t.leave()
	parent, wanted := s.parent(&i)
	if !wanted {
		return i.Trace
	}
	now := time.Now()
	if t.gathered.IsZero() {
		t.gathered = now
	}
	if i.Attempt > 1 {
		s.retried(t, &i, parent, now)
	}
	shape := t.shape(&i)
	above := parent
	if !i.Root {
		above = s.hop(shape, parent, now)
	}
	about, chosen := shape.about, chosen(&i, parent)
	t.own = t.own[:0]
	if chosen { // its parent is sampled, which is what samplers go by: all attributes are set at once, in the end
		about, t.own = nil, append(t.own, shape.about...)
	}
	t.event = Begin(s.tracer, Beginning{Parent: above, Name: shape.name, Kind: shape.kind, At: now, Attributes: about})
	t.seed, t.own = i.Seed, own(t.own, &i)
	span := t.event.SpanContext()
	out := departing(span, parent, now, i.Task)
	if out.Sampled() && len(t.begun) < begunMax {
		t.begun = append(t.begun, begunSpan{out, span, chosen})
	}
	return out
}

// hop makes the span of the way to an event, if it is known where that began.
func (s *SpanMaker) hop(shape *eventShape, parent trace.SpanContext, now time.Time) trace.SpanContext {
	at, from, ok := departure(parent)
	if !ok {
		return parent
	}
	span := Begin(s.tracer, Beginning{Parent: parent, Name: shape.hop, At: at, Attributes: shape.hopAbout})
	span.SetAttributes(FromTask.Int(from))
	span.End(trace.WithTimestamp(now))
	return span.SpanContext()
}

// retried makes the span of the pause before an attempt.
func (s *SpanMaker) retried(t *taskSpans, i *runtime.EventInfo, parent trace.SpanContext, now time.Time) {
	key := retryKey{i.Topology, i.Source, i.Offset}
	if failed, ok := t.retries[key]; ok {
		delete(t.retries, key)
		span := Begin(s.tracer, Beginning{Parent: parent, Name: RetrySpan, At: failed, Attributes: own(slices.Clone(t.shape(i).about), i)})
		span.End(trace.WithTimestamp(now))
	}
}

// leave ends the span of a handler that was left.
func (t *taskSpans) leave() {
	if t.event != nil {
		t.event.SetAttributes(append(t.own, Left.Bool(true))...)
		t.event.End()
		t.event = nil
	}
}

func (s *SpanMaker) eventKept(i runtime.EventInfo) {
	t := s.task(i.TaskInfo)
	span, begun := t.event, t.event != nil && t.seed == i.Seed
	if !begun {
		if i.Err == nil {
			return
		}
		t.leave() // of an event that was left, whose attributes are in t.own
		// Nobody knew that it would fail: it has its span now, below that of the record.
		parent, _ := s.parent(&i)
		shape := t.shape(&i)
		span = Begin(s.tracer, Beginning{Parent: parent, Name: shape.name, Kind: shape.kind, Attributes: shape.about})
		t.own = own(append(t.own[:0], Unsampled.Bool(true)), &i)
	}
	t.own = did(t.own, &i)
	span.SetAttributes(t.own...)
	fail(span, i.Err)
	span.End()
	if begun { // spans are not compared: those that record nothing cannot be
		t.event = nil
	}
}

func recordOf(i *runtime.EventInfo) recordName {
	return recordName{i.Module, i.Depot, i.RootTask, i.Offset}
}

// recordName names a record.
type recordName struct {
	module, depot string
	partition     task.ID
	offset        int64
}
