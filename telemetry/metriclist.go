package telemetry

import (
	"go.opentelemetry.io/otel/attribute"

	"github.com/coppice-run/coppice/runtime"
)

// kind is what an instrument is.
type kind uint8

const (
	counter kind = iota
	gauge
	times
	sizes
)

func (k kind) String() string { return [...]string{"counter", "gauge", "histogram", "histogram"}[k] }

// metricDoc is a metric: what it is made with, and what the reference says.
type metricDoc struct {
	Name, Unit, Help string
	kind             kind
	Attributes       []attribute.Key
	count            func(*runtime.Counts) uint64
	status           func(*runtime.Status) float64
}

// Names that are spoken of elsewhere.
const (
	records        = "coppice.records"
	taskSilent     = "coppice.task.silent"
	handlerStuck   = "coppice.handler.running"
	sourceWaiting  = "coppice.source.waiting"
	sourceRetries  = "coppice.source.retrying"
	sourceStored   = "coppice.source.checkpointed_offset"
	sourceEnd      = "coppice.source.end_offset"
	sourceLag      = "coppice.source.lag"
	inFlight       = "coppice.records.in_flight"
	inFlightLimit  = "coppice.records.limit"
	commitDuration = "coppice.commit.duration"
	batchDuration  = "coppice.batch.duration"
	batchEvents    = "coppice.batch.events"
	batchFields    = "coppice.batch.fields"
	batchBytes     = "coppice.batch.bytes"
)

var (
	ofTask     = []attribute.Key{Module, Task}
	ofSource   = []attribute.Key{Module, Task, Topology, Source, Depot}
	ofTopology = []attribute.Key{Module, Task, Topology}
	ofModule   = []attribute.Key{Module}
)

func counts(name, unit, help string, of func(*runtime.Counts) uint64) metricDoc {
	return metricDoc{Name: name, Unit: unit, Help: help, kind: counter, Attributes: ofTask, count: of}
}

func stands(name, unit, help string, of func(*runtime.Status) float64) metricDoc {
	return metricDoc{Name: name, Unit: unit, Help: help, kind: gauge, Attributes: ofTask, status: of}
}

