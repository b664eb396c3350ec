package settings

import (
	"slices"
	"strings"
	"time"

	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/store"
)

// Durability is the name of the option that says where commits must be.
const Durability = "store.durability"

// All lists the options by name.
func All() []Option { return all }

var all = sorted([]Option{
	{
		Name: "migration.elements.per.batch.max", Place: ForModule, Unit: "values",
		Doc:   "Values of a PState that migrates which a task looks at in one event, about, and rewrites where they are of before.",
		field: count(func(o *runtime.Options) *int { return &o.MigrationElementsPerBatch }),
	},
	{
		Name: "migration.elements.per.second.max", Place: ForModule, Unit: "values",
		Doc:   "Values of PStates that migrate which each task looks at in a second. What is read is migrated in any case; this is about what nobody reads.",
		field: count(func(o *runtime.Options) *int { return &o.MigrationElementsPerSecond }),
	},
	{
		Name: "topology.stream.max.executing.per.task", Place: ForTopology, Unit: "records",
		Doc:   "Records of a topology that a task has begun and not finished. At the limit the source waits, acked appends behind it are told that they are throttled, and a source with RetryNone skips. An acked append is told so, too, when as many records are before its own in the depot and not finished: so those that are let wait are answered soon, however much has come.",
		field: count(func(o *runtime.Options) *int { return &o.MaxExecutingPerTask }),
	},
	{
		Name: "topology.stream.max.events.per.batch", Place: ForModule, Unit: "events",
		Doc:   "Events that a task executes and commits together at most.",
		field: count(func(o *runtime.Options) *int { return &o.MaxEventsPerBatch }),
	},
	{
		Name: "topology.stream.max.calls.per.task", Place: ForModule, Unit: "calls",
		Doc:   "Calls to the outside that a task makes at a time; further ones wait.",
		field: count(func(o *runtime.Options) *int { return &o.MaxCallsPerTask }),
	},
	{
		Name: "topology.stream.fail.whole.batch", Place: ForTopology, Unit: "true or false",
		Doc:   "Whether an event that fails takes its batch with it: nothing of the batch takes effect, and the records of all events of it, which may be many and from many tasks, are tried again. They do not count as failed toward MaxAttempts, but for the one that did. Batches then hold events of one topology. If false an event fails alone. Exactly-once topologies do not heed it: there a failing event holds what is behind it on its channel.",
		field: is(func(o *runtime.Options) *bool { return &o.FailWholeBatch }),
	},
	{
		Name: "topology.stream.tree.bytes.max", Place: ForModule, Unit: "bytes",
		Doc:   "Memory that the events waiting on a task may take; further ones go to files in the worker's SpillFolder and come back in order, so that a record may fan out to more than fits in memory. What one event sends off goes there from half of it on. Acks do not wait, and records behind a huge one are still begun.",
		field: size(func(o *runtime.Options) *int64 { return &o.TreeBytesMax }),
	},
	{
		Name: "topology.stream.timeout.seconds", Place: ForTopology, Unit: "seconds",
		Doc:   "A record whose event tree is not complete after so long fails and is retried as its source says. Lost workers fail trees at once; this is the last resort.",
		field: seconds(func(o *runtime.Options) *time.Duration { return &o.TreeTimeout }),
	},
	{
		Name: "topology.stream.checkpoint.progress.threshold", Place: ForTopology, Unit: "records",
		Doc:   "The progress is written after so many finished records, where no commit of data carries it before.",
		field: count(func(o *runtime.Options) *int { return &o.CheckpointThreshold }),
	},
	{
		Name: "topology.stream.periodic.checkpoint.seconds", Place: ForTopology, Unit: "seconds",
		Doc:   "The progress is written after so long, however little there is.",
		field: seconds(func(o *runtime.Options) *time.Duration { return &o.CheckpointPeriod }),
	},
	{
		Name: "worker.event.target.max.millis", Place: ForModule, Unit: "milliseconds",
		Doc:   "How long an event may run before it gives up its task, where its flow says so (flow.YieldIfOvertime): it goes on later, and others come in between, but for those of its key.",
		field: millis(func(o *runtime.Options) *time.Duration { return &o.EventTarget }),
	},
	{
		Name: "topology.stream.retry.backoff.seconds", Place: ForTopology, Unit: "seconds",
		Doc:   "Pause before a failed record's second attempt; it doubles with each further attempt, and its last half is random.",
		field: seconds(func(o *runtime.Options) *time.Duration { return &o.RetryBackoff }),
	},
	{
		Name: "topology.stream.retry.backoff.max.seconds", Place: ForTopology, Unit: "seconds",
		Doc:   "The longest pause between two attempts.",
		field: seconds(func(o *runtime.Options) *time.Duration { return &o.RetryBackoffMax }),
	},
	{
		Name: "topology.stream.paused", Place: ForTopology, Unit: "true or false",
		Doc:   "Whether a stream begins no record and no retry. Those under way go on. Records wait in their depots, and acked appends of them are told that they are throttled.",
		field: is(func(o *runtime.Options) *bool { return &o.StreamPaused }),
	},
	{
		Name: "topology.appends.lost.tail", Place: ForTopology, Unit: "topology, halt or continue",
		Doc:   "What a task does that finds records in Kafka which were appended by commits that the store has lost since: halt, or continue and say how many come a second time. topology: exactly-once topologies halt, others continue.",
		field: lostTail(func(o *runtime.Options) *runtime.LostTail { return &o.LostTail }),
	},
	{
		Name: "depot.microbatch.max.records", Place: ForDepot, Unit: "records",
		Doc:   "Records of a depot partition that a microbatch takes at most, and no more than depot.cache.cardinality.",
		field: count(func(o *runtime.Options) *int { return &o.MicrobatchRecordsMax }),
	},
	{
		Name: "topology.microbatch.phase.timeout.seconds", Place: ForTopology, Unit: "seconds",
		Doc:   "A microbatch whose events, or whose stages, take longer is tried again. Each time that this happens to a microbatch it gets twice as long. Lost workers end an attempt at once; this is the last resort.",
		field: seconds(func(o *runtime.Options) *time.Duration { return &o.PhaseTimeout }),
	},
	{
		Name: "topology.microbatch.force.delay.millis", Place: ForTopology, Unit: "milliseconds",
		Doc:   "Least time between the beginnings of two microbatches: fewer and larger ones. At 0 the next one begins as soon as there is a record.",
		field: millis(func(o *runtime.Options) *time.Duration { return &o.ForceDelay }),
	},
	{
		Name: "topology.microbatch.paused", Place: ForTopology, Unit: "true or false",
		Doc:   "Whether a microbatch topology begins no microbatch. The one under way is finished. Records wait in their depots.",
		field: is(func(o *runtime.Options) *bool { return &o.Paused }),
	},
	{
		Name: "depot.cache.cardinality", Place: ForDepot, Unit: "records",
		Doc:   "Fetched records that wait in memory before a depot partition is paused.",
		field: count(func(o *runtime.Options) *int { return &o.DepotCacheCardinality }),
	},
	{
		Name: "depot.cache.catchup.chunk.size", Place: ForModule, Unit: "records",
		Doc:   "Records that a worker takes from its depots at a time. Of several modules on a worker the largest counts.",
		field: count(func(o *runtime.Options) *int { return &o.CatchupChunkSize }),
	},
	{
		Name: "depot.max.pending.streaming.per.partition", Place: ForDepot, Unit: "appends",
		Doc:   "Acked appends that a task tracks at a time; further ones are told that they are throttled.",
		field: count(func(o *runtime.Options) *int { return &o.AwaitsMax }),
	},
	{
		Name: "depot.ack.failure.on.any.streaming.failure", Place: ForDepot, Unit: "true or false",
		Doc:   "Whether an acked append fails with the first attempt that fails in any stream. If false it waits through the retries. A source with RetryNone fails it at once either way.",
		field: not(func(o *runtime.Options) *bool { return &o.AckFailureOnRetryOnly }),
	},
	{
		Name: "depot.ack.results.max", Place: ForDepot, Unit: "records",
		Doc:   "Results of finished records that a task keeps for appenders that ask late.",
		field: count(func(o *runtime.Options) *int { return &o.AckResultsMax }),
	},
	{
		Name: "pstate.cache.entries.max", Place: ForModule, Unit: "elements",
		Doc:   "PState elements that a task keeps in memory. Those of the batch under way stay beyond it.",
		field: count(func(o *runtime.Options) *int { return &o.CacheEntriesMax }),
	},
	{
		Name: "store.fields.per.batch.max", Place: ForModule, Unit: "fields",
		Doc:   "Fields that one commit writes at most; 10,000 hold a server for about 11 ms. An event may write half of it, and is parked if it writes more.",
		field: count(func(o *runtime.Options) *int { return &o.MaxFieldsPerBatch }),
	},
	{
		Name: "store.bytes.per.batch.max", Place: ForModule, Unit: "bytes",
		Doc:   "Bytes that one commit writes at most, about, with what events of exactly-once streams send; an event may write half of it, and is parked if it writes more.",
		field: size(func(o *runtime.Options) *int64 { return &o.MaxBytesPerBatch }),
	},
	{
		Name: Durability, Place: ForModule, Unit: "level",
		Doc:   "Where a commit must be before anything that rests on it leaves its task: applied (the master answered), replicated N, fsynced (the master's disk; Redis 7.2 with appendonly yes), fsynced N. With several masters, trees that span them keep their promises through the loss of a master from replicated N on, N being the number of replicas of each.",
		field: level(func(o *runtime.Options) *store.Level { return &o.Durability }),
	},
	{
		Name: "store.memory.stop.percent", Place: ForModule, Unit: "percent",
		Doc:   "How full a server's memory may be before the sources of its tasks begin no more records, but for those with GoOnWhenFull. A full server refuses all writes.",
		field: percent(func(o *runtime.Options) *int { return &o.StoreStopPercent }),
	},
	{
		Name: "worker.queue.bytes.max", Place: ForModule, Unit: "bytes",
		Doc:   "Memory that events on their way may take on a worker before its sources begin no more records; they go on at half. Events themselves never wait.",
		field: size(func(o *runtime.Options) *int64 { return &o.QueueBytesMax }),
	},
	{
		Name: "store.probe.seconds", Place: ForModule, Unit: "seconds",
		Doc:   "How often a task looks whether its slot is still its own, on a server that is still the slot's master.",
		field: seconds(func(o *runtime.Options) *time.Duration { return &o.ProbePeriod }),
	},
})

func sorted(options []Option) []Option {
	slices.SortFunc(options, func(a, b Option) int { return strings.Compare(a.Name, b.Name) })
	return options
}

// Find returns the option of a name.
func Find(name string) (*Option, bool) {
	i, ok := slices.BinarySearchFunc(all, name, func(o Option, name string) int { return strings.Compare(o.Name, name) })
	if !ok {
		return nil, false
	}
	return &all[i], true
}
