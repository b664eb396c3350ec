package telemetry

import "go.opentelemetry.io/otel/attribute"

// spanDoc is what the reference says of a span.
type spanDoc struct {
	Name       string // as it begins; what follows it is in angles
	Kind       string
	Parent     string
	Help       string
	Attributes []attribute.Key
}

// Keys of the semantic conventions that spans have.
var (
	ofMessage = []attribute.Key{"messaging.system", "messaging.operation.name", "messaging.operation.type", "messaging.destination.name", "messaging.destination.partition.id", "messaging.kafka.offset"}
	ofPlace   = []attribute.Key{"messaging.destination.name", "messaging.destination.partition.id", "messaging.kafka.offset"}
	ofHandler = []attribute.Key{Module, Task, Topology, Step, Source, Attempt, Microbatch}
	ofRoot    = join(ofMessage, Module, Task, Topology, Source, Attempt, Microbatch)
	ofEvent   = join(ofPlace, ofHandler...)
	ofWork    = []attribute.Key{Hops, PointReads, RangeScans, Elements, Writes, Left, Unsampled, "error.type"}
	ofRecord  = join(ofMessage, Module, Task, Topology, Source, Attempt, Microbatch, Tasks, Slow)
)

func join(some []attribute.Key, more ...attribute.Key) []attribute.Key {
	return append(append([]attribute.Key(nil), some...), more...)
}

// spanDocs are all spans, in the order of the reference.
var spanDocs = []spanDoc{
	{AppendSpan + " <module>.<depot>", "producer", "the caller's", "An append of a client, until its answer.", join(ofMessage[:4], "error.type")},
	{ProcessSpan + " <module>.<depot>", "consumer", AppendSpan, "The root event: the handler of the source, on the task of the record. Its step is the source.", join(ofRoot, ofWork...)},
	{HopSpan + " <step>", "internal", ProcessSpan + " or " + EventSpan, "A hop: from the begin of the event that sent the other one off to the begin of that one. In it are the commit of the first, the way, and the wait in the queue. What record it is of its parent says.", []attribute.Key{Module, Task, Step, FromTask}},
	{EventSpan + " <step>", "internal", HopSpan, "An event: the handler of a step.", join(ofEvent, ofWork...)},
	{ExecSpan, "client", ProcessSpan + " or " + EventSpan, "The commit that made the event visible, from sending it until it was confirmed: EXEC, and above level applied WAIT or WAITAOF, which go out in the same write; db.operation.name says which. Where the client library's span of the pipeline is there, below the batch, its event `" + ExecAnswered + "` says when EXEC was answered and the wait for the level began. It is linked to the span of its batch, which names the commit.", []attribute.Key{"db.system.name", "db.operation.name", BatchSize, Level, "error.type"}},
	{BatchSpan, "internal", "none: a trace of its own", "The batch of an event with spans, from the begin of the first of these until its commit is confirmed; linked to the spans of all of them, up to 10,000. `telemetry/export` has the SDK keep as many; another provider has to be told (`sdktrace.WithRawSpanLimits`), unless 128 do.", []attribute.Key{Module, Task, Head, Events, Fields, Level, "error.type"}},
	{FailedSpan, "internal", AppendSpan, "An attempt that failed, as long as its tree was open, with the error. " + string(Pause) + " is the pause before the next attempt.", join(ofRecord, Pause, "error.type")},
	{RetrySpan, "internal", AppendSpan, "The pause between an attempt that failed and the next one; of a microbatch that failed it belongs to the record that did.", ofRoot},
	{TreeSpan, "internal", AppendSpan, "A record that ended well, as long as its tree was open. There is none of a record that hopped nowhere, ended at the first attempt with its commit and was not slow: its process and EXEC spans are all of it.", ofRecord},
	{ParkedSpan, "internal", AppendSpan, "A record that was put aside, with the reason.", join(ofRecord, "error.type")},
	{DroppedSpan, "internal", AppendSpan, "A record that a source without retries gave up, with the reason.", join(ofRecord, "error.type")},
}

// keyHelp says what our own attributes are.
var keyHelp = []struct {
	Key  attribute.Key
	Help string
}{
	{Module, "The module's name."},
	{Task, "The task that the span or figure is about."},
	{FromTask, "The task that a hop came from."},
	{Topology, "The topology's name."},
	{Step, "The step's name, or of a root event the source's."},
	{Source, "The source that has the record."},
	{Depot, "The source's depot."},
	{Ending, "How records ended: done, rejected, parked or dropped."},
	{Attempt, "The number of the attempt, from 1 on."},
	{Microbatch, "The id of the microbatch."},
	{Hops, "Events that the handler sent off; left out where it is 0."},
	{PointReads, "Elements of PStates that it read; left out where it is 0."},
	{RangeScans, "Ranges of PStates that it read; left out where it is 0."},
	{Elements, "Elements that it saw in them; left out where it is 0."},
	{Writes, "Elements that it wrote; left out where it is 0."},
	{Left, "The handler was left before its end, for the task gave up its connection; it runs again."},
	{Unsampled, "Nobody had asked for the span before the event failed: it has no length, and lies right below the record's."},
	{Head, "The commit: the owner's token and the commit's number, as the head key of the task has them."},
	{Events, "Events of the batch."},
	{Fields, "Fields that its commit writes."},
	{Level, "The durability level that the commit waits for."},
	{Slow, "The record took longer than what counts as slow."},
	{Tasks, "The tasks that the attempt's events went to; with more than 64 tasks there may be others among them."},
	{Pause, "The pause before the next attempt, in seconds."},
}
