package module

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/shape"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/pstate"
)

// Plan is the checked, printable form of a module. Its function fields are for
// the engine.
type Plan struct {
	Module  string
	Depots  []*DepotPlan
	Topics  []*TopicPlan  `json:",omitempty"`
	Objects []*ObjectPlan `json:",omitempty"`
	PStates []*PStatePlan
	Streams []*StreamPlan
	Queries []*QueryPlan `json:",omitempty"`
	// Mirrors are what the module uses of others.
	Mirrors   []*MirrorPlan `json:",omitempty"`
	StepCount int           `json:"-"`
}

// Query returns the query of a name.
func (p *Plan) Query(name string) (*QueryPlan, bool) {
	i := slices.IndexFunc(p.Queries, func(q *QueryPlan) bool { return q.Name == name })
	if i < 0 {
		return nil, false
	}
	return p.Queries[i], true
}

// DepotPlan is a declared depot.
type DepotPlan struct {
	Module       string `json:"-"`
	Name         string
	Type         string // of its records
	Partitioning string // "hash", "random", "global", "custom", "ticks" or "mirror"
	Codec        string
	Global       bool `json:",omitempty"` // one partition, that of task 0
	Disallowed   bool `json:",omitempty"` // clients may not append
	// IDWindow is how many offsets before a record may hold one with its id. 0: records
	// have none.
	IDWindow int `json:",omitempty"`
	// Migration is the id of the migration that records pass when they are read.
	Migration string `json:",omitempty"`
	// PeriodMillis is the period of a tick depot, which has no topic. 0: it is none.
	PeriodMillis int64 `json:",omitempty"`
	// Key is the type of the key of "hash"; nil where keys have only a JSON form.
	Key *wire.KeyType `json:",omitempty"`
	// Shape is the stored form of the records, as far as it is known.
	Shape *shape.Shape `json:",omitempty"`
	// Topic is the topic of others that sources read; "": a depot of the module's own.
	Topic string `json:",omitempty"`
	// Lane tells apart what a task reads of such a topic; see Spread.
	Lane int `json:"-"`
	// TopicPartitions is how many partitions the topic has, once Spread has said so.
	TopicPartitions int `json:"-"`
	// Mirror says where the records are, of a source that reads a depot of another module.
	Mirror *MirroredDepot `json:",omitempty"`
	// Prepare makes a record of its JSON form: the value as the codec stores it, the key,
	// the partition.
	Prepare func(raw []byte) (Record, error) `json:"-"`

	migratesStored bool
}

// TopicPlan is a declared topic: handlers write to it, sources read it.
type TopicPlan struct {
	Module string `json:"-"`
	Name   string // as Kafka has it
	Type   string // of its records
	Codec  string
	Keyed  bool `json:",omitempty"` // its partitions are chosen by a key, else at random
}

// PStatePlan is a declared PState.
type PStatePlan struct {
	Name      string
	Schema    string // in words
	Layout    *pstate.Layout
	Topology  string // that writes it
	Global    bool   `json:",omitempty"` // one partition, that of task 0
	Private   bool   `json:",omitempty"` // read by its topology only
	Temporary bool   `json:",omitempty"` // empty in each microbatch, never stored
	// OwnPartitioner: a function of the module chooses the task of a key.
	OwnPartitioner bool    `json:",omitempty"`
	Initial        *string `json:",omitempty"` // stored form of what is there before the first write
	// Migrations are those that its values pass, the oldest first, and Migrated those of earlier
	// versions, which are done.
	Migrations []string      `json:",omitempty"`
	Migrated   []string      `json:",omitempty"`
	Decl       *overlay.Decl `json:"-"`
}

// StreamPlan is a declared stream topology.
type StreamPlan struct {
	ID      int
	Name    string
	Sources []*SourcePlan
	Steps   []*StepPlan
	Acks    []*AckPlan
	Flows   []*FlowPlan `json:",omitempty"` // sources that are written as dataflow
	// ExactlyOnce: what an event does takes effect once; hops and appends are kept until
	// they have arrived, and taken once.
	ExactlyOnce bool `json:",omitempty"`
	// without are steps of the version before that are gone, with no event under way.
	without []string
	// Microbatch: records are processed in microbatches, each as a whole on all tasks.
	Microbatch bool `json:",omitempty"`
	// Batches are the batch blocks of a microbatch topology, in their order.
	Batches []*BatchPlan `json:",omitempty"`
	// Yields: events of the topology may give up their task in the middle (module/flow).
	Yields bool `json:"-"`
	// Rounds are the steps with which the rounds of batch blocks begin, one event of each on
	// every task.
	Rounds []*StepPlan `json:"-"`

	declared int // sources that are declared, where there are lanes of them (Spread)
}

// BatchPlan is a declared batch block.
type BatchPlan struct {
	Name  string
	Parts []string // in words: what rows become in it
}

