package runtime

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coppice-run/coppice/runtime/microbatch"
	"github.com/coppice-run/coppice/task"
)

// Status is where a task stands between two steps: for tools that look at it, and for
// tests that wait for it. It counts, and costs what counting does: take it when
// somebody wants it.
type Status struct {
	TaskInfo
	// Running: it owns its slot and reads its depots. Head is its last commit.
	Running bool
	Head    task.Mark
	// TookAt is when it last came to own its slot and run, by the clock of its worker, which
	// fills it in from OwnedFor; zero: never. TakeOver is how long that took, with all tries,
	// from when it began to want the slot, and TookFrom the address of the owner before: its
	// own, where it took the slot anew, and "" where nobody was.
	TookAt   time.Time     `json:",omitzero"`
	OwnedFor time.Duration `json:"-"`
	TakeOver time.Duration `json:",omitempty"`
	TookFrom string        `json:",omitempty"`
	// Halted is why it has stopped for good; nil: it has not.
	Halted error
	// Committing: a commit is under way. Events that ran since then gather in the open
	// batch.
	Committing bool
	// Reading: a handler waits for what it reads, or a frame for a look at a head.
	Reading bool
	// Open are the events of the open batch.
	Open int
	// Queued are the events that wait to run, and QueuedBytes about what they take.
	Queued      int
	QueuedBytes int64
	// Pending are the records that the task has begun and not finished.
	Pending int
	// Trees are those of them that hopped and wait for acks, but in exactly-once
	// topologies.
	Trees int
	// Calls are the calls to the outside that are under way, or wait.
	Calls int
	// Appends are those of handlers that the logs may not have yet.
	Appends int
	// Sent counts the frames to each task in this ownership period. Heard names the last
	// frame from each that this task has dealt with, or dropped because it did not run
	// yet: by its sender's token and its number.
	Sent  []uint64
	Heard []task.Mark
	// OldestTree is how long the oldest tree has been open; 0: there is none.
	OldestTree time.Duration
	// Streams are the stream topologies, with their limits. Microbatches have none.
	Streams []StreamStatus
	// Counts are of the time since this worker runs the task.
	Counts Counts
	// Appenders are those who wait for records.
	Appenders int
	// Cached are the elements of PStates in memory.
	Cached  int
	Sources []SourceStatus
	// Paused are the topologies that begin nothing on this task until somebody resumes them, by
	// what is set or by what the worker was started with. Empty: there is none; nil: the worker
	// is of a version that does not tell.
	Paused []string
	// Microbatches are the microbatch topologies that this task coordinates.
	Microbatches []MicrobatchStatus
	// Migrations are the PStates whose values migrate.
	Migrations []MigrationStatus `json:",omitempty"`
	Held       []Held
}

// StreamStatus is how many records of a stream topology are under way on the task: Pending are
// those of all.
type StreamStatus struct {
	Topology string
	// InFlight are the records that it has begun and not finished, and Limit how many there may be
	// before its sources begin no more (R43): what topology.stream.max.executing.per.task says of
	// this topology. Those that run again by order are begun beyond it.
	InFlight, Limit int
}

// SourceStatus is where a source stands on the task's partition of its depot.
type SourceStatus struct {
	Topology, Source, Depot string
	// Next: all records below this offset are finished, those of the open batch and of
	// the commit under way included.
	Next int64
	// Stored is the same as the slot has it, and Ahead how many records behind it are
	// finished, too. Known: the source has read its progress; else they say nothing.
	Stored, Ahead int64
	Known         bool
	// Read: all records below this offset were read.
	Read int64
	// Waiting are the records that were read and have not begun.
	Waiting int
	// Retries are the records that wait for their next attempt.
	Retries int
}

// MicrobatchStatus is how far a microbatch topology is.
type MicrobatchStatus struct {
	Topology string
	// Phase is what its coordinator does; Between: no microbatch is under way.
	Phase   string
	Between bool
	// Ready are the records that lie ready for the next one, as far as the tasks have told.
	Ready int64
}

// MarshalJSON writes why the task has halted as text.
func (s Status) MarshalJSON() ([]byte, error) {
	type plain Status
	out := struct {
		plain
		Halted string `json:",omitempty"`
	}{plain: plain(s)}
	if s.Halted != nil {
		out.Halted = s.Halted.Error()
	}
	return json.Marshal(out)
}

// UnmarshalJSON reads a status back.
func (s *Status) UnmarshalJSON(raw []byte) error {
	type plain Status
	in := struct {
		*plain
		Halted string
	}{plain: (*plain)(s)}
	if err := json.Unmarshal(raw, &in); err != nil {
		return err
	}
	if s.Halted = nil; in.Halted != "" {
		s.Halted = errors.New(in.Halted)
	}
	return nil
}

