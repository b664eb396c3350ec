package runtime

import (
	"time"

	"github.com/coppice-run/coppice/store"
)

// Options are the engine's limits. The zero value of each field means its
// default.
type Options struct {
	// MaxExecutingPerTask bounds the records of a topology that a task has begun
	// and not finished (topology.stream.max.executing.per.task, promise 3.100).
	// Default 10,000: at the limit the source waits. Who waits for a record with as many
	// before it is told that it has not begun (promise 3.89).
	MaxExecutingPerTask int
	// MaxEventsPerBatch bounds the events that one commit covers
	// (topology.stream.max.events.per.batch, promise 3.98). Default 2,000: a
	// larger commit holds the server too long.
	MaxEventsPerBatch int
	// FailWholeBatch has an event that fails take its batch with it
	// (topology.stream.fail.whole.batch, promise 3.63): the records of all its events,
	// of that topology, are tried again. Default false: an event fails alone.
	FailWholeBatch bool
	// TreeBytesMax bounds the memory that the events waiting on a task take: further ones
	// are written to a file of the worker's machine (topology.stream.tree.bytes.max, R43).
	// What one event sends off spills from half of it on. Default 32 MiB.
	TreeBytesMax int64
	// MaxFieldsPerBatch bounds the fields that one commit writes (R42). Default
	// 10,000, which hold a server for about 11 ms. A batch takes no more events when it has
	// half of them, and an event may write the other half.
	MaxFieldsPerBatch int
	// MaxBytesPerBatch bounds what one commit writes in bytes, in the same way (R42). What
	// events of exactly-once topologies send is written, too.
	// Default 16 MiB: newer servers hold a whole transaction against their query buffer.
	MaxBytesPerBatch int64
	// TreeTimeout fails a record whose tree is not complete after so long
	// (topology.stream.timeout.seconds, promise 3.99). Default 30 s.
	TreeTimeout time.Duration
	// AckFailureOnRetryOnly has an acked append wait through the retries of its
	// record instead of failing with the first attempt that fails in any stream
	// (depot.ack.failure.on.any.streaming.failure = false, promise 3.104).
	AckFailureOnRetryOnly bool
	// MaxCallsPerTask bounds the calls to the outside that a task makes at a time
	// (topology.stream.max.calls.per.task); further ones wait. Default 100.
	MaxCallsPerTask int
	// AwaitsMax bounds the acked appends that a task tracks
	// (depot.max.pending.streaming.per.partition, promise 3.103): further ones are
	// told that they are throttled. Default 100,000.
	AwaitsMax int
	// CheckpointThreshold writes the progress after so many finished records
	// (topology.stream.checkpoint.progress.threshold, promise 3.97). Default 1,000.
	// Any commit of data writes it for free.
	CheckpointThreshold int
	// CheckpointPeriod writes the progress after so long however little there is
	// (topology.stream.periodic.checkpoint.seconds, promise 3.95). Default 1 s.
	CheckpointPeriod time.Duration
	// RetryBackoff is the pause before a record's second attempt; it doubles up
	// to RetryBackoffMax. Defaults 10 ms and 10 s.
	RetryBackoff    time.Duration
	RetryBackoffMax time.Duration
	// CacheEntriesMax bounds the elements that a task keeps in memory
	// (pstate.cache.entries.max). Default 200,000. A batch's own elements stay
	// beyond it (R45).
	CacheEntriesMax int
	// DepotCacheCardinality is how many fetched records wait in memory before a
	// depot partition is paused (depot.cache.cardinality, promise 3.101).
	// Default 20,000.
	DepotCacheCardinality int
	// CatchupChunkSize is how many records a worker takes from its depots at a time
	// (depot.cache.catchup.chunk.size, promise 3.102). Default 5,000.
	CatchupChunkSize int
	// ProbePeriod is how often a task looks whether its slot is still its own, on a
	// server that is still the slot's master (R18): after so long an owner notices a
	// lost connection, a server that went back, and one that another has replaced
	// although it goes on answering. Default 2 s.
	ProbePeriod time.Duration
	// StoreStopPercent is how full the slot's server may be before sources stop
	// (store.memory.stop.percent, R44). Default 90.
	StoreStopPercent int
	// QueueBytesMax is what a worker may hold in memory for events on their way
	// before its sources stop (worker.queue.bytes.max, R43). Default 256 MiB.
	QueueBytesMax int64
	// Durability is where a commit must be before anything that rests on it leaves
	// the task (store.durability, R40). Default store.Applied.
	Durability store.Level
	// LostTail is what a task does that finds, in a depot or topic, output of commits
	// which the store has lost (topology.appends.lost.tail, R31). Default: exactly-once
	// topologies halt, others go on.
	LostTail LostTail
	// MicrobatchRecordsMax bounds the records of a depot partition that a microbatch takes
	// (depot.microbatch.max.records, 14.20). Default 1,000.
	MicrobatchRecordsMax int
	// PhaseTimeout begins another attempt at a microbatch whose events, or whose stages,
	// take longer (topology.microbatch.phase.timeout.seconds, 14.22). Default 30 s.
	PhaseTimeout time.Duration
	// ForceDelay is the least time between the beginnings of two microbatches
	// (topology.microbatch.force.delay.millis, 14.24). Default 0: the next one begins when
	// there is data.
	ForceDelay time.Duration
	// Paused has a microbatch topology begin no microbatch (14.17); the one under way is
	// finished. Default false.
	Paused bool
	// StreamPaused has a stream begin no record and no retry
	// (topology.stream.paused); those under way go on. Default false.
	StreamPaused bool
	// MigrationElementsPerBatch is about how many values of a PState that migrates a task looks at
	// in one event (migration.elements.per.batch.max). Default 200.
	MigrationElementsPerBatch int
	// MigrationElementsPerSecond is how many it looks at in a second
	// (migration.elements.per.second.max). Default 2,000.
	MigrationElementsPerSecond int
	// EventTarget is how long an event may run before it yields where its flow says so
	// (worker.event.target.max.millis, promise 11.12). Default 5 ms.
	EventTarget time.Duration
	// AckResultsMax is how many results of finished records a task keeps per
	// source for appenders that ask late. Default 10,000.
	AckResultsMax int
}

