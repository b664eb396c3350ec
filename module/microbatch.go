package module

import (
	"fmt"

	"github.com/coppice-run/coppice/pstate"
)

// Microbatch is a microbatch topology: it processes the records of its sources in
// microbatches, one after another, each as a whole. All that the records of a microbatch
// do, on all tasks, happens once, or is tried again, and becomes visible when all of it
// is there: on each task at one instant, on all within a moment (promises 0.18, 0.24).
//
// A microbatch takes what has come since the one before it. Its appenders do not wait
// for it. Streams of the module see what it writes when it is committed.
type Microbatch struct{ stream Stream }

func (m *Microbatch) topology() *Stream { return &m.stream }

// MicrobatchOption changes how a microbatch topology processes its records.
type MicrobatchOption func(*StreamPlan)

// Microbatch declares a microbatch topology.
func (b *Builder) Microbatch(name string, options ...MicrobatchOption) *Microbatch {
	m := &Microbatch{stream: *b.topology(name, microbatchNoun)}
	m.stream.plan.Microbatch = true
	applyAll(b, fmt.Sprintf("%s %q", microbatchNoun, name), options, m.stream.plan)
	return m
}

const microbatchNoun = "microbatch topology"

// noun words what the topology is.
func (s *StreamPlan) noun() string {
	if s.Microbatch {
		return microbatchNoun
	}
	return "stream"
}

// PState declares a PState that this topology writes; h points to its handle, whose type
// is the schema. Any topology and client may read it, unless it is pstate.Private: they see
// whole microbatches.
func (m *Microbatch) PState(h pstate.Schema, name string, options ...pstate.Option) {
	m.stream.PState(h, name, options...)
}

// Temporary declares a PState that is empty at the beginning of each microbatch (promise
// 13.14): handlers of this topology write and read it like others, with all structures, and
// nothing of it is stored. It lives in the memory of its task, for one attempt.
func (m *Microbatch) Temporary(h pstate.Schema, name string, options ...pstate.Option) {
	m.stream.declarePState(h, name, true, append(options, pstate.Private()))
}
