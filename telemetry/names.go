package telemetry

import "go.opentelemetry.io/otel/attribute"

// Names of spans; those of AppendSpan and ProcessSpan are followed by the depot's, of
// EventSpan and HopSpan by the step's.
const (
	AppendSpan  = "append"
	ProcessSpan = "process"
	EventSpan   = "event"
	HopSpan     = "hop"
	ExecSpan    = "EXEC"
	BatchSpan   = "batch"
	RetrySpan   = "retry"
	TreeSpan    = "tree"
	FailedSpan  = "failed"
	ParkedSpan  = "parked"
	DroppedSpan = "dropped"
)

// ExecAnswered is an event of the client library's span of a commit that waits for a level.
const ExecAnswered = "EXEC answered"

// Attributes of our own. The others are those of OpenTelemetry's semantic conventions.
const (
	Module     = attribute.Key("coppice.module")
	Task       = attribute.Key("coppice.task")
	FromTask   = attribute.Key("coppice.from_task")
	Topology   = attribute.Key("coppice.topology")
	Step       = attribute.Key("coppice.step")
	Source     = attribute.Key("coppice.source")
	Depot      = attribute.Key("coppice.depot")
	Attempt    = attribute.Key("coppice.attempt")
	Microbatch = attribute.Key("coppice.microbatch")
	Hops       = attribute.Key("coppice.hops")
	PointReads = attribute.Key("coppice.point_reads")
	RangeScans = attribute.Key("coppice.range_scans")
	Elements   = attribute.Key("coppice.elements")
	Writes     = attribute.Key("coppice.writes")
	Left       = attribute.Key("coppice.left")
	Unsampled  = attribute.Key("coppice.unsampled")
	Head       = attribute.Key("coppice.head")
	Events     = attribute.Key("coppice.events")
	Fields     = attribute.Key("coppice.fields")
	Level      = attribute.Key("coppice.durability")
	BatchSize  = attribute.Key("db.operation.batch.size")
	Slow       = attribute.Key("coppice.slow")
	Tasks      = attribute.Key("coppice.tasks")
	Pause      = attribute.Key("coppice.pause_seconds")
	Ending     = attribute.Key("coppice.ending")
)