// metrics are all that there are, in the order of the reference.
var metrics = []metricDoc{
	{Name: records, Unit: "{record}", Help: "Records that are over, of streams and microbatches, by how they ended: done, rejected, parked or dropped; each once, also one that was parked and runs again. One of an exactly-once stream counts as parked if an event of it was.", kind: counter, Attributes: []attribute.Key{Module, Task, Ending}},
	counts("coppice.events", "{event}", "Events that ran, also those that failed.", func(c *runtime.Counts) uint64 { return c.Events }),
	counts("coppice.events.parked", "{event}", "Events of microbatches that were put aside; their records count as done.", func(c *runtime.Counts) uint64 { return c.EventsParked }),
	counts("coppice.hops", "{event}", "Events that were sent off.", func(c *runtime.Counts) uint64 { return c.Hops }),
	counts("coppice.attempts.failed", "{attempt}", "Attempts that failed: each is tried again, or its record is parked or dropped.", func(c *runtime.Counts) uint64 { return c.Failed }),
	counts("coppice.trees.slow", "{record}", "Records that took longer, from the beginning of their first event to their end, than what counts as slow (1 s, unless the worker's Trees or the spans say otherwise).", func(c *runtime.Counts) uint64 { return c.Slow }),
	counts("coppice.microbatches", "{microbatch}", "Microbatches that were applied, on each task.", func(c *runtime.Counts) uint64 { return c.Microbatches }),

	{Name: batchEvents, Unit: "{event}", Help: "Events of a batch.", kind: sizes, Attributes: ofModule},
	{Name: batchFields, Unit: "{field}", Help: "Fields that a batch's commit writes.", kind: sizes, Attributes: ofModule},
	{Name: batchBytes, Unit: "By", Help: "Bytes of the events that a batch sends off.", kind: sizes, Attributes: ofModule},
	{Name: batchDuration, Unit: "s", Help: "From the begin of a batch's first event until its commit is confirmed.", kind: times, Attributes: ofModule},
	{Name: commitDuration, Unit: "s", Help: "From sending a commit (EXEC, and WAIT or WAITAOF where the durability level asks for it) until it is confirmed.", kind: times, Attributes: ofModule},
	counts("coppice.commits", "{commit}", "Commits that were confirmed.", func(c *runtime.Counts) uint64 { return c.Commits }),
	counts("coppice.fields", "{field}", "Fields that they wrote.", func(c *runtime.Counts) uint64 { return c.Fields }),

	counts("coppice.reads", "{read}", "Reads of single elements of PStates by handlers.", func(c *runtime.Counts) uint64 { return c.Reads }),
	counts("coppice.scans", "{scan}", "Reads of ranges of PStates by handlers.", func(c *runtime.Counts) uint64 { return c.Scans }),
	counts("coppice.reads.missed", "{read}", "Reads that memory could not answer, those of events that ran ahead included. 1 - missed / (reads + scans) is the share of cache hits.", func(c *runtime.Counts) uint64 { return c.Missed }),
	counts("coppice.fetches", "{fetch}", "Round trips in which they were answered.", func(c *runtime.Counts) uint64 { return c.Fetches }),
	stands("coppice.cache.elements", "{element}", "Elements of PStates in memory.", func(s *runtime.Status) float64 { return float64(s.Cached) }),

	{Name: sourceStored, Unit: "{offset}", Help: "The progress of a source as its slot has it: all records below this offset are done.", kind: gauge, Attributes: ofSource},
	{Name: sourceEnd, Unit: "{offset}", Help: "The end of the source's partition: the offset behind its last record.", kind: gauge, Attributes: ofSource},
	{Name: sourceLag, Unit: "{record}", Help: "Records of the partition that the source is not done with.", kind: gauge, Attributes: ofSource},
	{Name: sourceWaiting, Unit: "{record}", Help: "Records that were read and have not begun.", kind: gauge, Attributes: ofSource},
	{Name: sourceRetries, Unit: "{record}", Help: "Records that wait for their next attempt.", kind: gauge, Attributes: ofSource},

	{Name: inFlight, Unit: "{record}", Help: "Records of a stream topology that were begun and are not done.", kind: gauge, Attributes: ofTopology},
	{Name: inFlightLimit, Unit: "{record}", Help: "How many of them there may be before its sources begin no more (topology.stream.max.executing.per.task, as it is set for the topology).", kind: gauge, Attributes: ofTopology},
	stands("coppice.trees", "{tree}", "Trees that are open: records that hopped and wait for acks.", func(s *runtime.Status) float64 { return float64(s.Trees) }),
	stands("coppice.trees.oldest", "s", "How long the oldest open tree has been so.", func(s *runtime.Status) float64 { return s.OldestTree.Seconds() }),
	stands("coppice.events.queued", "{event}", "Events that wait to run.", func(s *runtime.Status) float64 { return float64(s.Queued) }),
	stands("coppice.events.queued.bytes", "By", "What they take.", func(s *runtime.Status) float64 { return float64(s.QueuedBytes) }),
	stands("coppice.calls", "{call}", "Calls to the outside that are under way, or wait.", func(s *runtime.Status) float64 { return float64(s.Calls) }),
	stands("coppice.appends.pending", "{append}", "Appends of handlers that the logs may not have yet.", func(s *runtime.Status) float64 { return float64(s.Appends) }),
	stands("coppice.appenders", "{append}", "Acked appends that wait for their records.", func(s *runtime.Status) float64 { return float64(s.Appenders) }),

	stands("coppice.task.running", "", "1: the task owns its slot and runs; 0: it is being taken over, or has halted.", func(s *runtime.Status) float64 { return one(s.Running) }),
	stands("coppice.task.halted", "", "1: the task has halted for good, since going on could lose or repeat data.", func(s *runtime.Status) float64 { return one(s.Halted != nil) }),
	{Name: taskSilent, Help: "1: the task does not answer its worker, since a handler does not return.", kind: gauge, Attributes: ofTask},
	{Name: handlerStuck, Unit: "s", Help: "How long a handler runs that holds up its task: the task does not answer, or it has run for more than 1 s.", kind: gauge, Attributes: []attribute.Key{Module, Task, Topology, Step}},
	counts("coppice.takeovers", "{takeover}", "Times that the task was taken over by this worker.", func(c *runtime.Counts) uint64 { return c.Takes }),
	counts("coppice.task.restarts", "{restart}", "Times that the task gave up its connection with all that was in memory, and began anew.", func(c *runtime.Counts) uint64 { return c.Drops }),
	counts("coppice.regressions", "{regression}", "Times that the store was found behind what it had confirmed.", func(c *runtime.Counts) uint64 { return c.Lost }),
}
