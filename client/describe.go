package client

import (
	"context"
	"errors"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
)

// Description says what a running module declares, as it has registered it. The code of
// the module is not needed.
type Description struct {
	Module     string         `json:"module"`
	Tasks      int            `json:"tasks"`
	Depots     []DepotInfo    `json:"depots"`
	Topics     []TopicInfo    `json:"topics"`
	PStates    []PStateInfo   `json:"pStates"`
	Topologies []TopologyInfo `json:"topologies"`
	Queries    []QueryInfo    `json:"queries"`
	Mirrors    []MirrorInfo   `json:"mirrors"`    // what it uses of other modules
	MirroredBy []MirrorInfo   `json:"mirroredBy"` // what other modules use of it
	Former     []PStateInfo   `json:"former"`     // PStates of earlier versions, whose data are still there
}

// DepotInfo is a depot of a module.
type DepotInfo struct {
	Name         string `json:"name"`
	Type         string `json:"type"`         // Go type of the records
	Record       string `json:"record"`       // their stored form in words; "" where only their codec knows it
	Codec        string `json:"codec"`        // json, text, union, msgpack, …
	Partitioning string `json:"partitioning"` // hash, random, global, custom or ticks
	PeriodMillis int64  `json:"periodMillis"` // of ticks, else 0
	IDWindow     int    `json:"idWindow"`     // offsets within which an append's id counts; 0: appends have none
	Key          string `json:"key"`          // type of the key that partitions, of hash; "" if not known
	Partitions   int    `json:"partitions"`
	Appends      bool   `json:"appends"` // clients may append
}

// TopicInfo is a topic of others, which handlers write to or sources read.
type TopicInfo struct {
	Name  string `json:"name"`
	Type  string `json:"type"`
	Codec string `json:"codec"`
	Keyed bool   `json:"keyed"`
}

// PStateInfo is a PState of a module.
type PStateInfo struct {
	Name     string `json:"name"`
	Topology string `json:"topology"` // that writes it
	Schema   string `json:"schema"`   // in words, with the names of Go types
	Global   bool   `json:"global"`   // one partition, on task 0
	Private  bool   `json:"private"`  // clients do not read it
	// Temporary: it is empty in each microbatch, and never stored.
	Temporary bool `json:"temporary"`
	// OwnPartitioner: a function of the module chooses the task of a key.
	OwnPartitioner bool `json:"ownPartitioner"`
	// Migrations are those that its values pass when they are read, the oldest first.
	Migrations []string `json:"migrations"`
	Initial    *string  `json:"initial,omitempty"` // stored form of what is there before the first write
	Level      Level    `json:"level"`             // the outermost
}

// Level is one level of a PState's schema: a structure.
type Level struct {
	Name   string  `json:"name,omitempty"`   // among fixed keys
	Kind   string  `json:"kind"`             // value, map, sorted map, set, sorted set, list, map of, list of, fixed keys
	Key    string  `json:"key,omitempty"`    // type of the keys, or of the elements of a set
	Value  string  `json:"value,omitempty"`  // stored form of the values, in words
	Codec  string  `json:"codec,omitempty"`  // of the values
	Within *Level  `json:"within,omitempty"` // of a map or list of structures
	Fields []Level `json:"fields,omitempty"` // of fixed keys
}

// TopologyInfo is a topology of a module.
type TopologyInfo struct {
	Name        string       `json:"name"`
	Kind        string       `json:"kind"` // stream or microbatch
	ExactlyOnce bool         `json:"exactlyOnce"`
	Guarantee   string       `json:"guarantee"` // in words
	Sources     []SourceInfo `json:"sources"`
	Steps       []StepInfo   `json:"steps"`
	Batches     []BatchInfo  `json:"batches"` // batch blocks of a microbatch topology
	Acks        []string     `json:"acks"`    // Go types of what an append returns
}

// SourceInfo is a source of a topology.
type SourceInfo struct {
	Name     string `json:"name"`
	Depot    string `json:"depot"`
	Start    string `json:"start"`    // where it began, in words
	Failures string `json:"failures"` // what happens to records that fail, in words
}

// StepInfo is a step of a topology.
type StepInfo struct {
	Name      string `json:"name"`
	Type      string `json:"type"` // of what a hop to it carries
	Placement string `json:"placement"`
	Codec     string `json:"codec"`
	Outside   bool   `json:"outside"` // a call to the outside
}

// BatchInfo is a batch block of a microbatch topology.
type BatchInfo struct {
	Name  string   `json:"name"`
	Parts []string `json:"parts"` // in words: what rows become in it
}

// QueryInfo is a query of a module.
type QueryInfo struct {
	Name     string  `json:"name"`
	Argument string  `json:"argument"` // Go type
	Result   string  `json:"result"`   // Go type
	Seconds  float64 `json:"seconds"`  // that it may take
}

// MirrorInfo is a depot, PState or query of one module that another one mirrors.
type MirrorInfo struct {
	Kind string `json:"kind"` // depot, PState or query
	// Module is the other module: that declares it, of what this one mirrors; that mirrors
	// it, of what is mirrored here.
	Module string `json:"module"`
	Name   string `json:"name"`
	Type   string `json:"type"` // in words, as the module that mirrors it has it
}