// SourcePlan is one source of a stream.
type SourcePlan struct {
	ID          int // within the stream
	Name        string
	Depot       *DepotPlan
	Start       Start
	Retry       RetryMode `json:",omitempty"`
	MaxAttempts int       `json:",omitempty"` // 0: no limit
	// GoesOnWhenFull: the source begins records although the store is nearly full.
	GoesOnWhenFull bool                              `json:",omitempty"`
	Run            func(*Event, *depot.Record) error `json:"-"`
	// Decodes says why a record's value is none that Run takes; nil: it is one, or nobody knows.
	Decodes func(*depot.Record) error `json:"-"`

	attemptsChosen  bool
	retries, starts int // how often each was chosen
}

// StepPlan is one step of a stream.
type StepPlan struct {
	ID        uint16 // within the module
	Name      string
	Topology  string `json:"-"`
	Placement string
	Type      string // of what a hop to it carries
	Codec     string `json:",omitempty"` // of that; "" is json
	// Decodes says why stored bytes are nothing that a hop to it carries; nil: they are.
	Decodes func(raw []byte) error `json:"-"`
	// FormerNames are those that events under way may still have for the step.
	FormerNames []string `json:",omitempty"`

	// Key is the hash of an event's key, where events wait for one of their key that has
	// yielded; 0: it has none. Rest: the step runs what is left of those.
	Key  func(wire.Column, int) uint64 `json:"-"`
	Rest bool                          `json:"-"`

	stream    int
	NewColumn func(encode bool) wire.Column        `json:"-"`
	Run       func(*Event, wire.Column, int) error `json:"-"`

	// Outside: the step is a call to the outside. Call makes it, beside the task, and
	// Called is the event that takes its result.
	Outside bool                                                               `json:",omitempty"`
	Call    func(context.Context, wire.Column, int) (result []byte, err error) `json:"-"`
	Called  func(*Event, []byte) error                                         `json:"-"`
}

// AckPlan is one declared ack of a stream.
type AckPlan struct {
	Type string
	// Fold takes a value into a result, which is nil for the first; Merge one result into another.
	Fold  func(have, next []byte) ([]byte, error) `json:"-"`
	Merge func(have, next []byte) ([]byte, error) `json:"-"`
}

// Steps returns all steps of the module by their ID.
func (p *Plan) Steps() []*StepPlan {
	steps := make([]*StepPlan, p.StepCount)
	for _, s := range p.Streams {
		for _, step := range s.Steps {
			steps[step.ID] = step
		}
	}
	return steps
}

// Depot returns the declared depot of a name.
func (p *Plan) Depot(name string) (*DepotPlan, bool) {
	for _, d := range p.Depots {
		if d.Name == name {
			return d, true
		}
	}
	return nil, false
}

// String prints the plan.
func (p *Plan) String() string {
	var out strings.Builder
	fmt.Fprintf(&out, "module %s\n", p.Module)
	for _, d := range p.Depots {
		fmt.Fprintf(&out, "  depot   %-16s %s, %s, stored as %s%s%s\n", d.Name, d.Type, d.partitioning(), d.Codec, d.appenders(), d.readings())
	}
	for _, t := range p.Topics {
		fmt.Fprintf(&out, "  topic   %-16s %s, %s, stored as %s\n", t.Name, t.Type, t.partitioning(), t.Codec)
	}
	for _, o := range p.Objects {
		fmt.Fprintf(&out, "  object  %-16s %s, one of each task\n", o.Name, o.Type)
	}
	for _, m := range p.Mirrors {
		fmt.Fprintf(&out, "  mirror  %-16s %s\n", m.Module+"."+m.Name, m)
	}
	for _, s := range p.Streams {
		fmt.Fprintf(&out, "  %s %s\n", s.kind(), s.Name)
		for _, ps := range p.PStates {
			if ps.Topology == s.Name {
				fmt.Fprintf(&out, "    pstate  %-14s %s\n", ps.Name, ps)
			}
		}
		for _, source := range s.Sources {
			fmt.Fprintf(&out, "    source  %-14s from %s, %s\n", source.Name, source.Start, source.Failures())
		}
		for _, step := range s.Steps {
			if step.Outside {
				fmt.Fprintf(&out, "    call    %-14s %s, %s\n", step.Name, step.Type, step.Placement)
				continue
			}
			fmt.Fprintf(&out, "    step    %-14s %s, %s%s\n", step.Name, step.Type, step.Placement, step.carried())
		}
		for _, b := range s.Batches {
			fmt.Fprintf(&out, "    batch   %-14s %s\n", b.Name, strings.Join(b.Parts, "; "))
		}
		for _, a := range s.Acks {
			fmt.Fprintf(&out, "    ack     %s\n", a.Type)
		}
		fmt.Fprintf(&out, "    guarantee: %s\n", s.Guarantee())
	}
	for _, q := range p.Queries {
		fmt.Fprintf(&out, "  query   %-16s %s to %s, within %v\n", q.Name, q.Argument, q.Result, q.Timeout)
	}
	return out.String()
}

