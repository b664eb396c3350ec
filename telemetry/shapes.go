package telemetry

import (
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/coppice-run/coppice/runtime"
)

// Spans of one handler on one task differ in little: what they have in common is made once.
// A sampled record comes once in a thousand, so that each thing that is made for it is made
// from memory that the processor has forgotten, and weighs several times what it does in a loop.

// eventKind tells the handlers of a task apart.
type eventKind struct {
	topology, step, source, depot string
	root                          bool
}

// eventShape is what the spans of a handler have in common.
type eventShape struct {
	name, hop string
	about     []attribute.KeyValue
	kind      trace.SpanKind
	hopAbout  []attribute.KeyValue
}

// Those of the semantic conventions for messages that are the same of each record.
var processing = []attribute.KeyValue{
	attribute.String("messaging.system", "kafka"), attribute.String("messaging.operation.name", "process"), attribute.String("messaging.operation.type", "process"),
}

// shape is that of an event's spans.
func (t *taskSpans) shape(i *runtime.EventInfo) *eventShape {
	key := eventKind{i.Topology, i.Step, i.Source, i.Depot, i.Root}
	shape := t.shapes[key]
	if shape == nil {
		shape = newShape(i)
		t.shapes[key] = shape
	}
	return shape
}

func newShape(i *runtime.EventInfo) *eventShape {
	shape := &eventShape{name: EventSpan + " " + i.Step, hop: HopSpan + " " + i.Step, kind: trace.SpanKindInternal}
	shape.hopAbout = []attribute.KeyValue{Module.String(i.Module), Task.Int(int(i.Task)), Step.String(i.Step)}
	about := []attribute.KeyValue{Module.String(i.Module), Task.Int(int(i.Task)), Topology.String(i.Topology), Source.String(i.Source)}
	if i.Root {
		shape.name, shape.kind = ProcessSpan+" "+i.Module+"."+i.Depot, trace.SpanKindConsumer
		about = append(about, processing...)
	} else {
		about = append(about, Step.String(i.Step))
	}
	if i.Depot != "" {
		about = append(about, destination(i.Module, i.Depot))
	}
	shape.about = about
	return shape
}

// own adds what an event has alone.
func own(about []attribute.KeyValue, i *runtime.EventInfo) []attribute.KeyValue {
	about = append(about, Attempt.Int(i.Attempt))
	if i.Microbatch != 0 {
		about = append(about, Microbatch.Int64(int64(i.Microbatch)))
	}
	if i.Depot != "" {
		about = append(about, partition(i.RootTask), offset(i.Offset))
	}
	return about
}

// did adds what a handler did. What it did not do is left out.
func did(about []attribute.KeyValue, i *runtime.EventInfo) []attribute.KeyValue {
	a := &i.Accesses
	for _, one := range [...]struct {
		key attribute.Key
		n   int
	}{{Hops, i.Children}, {PointReads, a.PointReads}, {RangeScans, a.RangeScans}, {Elements, a.Elements}, {Writes, a.Writes}} {
		if one.n != 0 {
			about = append(about, one.key.Int(one.n))
		}
	}
	return about
}