// Describe says what a running module consists of. Errors: ErrNoModule, naming the
// modules that exist.
func (c *Client) Describe(ctx context.Context, name string) (Description, error) {
	b, err := c.bind(ctx, name, nil) // as it is now
	if err != nil {
		return Description{}, err
	}
	d := Description{Module: b.name, Tasks: b.tasks, Depots: []DepotInfo{}, Topics: []TopicInfo{}, Topologies: []TopologyInfo{}, Queries: []QueryInfo{}, Mirrors: []MirrorInfo{}, MirroredBy: []MirrorInfo{}}
	for _, p := range b.plan.Depots {
		d.Depots = append(d.Depots, describeDepot(p, b.tasks))
	}
	for _, t := range b.plan.Topics {
		d.Topics = append(d.Topics, TopicInfo{Name: t.Name, Type: t.Type, Codec: t.Codec, Keyed: t.Keyed})
	}
	d.PStates, d.Former = describePStates(b.plan.PStates), describePStates(b.former)
	for _, s := range b.plan.Streams {
		d.Topologies = append(d.Topologies, describeTopology(s))
	}
	for _, q := range b.plan.Queries {
		d.Queries = append(d.Queries, QueryInfo{Name: q.Name, Argument: q.Argument, Result: q.Result, Seconds: q.Timeout.Seconds()})
	}
	for _, m := range b.plan.Mirrors {
		d.Mirrors = append(d.Mirrors, MirrorInfo{string(m.Kind), m.Module, m.Name, m.Types()})
	}
	dependents, err := c.dependents(ctx, name)
	if unreadable := (*module.RegistrationError)(nil); errors.As(err, &unreadable) {
		err = nil // Modules names it
	}
	for _, other := range dependents {
		for _, m := range other.plan.Mirrors {
			if m.Module == name {
				d.MirroredBy = append(d.MirroredBy, MirrorInfo{string(m.Kind), other.name, m.Name, m.Types()})
			}
		}
	}
	return d, err
}

// Plan is the plan of a running module, as it has registered it: what module/draw draws. Its
// functions are not there. Errors: ErrNoModule.
func (c *Client) Plan(ctx context.Context, name string) (*module.Plan, error) {
	b, err := c.bind(ctx, name, nil) // as it is now
	if err != nil {
		return nil, err
	}
	return b.plan, nil
}

func describeDepot(p *module.DepotPlan, tasks int) DepotInfo {
	d := DepotInfo{Name: p.Name, Type: p.Type, Codec: p.Codec, Partitioning: p.Partitioning, Partitions: p.Partitions(tasks), Appends: !p.Disallowed, PeriodMillis: p.PeriodMillis, IDWindow: p.IDWindow}
	if p.Shape != nil {
		d.Record = p.Shape.String()
	}
	if p.Key != nil {
		d.Key = p.Key.String()
	}
	return d
}

func describePStates(plans []*module.PStatePlan) []PStateInfo {
	all := []PStateInfo{}
	for _, p := range plans {
		all = append(all, PStateInfo{
			Name: p.Name, Topology: p.Topology, Schema: p.Schema, Global: p.Global, Private: p.Private, Temporary: p.Temporary,
			OwnPartitioner: p.OwnPartitioner, Migrations: append([]string{}, p.Migrations...), Initial: p.Initial, Level: describeLevel(p.Layout),
		})
	}
	return all
}

func describeLevel(l *pstate.Layout) Level {
	if l == nil {
		return Level{}
	}
	out := Level{Name: l.Name, Kind: l.Kind, Codec: l.Codec}
	if l.Key != nil {
		out.Key = l.Key.String()
	}
	if l.Value != nil {
		out.Value = l.Value.String()
	}
	if l.Elem != nil {
		within := describeLevel(l.Elem)
		out.Within = &within
	}
	for _, field := range l.Fields {
		out.Fields = append(out.Fields, describeLevel(field))
	}
	return out
}

func describeTopology(s *module.StreamPlan) TopologyInfo {
	t := TopologyInfo{Name: s.Name, Kind: "stream", ExactlyOnce: s.ExactlyOnce || s.Microbatch, Guarantee: s.Guarantee(), Sources: []SourceInfo{}, Steps: []StepInfo{}, Batches: []BatchInfo{}, Acks: []string{}}
	if s.Microbatch {
		t.Kind = "microbatch"
	}
	for _, p := range s.Sources {
		t.Sources = append(t.Sources, SourceInfo{Name: p.Name, Depot: p.Depot.Name, Start: p.Start.String(), Failures: p.Failures()})
	}
	for _, p := range s.Steps {
		step := StepInfo{Name: p.Name, Type: p.Type, Placement: p.Placement, Codec: p.Codec, Outside: p.Outside}
		if step.Codec == "" {
			step.Codec = "json"
		}
		t.Steps = append(t.Steps, step)
	}
	for _, b := range s.Batches {
		t.Batches = append(t.Batches, BatchInfo{Name: b.Name, Parts: append([]string{}, b.Parts...)})
	}
	for _, a := range s.Acks {
		t.Acks = append(t.Acks, a.Type)
	}
	return t
}
