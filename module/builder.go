package module

import (
	"fmt"
	"reflect"
)

// Builder collects a module's declarations. It is valid during Define.
type Builder struct {
	plan     *Plan
	mistakes []Mistake
	pointers map[any]string  // handles declared, by their address
	names    map[string]bool // "kind name"
	later    []func()        // checks that need all declarations
	steps    int
	batches  []*Batch
	cells    int    // of the parts of batch blocks
	where    string // the line of the user's source that is being declared, if a front end knows it
}

func (b *Builder) mistake(thing, text, mend string) {
	if b.where != "" {
		thing = b.where + ": " + thing
	}
	b.mistakes = append(b.mistakes, Mistake{thing, text, mend})
}

// check does something when everything is declared.
func (b *Builder) check(f func()) {
	where := b.where
	b.later = append(b.later, func() {
		b.where = where
		f()
		b.where = ""
	})
}

// declare checks a name and that neither it nor the handle was declared before.
func (b *Builder) declare(kind, name string, handle any) (thing string) {
	thing = fmt.Sprintf("%s %q", kind, name)
	if !namePattern.MatchString(name) {
		b.mistake(thing, "the name is not allowed", "a name has "+nameRule)
	}
	if b.names[thing] {
		b.mistake(thing, "declared twice", "give each "+kind+" a name of its own")
	}
	b.names[thing] = true
	b.handle(thing, handle)
	return thing
}

// handle checks that a handle, a pointer, was not declared before; nil: there is none.
func (b *Builder) handle(thing string, handle any) {
	switch {
	case handle == nil:
	case isNil(handle):
		b.mistake(thing, "its handle is nil", "pass the address of a field of the module")
	default:
		if other, twice := b.pointers[handle]; twice {
			b.mistake(thing, "its handle is that of "+other+" already", "declare each field once")
		}
		b.pointers[handle] = thing
	}
}

func isNil(handle any) bool {
	v := reflect.ValueOf(handle)
	return v.Kind() == reflect.Pointer && v.IsNil()
}

// fill sets a handle, unless it is nil, which is a mistake already.
func fill[H any](handle *H, to H) {
	if handle != nil {
		*handle = to
	}
}

// applyAll applies the options of a declaration.
func applyAll[P any, O ~func(P)](b *Builder, thing string, options []O, to P) {
	for i, o := range options {
		if o == nil {
			b.mistake(thing, fmt.Sprintf("its option %d is nil", i), "leave it out")
			continue
		}
		o(to)
	}
}

// finish runs the checks that need all declarations.
func (b *Builder) finish() {
	for _, batch := range b.batches {
		batch.finish()
	}
	for _, check := range b.later {
		check()
	}
	for _, s := range b.plan.Streams {
		if len(s.Sources) == 0 {
			b.mistake(fmt.Sprintf("%s %q", s.noun(), s.Name), "has no source", "declare what it reads: module.DeclareSource")
		}
	}
	b.plan.StepCount = b.steps
}

// Stream is a stream topology: it processes each record of its sources as it
// arrives, and its appenders can wait for the result.
type Stream struct {
	b     *Builder
	plan  *StreamPlan
	asked bool // it stands for a query
}

// Stream declares a stream topology.
func (b *Builder) Stream(name string, options ...StreamOption) *Stream {
	s := b.topology(name, "stream")
	applyAll(b, fmt.Sprintf("stream %q", name), options, s.plan)
	return s
}

// topology declares a topology. No two of a module have one name, of whatever kind.
func (b *Builder) topology(name, noun string) *Stream {
	thing := b.declare(noun, name, nil)
	for _, other := range b.plan.Streams {
		if other.Name == name && other.noun() != noun {
			b.mistake(thing, "has the name of a "+other.noun(), "give each topology a name of its own")
		}
	}
	plan := &StreamPlan{ID: len(b.plan.Streams), Name: name}
	b.plan.Streams = append(b.plan.Streams, plan)
	return &Stream{b: b, plan: plan}
}

func (s *Stream) topology() *Stream { return s }

// Topology is what steps and sources belong to: a *Stream or a *Microbatch.
type Topology interface{ topology() *Stream }

// StreamOption changes how a stream processes its records.
type StreamOption func(*StreamPlan)

// ExactlyOnce makes the effects of a record happen once, also over hops and whatever
// fails (R23 to R29). An event that is committed is never repeated: what it sends is
// stored with it, and applied once. So a failure further down repeats the failing
// event alone, in its place: the events that come to it from the same task wait behind
// it until it succeeds, or is parked after the source's MaxAttempts. A record that
// takes longer than topology.stream.timeout.seconds goes on; only its appender is told
// that the outcome is not known yet.
//
// What handlers append to depots, and write to topics, happens once, too: see
// [Depot.Emit] and [Topic].
//
// Costs a few fields per commit. RetryNone, RetryAllAfter and MaxAttempts(0) do not
// go with it.
func ExactlyOnce() StreamOption { return func(p *StreamPlan) { p.ExactlyOnce = true } }

// WithoutSteps says that steps of an exactly-once stream, which the version before had, are
// gone, and that no event is under way to them. Without it such a version is refused: its
// tasks would halt at the first event for a step that they do not have, and the workers
// that run the version before go on sending some. So take a step away in two updates: by
// the first nobody sends to it any more, and by the second, when the events are done, it is
// gone.
func WithoutSteps(names ...string) StreamOption {
	return func(p *StreamPlan) { p.without = append(p.without, names...) }
}
