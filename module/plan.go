package module

import (
	"fmt"
	"strings"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/internal/wire"
)

// Plan is the checked, printable form of a module. Its function fields are for
// the engine.
type Plan struct {
	Module    string
	Depots    []*DepotPlan
	PStates   []*PStatePlan
	Streams   []*StreamPlan
	StepCount int `json:"-"`
}

// DepotPlan is a declared depot.
type DepotPlan struct {
	Module       string `json:"-"`
	Name         string
	Type         string // of its records
	Partitioning string // "hash" or "random"
	Codec        string
}

// PStatePlan is a declared PState.
type PStatePlan struct {
	Name     string
	Schema   string
	Topology string        // that writes it
	Decl     *overlay.Decl `json:"-"`
}

// StreamPlan is a declared stream topology.
type StreamPlan struct {
	ID      int
	Name    string
	Sources []*SourcePlan
	Steps   []*StepPlan
	Acks    []*AckPlan
}

// SourcePlan is one source of a stream.
type SourcePlan struct {
	ID          int // within the stream
	Name        string
	Depot       *DepotPlan
	Start       Start
	MaxAttempts int                               `json:",omitempty"` // 0: no limit
	Run         func(*Event, *depot.Record) error `json:"-"`
}

// StepPlan is one step of a stream.
type StepPlan struct {
	ID        uint16 // within the module
	Name      string
	Topology  string `json:"-"`
	Placement string
	Type      string // of what a hop to it carries

	stream    int
	NewColumn func(encode bool) wire.Column        `json:"-"`
	Run       func(*Event, wire.Column, int) error `json:"-"`
}

// AckPlan is one declared ack of a stream.
type AckPlan struct {
	Type string
	Fold func(have, next []byte) ([]byte, error) `json:"-"`
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
		fmt.Fprintf(&out, "  depot   %-16s %s, by %s, stored as %s\n", d.Name, d.Type, d.Partitioning, d.Codec)
	}
	for _, s := range p.Streams {
		fmt.Fprintf(&out, "  stream  %s\n", s.Name)
		for _, ps := range p.PStates {
			if ps.Topology == s.Name {
				fmt.Fprintf(&out, "    pstate  %-14s %s\n", ps.Name, ps.Schema)
			}
		}
		for _, source := range s.Sources {
			fmt.Fprintf(&out, "    source  %-14s from %s, %s\n", source.Name, source.Start, source.attempts())
		}
		for _, step := range s.Steps {
			fmt.Fprintf(&out, "    step    %-14s %s, %s\n", step.Name, step.Type, step.Placement)
		}
		for _, a := range s.Acks {
			fmt.Fprintf(&out, "    ack     %s\n", a.Type)
		}
		fmt.Fprintf(&out, "    guarantee: %s\n", s.Guarantee())
	}
	return out.String()
}

// Guarantee says how often a record's effects are in the PStates.
func (s *StreamPlan) Guarantee() string {
	if len(s.Steps) == 0 {
		return "exactly once (no hops)"
	}
	return "exactly once for records that do not hop, at least once for those that do"
}

func (s *SourcePlan) attempts() string {
	if s.MaxAttempts == 0 {
		return "failed records retried for ever"
	}
	return fmt.Sprintf("failed records retried, parked after %d attempts", s.MaxAttempts)
}

// String prints a start.
func (s Start) String() string {
	switch s.Kind {
	case StartBeginning:
		return "the beginning"
	case StartAfter:
		return "after " + s.After.UTC().Format("2006-01-02T15:04:05.000Z")
	}
	return "the end"
}

// TopologyID is the number of the step's stream within the module.
func (s *StepPlan) TopologyID() int { return s.stream }