// String words how a PState is declared.
func (p *PStatePlan) String() string {
	var out strings.Builder
	out.WriteString(p.Schema)
	for _, o := range []struct {
		set  bool
		text string
	}{{p.Global, ", global"}, {p.Private && !p.Temporary, ", private"}, {p.Temporary, ", temporary"}, {p.OwnPartitioner, ", by a partitioner of its own"}} {
		if o.set {
			out.WriteString(o.text)
		}
	}
	for _, name := range p.Layout.Codecs() {
		if name != "json" {
			out.WriteString(", stored as " + name)
		}
	}
	if len(p.Migrations) > 0 {
		fmt.Fprintf(&out, ", migrated by %s", strings.Join(p.Migrations, ", then "))
	}
	if p.Initial != nil {
		fmt.Fprintf(&out, ", at first %s", *p.Initial)
	}
	return out.String()
}

// ReadBy reports whether a program that declares the PState in its own way reads what
// this one stores: one is the other, or has fields that the other has not.
func (p *PStatePlan) ReadBy(other *PStatePlan) bool {
	return p.Global == other.Global && p.OwnPartitioner == other.OwnPartitioner && initialOf(p) == initialOf(other) &&
		(len(p.Layout.Changes(other.Layout)) == 0 || len(other.Layout.Changes(p.Layout)) == 0 && len(p.Migrations) == 0) && p.migratedBy(other)
}

// MigrationID names all migrations of the PState together: what its tasks have to be done with.
func (p *PStatePlan) MigrationID() string { return strings.Join(p.Migrations, ",") }

// migratedBy reports whether a program that declares the PState in its own way has the
// migrations that stored values may still have to pass, and none that they have passed and
// forgotten.
func (p *PStatePlan) migratedBy(other *PStatePlan) bool {
	for _, id := range p.Migrations {
		if !slices.Contains(other.Migrations, id) {
			return false
		}
	}
	return !slices.ContainsFunc(p.Migrated, func(id string) bool { return slices.Contains(other.Migrations, id) })
}

// Partitions is the number of the depot's partitions in a module of so many tasks.
func (d *DepotPlan) Partitions(tasks int) int {
	if d.Mirror != nil {
		return d.Mirror.reads(tasks)
	}
	if d.Global {
		return 1
	}
	return tasks
}

func (d *DepotPlan) partitioning() string {
	if d.PeriodMillis > 0 {
		return "every " + (time.Duration(d.PeriodMillis) * time.Millisecond).String()
	}
	if d.Global {
		return "one partition"
	}
	return "by " + d.Partitioning
}

func (t *TopicPlan) partitioning() string {
	if t.Keyed {
		return "by key"
	}
	return "at random"
}

func (d *DepotPlan) appenders() string {
	if d.Disallowed && d.PeriodMillis == 0 {
		return ", no appends by clients"
	}
	return ""
}

// readings words what becomes of records when they are read.
func (d *DepotPlan) readings() string {
	text := ""
	if d.IDWindow > 0 {
		text = fmt.Sprintf(", appends with ids once within %d records", d.IDWindow)
	}
	if d.Migration != "" {
		text += ", migrated by " + d.Migration
	}
	return text
}

// Guarantee says how often a record's effects are in the PStates.
func (s *StreamPlan) Guarantee() string {
	if slices.ContainsFunc(s.Sources, func(p *SourcePlan) bool { return p.Retry == RetriesNone }) {
		return "at most once for records of sources that do not retry, else " + s.guaranteeRetrying()
	}
	return s.guaranteeRetrying()
}

func (s *StreamPlan) guaranteeRetrying() string {
	switch {
	case s.Microbatch:
		return "exactly once, each microbatch as a whole on all tasks"
	case s.ExactlyOnce:
		return "exactly once, also over hops and appends"
	case len(s.Steps) == 0:
		return "exactly once (no hops), at least once for records that append to depots"
	}
	return "exactly once for records that neither hop nor append to depots, at least once for those that do"
}

// kind is what sort of topology it is, padded.
func (s *StreamPlan) kind() string {
	if s.Microbatch {
		return "microbatch"
	}
	return "stream "
}

// Failures words what happens to records that fail.
func (s *SourcePlan) Failures() string {
	again := "retried"
	switch s.Retry {
	case RetriesNone:
		return "failed records dropped"
	case RetriesAllAfter:
		again = "retried with all behind them"
	}
	if s.MaxAttempts == 0 {
		return "failed records " + again + " for ever"
	}
	return fmt.Sprintf("failed records %s, parked after %d attempts", again, s.MaxAttempts)
}

func (s *StepPlan) carried() string {
	if s.Codec == "" {
		return ""
	}
	return ", carried as " + s.Codec
}

// TopologyID is the number of the step's stream within the module.
func (s *StepPlan) TopologyID() int { return s.stream }