// WithDefaults returns the options with every zero field set to its default.
func (o Options) WithDefaults() Options {
	setDefault(&o.MaxExecutingPerTask, 10_000)
	setDefault(&o.MaxEventsPerBatch, 2_000)
	setDefault(&o.TreeBytesMax, 32<<20)
	setDefault(&o.MaxFieldsPerBatch, 10_000)
	setDefault(&o.MaxBytesPerBatch, 16<<20)
	setDefault(&o.TreeTimeout, 30*time.Second)
	setDefault(&o.CheckpointThreshold, 1_000)
	setDefault(&o.CheckpointPeriod, time.Second)
	setDefault(&o.RetryBackoff, 10*time.Millisecond)
	setDefault(&o.RetryBackoffMax, 10*time.Second)
	setDefault(&o.CacheEntriesMax, 200_000)
	setDefault(&o.DepotCacheCardinality, 20_000)
	setDefault(&o.ProbePeriod, 2*time.Second)
	setDefault(&o.AckResultsMax, 10_000)
	setDefault(&o.MigrationElementsPerBatch, 200)
	setDefault(&o.MigrationElementsPerSecond, 2_000)
	setDefault(&o.MaxCallsPerTask, 100)
	setDefault(&o.AwaitsMax, 100_000)
	setDefault(&o.CatchupChunkSize, 5_000)
	setDefault(&o.StoreStopPercent, 90)
	setDefault(&o.MicrobatchRecordsMax, 1_000)
	setDefault(&o.PhaseTimeout, 30*time.Second)
	setDefault(&o.QueueBytesMax, 256<<20)
	setDefault(&o.EventTarget, eventTarget)
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// onOptionsChanged takes new options.
func (t *Task) onOptionsChanged(in *OptionsChanged) {
	t.options = in.Module.WithDefaults()
	for _, topo := range t.topology {
		topo.options = t.options
		if o, ok := in.Topologies[topo.plan.Name]; ok {
			topo.options = o.WithDefaults()
		}
	}
	for _, m := range t.micros.all {
		if m.coordinator != nil {
			m.coordinator.Configure(t.coordinatorConfig(m.topology))
		}
	}
	for _, f := range t.allFeeds() {
		f.options = t.options
		if o, ok := in.Depots[f.depot]; ok {
			f.options = o.WithDefaults()
		}
	}
	t.noteWhole()
	t.boundOutbox()
	t.tellShut()
}
