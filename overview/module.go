package overview

import (
	"slices"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// Module is how a module is at a moment.
type Module struct {
	Name       string     `json:"name"`
	At         time.Time  `json:"at"`
	Topologies []Topology `json:"topologies"`
	Workers    []Worker   `json:"workers"`
	Tasks      []Task     `json:"tasks"`
	Parked     int        `json:"parked"` // records, on all tasks
	Findings   []Finding  `json:"findings"`

	gone        map[string]string // workers that could not be reached, and why
	description client.Description
}

// Description is what the module had registered when it was looked at (Overview.Describe).
func (m *Module) Description() client.Description { return m.description }

// Topology is how far a topology is, and how fast.
type Topology struct {
	Name        string   `json:"name"`
	Kind        string   `json:"kind"` // stream or microbatch
	ExactlyOnce bool     `json:"exactlyOnce"`
	Paused      bool     `json:"paused"`
	Sources     []Source `json:"sources"`
	Done        int64    `json:"done"`    // records that are done, of what the depots hold
	End         int64    `json:"end"`     // records that the depots hold or held
	Lag         int64    `json:"lag"`     // records that are not done
	Waiting     int      `json:"waiting"` // records that were read and have not begun
	Retries     int      `json:"retries"` // records that wait for their next attempt
	// InFlight are the records of a stream that tasks have begun and not finished, Fullest those of
	// the task that is nearest to its limit, and Limit that task's; 0 of microbatches.
	InFlight int `json:"inFlight"`
	Fullest  int `json:"fullest"`
	Limit    int `json:"limit"`
	// DonePerSecond and AppendedPerSecond are of the window; 0 until it has two looks.
	DonePerSecond     float64 `json:"donePerSecond"`
	AppendedPerSecond float64 `json:"appendedPerSecond"`
	// Course is the window, oldest first.
	Course []Point `json:"course"`
	// StandsSince is when its progress was first seen where it is now, with records that are
	// not done; zero: it goes on, or has nothing to do.
	StandsSince time.Time `json:"standsSince,omitzero"`
	// Latency is how long records of a sample took, or microbatches.
	Latency *eventtree.Latency `json:"latency,omitempty"`
	// Oldest is the oldest record under way of a topology that stands, with what it waits for.
	Oldest *eventtree.Tree `json:"oldest,omitempty"`
}

// Source is a source of a topology, over all partitions.
type Source struct {
	Name       string      `json:"name"`
	Depot      string      `json:"depot"`
	Ticks      bool        `json:"ticks"`
	Begun      bool        `json:"begun"` // on all partitions
	Done       int64       `json:"done"`
	End        int64       `json:"end"`
	Lag        int64       `json:"lag"`
	Topic      string      `json:"topic,omitempty"` // of Kafka, that holds the depot
	Partitions []Partition `json:"partitions"`
	// Error is why how far it is cannot be read, of the first partition that has one: Lag and the
	// others say nothing of such a partition.
	Error string `json:"error,omitempty"`
}

// Partition is how far a source is with a partition of its depot.
type Partition struct {
	Partition int32 `json:"partition"`
	Begun     bool  `json:"begun"`
	Next      int64 `json:"next"`
	Ahead     int64 `json:"ahead"`
	End       int64 `json:"end"`
	Lag       int64 `json:"lag"`
	// Error is why some of it cannot be read; "": all was read.
	Error string `json:"error,omitempty"`
}

// Point is one look in a course.
type Point struct {
	At                time.Time `json:"at"`
	DonePerSecond     float64   `json:"donePerSecond"` // since the look before
	AppendedPerSecond float64   `json:"appendedPerSecond"`
	Lag               int64     `json:"lag"`
	InFlight          int       `json:"inFlight"` // records that tasks have begun and not finished, of the whole module
}

// Worker is a process that owns tasks of the module.
type Worker struct {
	Address string `json:"address"`
	Tasks   int    `json:"tasks"`
	Silent  int    `json:"silent"` // of them, that did not answer
	Queued  int    `json:"queued"`
	Pending int    `json:"pending"`
}

// TaskState says how a task is.
type TaskState string

// The states of a task.
const (
	TaskRuns    TaskState = "runs"
	TaskStarts  TaskState = "starts"   // its owner takes the slot over, or loads it
	TaskHalted  TaskState = "halted"   // it has stopped for good
	TaskSilent  TaskState = "silent"   // its owner does not answer for it: a handler runs, or the worker is gone
	TaskNoOwner TaskState = "no owner" // no worker ever took it
	TaskUnasked TaskState = "unasked"  // there was no time to ask, for others did not answer
)

// Task is how a task is, by the store and by its owner.
type Task struct {
	Task    task.ID   `json:"task"`
	Owner   string    `json:"owner"`
	Epoch   string    `json:"epoch"` // token of the ownership period
	Commits uint64    `json:"commits"`
	Parked  int       `json:"parked"`
	State   TaskState `json:"state"`
	Error   string    `json:"error,omitempty"` // why it has halted or does not answer
	Gone    bool      `json:"gone,omitempty"`  // of a silent one: nobody listens where its owner was
	// OwnerSince is when this owner took the task, as it tells, or as it was first seen where
	// it tells nothing. HandedOver is false where it had the task already at the first look:
	// it took it before then.
	OwnerSince time.Time `json:"ownerSince,omitzero"`
	HandedOver bool      `json:"handedOver"`
	// TakeOverSeconds is how long the owner took to take it, and TookFrom who had it before: the
	// owner itself, where it took it anew. 0 and "": it does not tell.
	TakeOverSeconds float64 `json:"takeOverSeconds,omitempty"`
	TookFrom        string  `json:"tookFrom,omitempty"`
	// SilentSince is when it was first seen not to answer.
	SilentSince time.Time `json:"silentSince,omitzero"`
	// Handler is the one that holds it up, of a task that is silent.
	Handler *eventtree.Handler `json:"handler,omitempty"`
	// Waits says what it waits for now; "": nothing.
	Waits  string  `json:"waits,omitempty"`
	Status *Status `json:"status,omitempty"` // as its owner tells it; nil where it told nothing
	told   told
}

// told is what an owner tells of how it took a task.
type told struct {
	at       time.Time // zero: nothing
	takeOver time.Duration
	from     string
}

// Status is what a task is at, as its owner tells it (runtime.Status).
type Status struct {
	Running     bool           `json:"running"`
	Reading     bool           `json:"reading"`    // a handler waits for what it reads
	Committing  bool           `json:"committing"` // a commit is under way
	Open        int            `json:"open"`       // events of the open batch
	Queued      int            `json:"queued"`     // events that wait to run
	QueuedBytes int64          `json:"queuedBytes"`
	Pending     int            `json:"pending"`   // records that it has begun and not finished
	Trees       int            `json:"trees"`     // of them, that wait for acks
	Calls       int            `json:"calls"`     // to the outside, under way or waiting
	Appends     int            `json:"appends"`   // of handlers, that the logs may not have yet
	Appenders   int            `json:"appenders"` // who waits for records
	Cached      int            `json:"cached"`    // elements of PStates in memory
	Streams     []StreamStatus `json:"streams"`
	Sources     []SourceStatus `json:"sources"`
	Held        []Held         `json:"held"`             // what a test holds back
	Paused      []string       `json:"paused,omitempty"` // topologies that begin nothing on it until they are resumed
}

// SourceStatus is where a source stands on the task's partition of its depot.
type SourceStatus struct {
	Topology string `json:"topology"`
	Source   string `json:"source"`
	Depot    string `json:"depot"`
	Next     int64  `json:"next"`
	Waiting  int    `json:"waiting"` // records that were read and have not begun
	Retries  int    `json:"retries"` // records that wait for their next attempt
}

// Held is what waits at a hold of a task.
type Held struct {
	Handler string `json:"handler"`
	Events  int    `json:"events"`
}

// StreamStatus is how many records of a stream are under way on a task, and how many may be.
type StreamStatus struct {
	Topology string `json:"topology"`
	InFlight int    `json:"inFlight"`
	Limit    int    `json:"limit"`
}

func statusOf(s *runtime.Status) *Status {
	out := &Status{
		Paused: s.Paused, Running: s.Running, Reading: s.Reading, Committing: s.Committing, Open: s.Open, Queued: s.Queued, QueuedBytes: s.QueuedBytes, Pending: s.Pending,
		Trees: s.Trees, Calls: s.Calls, Appends: s.Appends, Appenders: s.Appenders, Cached: s.Cached, Streams: []StreamStatus{}, Sources: []SourceStatus{}, Held: []Held{},
	}
	for _, f := range s.Streams {
		out.Streams = append(out.Streams, StreamStatus{f.Topology, f.InFlight, f.Limit})
	}
	for _, f := range s.Sources {
		out.Sources = append(out.Sources, SourceStatus{f.Topology, f.Source, f.Depot, f.Next, f.Waiting, f.Retries})
	}
	for _, h := range s.Held {
		out.Held = append(out.Held, Held{h.Handler.String(), h.Events})
	}
	return out
}

// hold adds what a task has of a stream under way.
func (t *Topology) hold(s *StreamStatus) {
	t.InFlight += s.InFlight
	if t.Limit == 0 || s.InFlight*t.Limit > t.Fullest*s.Limit {
		t.Fullest, t.Limit = s.InFlight, s.Limit
	}
}

// InFlight is how many records the tasks have begun and not finished.
func (m *Module) InFlight() (n int) {
	for i := range m.Tasks {
		if s := m.Tasks[i].Status; s != nil {
			n += s.Pending
		}
	}
	return n
}

// total sums a number of each.
func total[T any, N int | int64 | float64](all []T, of func(*T) N) (sum N) {
	for i := range all {
		sum += of(&all[i])
	}
	return sum
}

// Lag is how many records are not done, of all topologies.
func (m *Module) Lag() int64 {
	return total(m.Topologies, func(t *Topology) int64 { return t.Lag })
}

// DonePerSecond is the rate of all topologies.
func (m *Module) DonePerSecond() float64 {
	return total(m.Topologies, func(t *Topology) float64 { return t.DonePerSecond })
}

// AppendedPerSecond is the rate of all topologies: a record that several read counts for each.
func (m *Module) AppendedPerSecond() float64 {
	return total(m.Topologies, func(t *Topology) float64 { return t.AppendedPerSecond })
}

// Done is how many records are done, and End how many there are, for all topologies.
func (m *Module) Done() int64 {
	return total(m.Topologies, func(t *Topology) int64 { return t.Done })
}

// End is how many records the depots hold or held, for each topology that reads them.
func (m *Module) End() int64 {
	return total(m.Topologies, func(t *Topology) int64 { return t.End })
}

// Retries is how many records wait for their next attempt.
func (m *Module) Retries() int {
	return total(m.Topologies, func(t *Topology) int { return t.Retries })
}

// Course is the window of all topologies together, oldest first.
func (m *Module) Course() []Point {
	if len(m.Topologies) == 0 {
		return nil
	}
	sum := slices.Clone(m.Topologies[0].Course)
	for _, t := range m.Topologies[1:] {
		// One that began later has less to tell.
		n := min(len(sum), len(t.Course))
		a, b := sum[len(sum)-n:], t.Course[len(t.Course)-n:]
		for i := range n {
			a[i].DonePerSecond += b[i].DonePerSecond
			a[i].AppendedPerSecond += b[i].AppendedPerSecond
			a[i].Lag += b[i].Lag
		}
	}
	return sum
}
