package module

import (
	"fmt"
	"time"

	"github.com/coppice-run/coppice/depot"
)

// SourceOption changes how a stream reads a depot.
type SourceOption func(*SourcePlan)

// DeclareSource makes a stream process the records of a depot: f runs for each,
// on the task that has the depot's partition, at least once, and exactly once
// where it does not hop.
func DeclareSource[T any](s *Stream, d Depot[T], f func(*Event, T) error, options ...SourceOption) {
	if d.d == nil {
		s.b.mistake(fmt.Sprintf("source of stream %q", s.plan.Name), "reads a depot that is not declared", "declare the depot before the source: HashDepot or RandomDepot")
		return
	}
	plan := &SourcePlan{ID: len(s.plan.Sources), Name: d.d.plan.Name, Depot: d.d.plan, MaxAttempts: AttemptsDefault}
	for _, o := range options {
		o(plan)
	}
	thing := fmt.Sprintf("source %q of stream %q", plan.Name, s.plan.Name)
	for _, other := range s.plan.Sources {
		if other.Name == plan.Name {
			s.b.mistake(thing, "declared twice", "a stream reads a depot once")
		}
	}
	if f == nil {
		s.b.mistake(thing, "has no handler", "pass a func(*module.Event, "+typeName[T]()+") error")
	}
	if plan.MaxAttempts < 0 {
		s.b.mistake(thing, "MaxAttempts is negative", "0 retries for ever")
	}
	decl := d.d
	plan.Run = func(ev *Event, r *depot.Record) error {
		v, err := decl.decode(r)
		if err != nil {
			return Park(fmt.Errorf("record does not decode as %s: %w", decl.plan.Type, err))
		}
		return f(ev, v)
	}
	s.plan.Sources = append(s.plan.Sources, plan)
}

// AttemptsDefault is how often a record is tried before it is parked, unless
// MaxAttempts says otherwise.
const AttemptsDefault = 10

// MaxAttempts parks a record after n failed attempts; 0 retries for ever.
func MaxAttempts(n int) SourceOption { return func(s *SourcePlan) { s.MaxAttempts = n } }

// Start says where a source begins on a partition that it has never read.
type Start struct {
	Kind  StartKind
	After time.Time // of StartAfter
}

// StartKind is a way to choose a start.
type StartKind uint8

const (
	StartEnd       StartKind = iota // only records appended after the topology started (promise 3.67)
	StartBeginning                  // the first record there is (promise 3.68)
	StartAfter                      // the first record appended after a time (promise 3.69)
)

// StartFromBeginning starts at the first record of the depot.
func StartFromBeginning() SourceOption {
	return func(s *SourcePlan) { s.Start = Start{Kind: StartBeginning} }
}

// StartFromTimestamp starts at the first record appended after t.
func StartFromTimestamp(t time.Time) SourceOption {
	return func(s *SourcePlan) { s.Start = Start{Kind: StartAfter, After: t} }
}