// AtRest reports whether nothing is under way on the task: it runs, no event waits,
// no record has begun and not finished, all that was done is in the store, and all
// that was appended is in its log.
func (s *Status) AtRest() bool {
	if !s.Running || s.Committing || s.Reading || s.Open > 0 || s.Queued > 0 || s.Pending > 0 || s.Appends > 0 {
		return false
	}
	for i := range s.Sources {
		if s.Sources[i].Waiting > 0 || s.Sources[i].Retries > 0 {
			return false
		}
	}
	return true
}

// String prints the status on one line.
func (s *Status) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "task %v: ", s.Task)
	switch {
	case s.Halted != nil:
		fmt.Fprintf(&out, "halted: %v", s.Halted)
		return out.String()
	case !s.Running:
		out.WriteString("does not own its slot, ")
	}
	fmt.Fprintf(&out, "%d events queued, %d in the open batch, %d records pending, %d trees, %d calls, %d appends, committing %t, reading %t", s.Queued, s.Open, s.Pending, s.Trees, s.Calls, s.Appends, s.Committing, s.Reading)
	for _, src := range s.Sources {
		fmt.Fprintf(&out, "; source %s/%s at offset %d, %d records wait, %d for another attempt", src.Topology, src.Source, src.Next, src.Waiting, src.Retries)
	}
	for _, h := range s.Held {
		fmt.Fprintf(&out, "; %d at the hold of %v", h.Events, h.Handler)
	}
	return out.String()
}

// Status counts what the task is at.
func (t *Task) Status() Status {
	s := Status{
		TaskInfo: t.info, Running: t.phase == running, Head: t.head.Mark,
		Committing: t.inflight != nil, Reading: t.co.waiting || t.holding > 0,
		Calls: len(t.calls.all), Appends: t.emissions.count(), Sent: slices.Clone(t.numbers), Heard: t.dealtWith(),
		Queued: t.queued(), Pending: t.pending(), QueuedBytes: t.QueuedBytes(),
		Held: t.waitingAtHolds(), Migrations: t.migrationStatus(), Paused: []string{}, Counts: t.counts, OldestTree: t.oldestTree(),
	}
	if own := &t.tenure; own.since != 0 && t.phase == running {
		s.OwnedFor, s.TakeOver, s.TookFrom = time.Duration(t.now-own.since), own.took, own.from
	}
	if t.phase == halted {
		s.Halted = t.halted
	}
	if t.open != nil {
		s.Open = t.open.events
	}
	if t.ledger != nil {
		s.Trees = t.ledger.Len()
	}
	if t.view != nil {
		s.Cached = t.view.Cached()
	}
	for _, f := range t.feeds {
		s.Appenders += f.waiting
	}
	for _, topo := range t.topology {
		if topo.paused() {
			s.Paused = append(s.Paused, topo.plan.Name)
		}
		if topo.micro == nil {
			s.Streams = append(s.Streams, StreamStatus{topo.plan.Name, topo.executing, topo.options.MaxExecutingPerTask})
		}
		for _, src := range topo.sources {
			s.Sources = append(s.Sources, SourceStatus{
				Topology: topo.plan.Name, Source: src.plan.Name, Depot: src.plan.Depot.Name,
				Next: src.progress.Next, Stored: src.stored, Ahead: src.progress.Ahead(), Known: src.known, Read: src.seen, Waiting: src.count, Retries: src.retries.Len(),
			})
		}
	}
	for _, m := range t.micros.all {
		if c := m.coordinator; c != nil {
			between := c.Phase() == microbatch.Idle || c.Phase() == microbatch.Broken
			s.Microbatches = append(s.Microbatches, MicrobatchStatus{m.topology.plan.Name, c.Phase().String(), between, c.Ready()})
		}
	}
	return s
}

// paused reports whether the topology begins nothing until somebody resumes it.
func (topo *topology) paused() bool {
	if topo.micro != nil {
		return topo.options.Paused
	}
	return topo.options.StreamPaused
}

// oldestTree is how long the oldest tree has been open.
func (t *Task) oldestTree() (oldest time.Duration) {
	for _, topo := range t.topology {
		if t.phase == running && t.nextDeadline(topo) != 0 {
			oldest = max(oldest, t.took(topo.deadlines[0].opened))
		}
	}
	return oldest
}

// dealtWith leaves out the frames that wait for a look.
func (t *Task) dealtWith() []task.Mark {
	heard := slices.Clone(t.heard)
	for i := range t.peers {
		if len(t.peers[i].held) > 0 {
			heard[i] = task.Mark{}
		}
	}
	return heard
}

// queued is the number of events that wait to run.
func (t *Task) queued() int {
	n := t.queue.waiting + len(t.queue.drawn) - t.queue.at + t.queue.aside + t.spills.events
	for i := range t.hops.in {
		n += t.hops.in[i].Events()
	}
	return n
}

// pending is the number of records that were begun and are not finished.
func (t *Task) pending() int {
	n := 0
	for _, topo := range t.topology {
		n += topo.executing
	}
	return n
}
