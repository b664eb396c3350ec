package module

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/coppice-run/coppice/depot"
)

// Ticks is the handle of a tick depot: it gives the topologies that read it a [Tick] every
// so often. There is no topic behind it, and nobody appends to it.
type Ticks struct{ plan *DepotPlan }

// Tick is what a tick depot gives. It is the record of its event: Event.Now is its Time.
type Tick struct {
	// Time is when it was due: a multiple of the period since the start of 1970, in UTC.
	Time time.Time
	// Missed counts the ticks before it that were due and that the source was never given,
	// or whose events never ended well: see [TickDepot].
	Missed int
}

// Periods are how many ticks this one stands for: itself, and those that were missed.
func (t Tick) Periods() int { return t.Missed + 1 }

// TickPeriodMin is the shortest period of a tick depot. Periods are multiples of it.
const TickPeriodMin = time.Millisecond

// TickDepot declares a depot that ticks, on task 0: send on from there, to all tasks for
// instance, what is to happen elsewhere (promise 4.11). Ticks are due at the multiples of
// the period, by the clock of the worker that owns task 0; the first one that a source is
// given is due after its topology began.
//
// No tick is missed in silence. While nobody owns the task, while the source may not begin
// records, or while a microbatch runs, ticks are not queued: the next tick that is given
// counts them (Tick.Missed). So a source has one tick waiting at most, and for whom each
// tick matters the ticks that it was given stand for every one that was due: in order,
// and exactly once or at least once, as the topology's records have their effects. A clock
// that is set ahead makes a tick that counts what was jumped over; one that is set back,
// or a new owner whose clock is behind, makes a pause until the ticks that were given have passed.
//
// A microbatch has one tick of a source at most, which stands for all periods since the
// microbatch before (promise 4.12). The period may change with a version of the module.
func TickDepot(b *Builder, t *Ticks, name string, period time.Duration) {
	thing := b.declare("depot", name, t)
	if period < TickPeriodMin || period%TickPeriodMin != 0 {
		b.mistake(thing, fmt.Sprintf("has a period of %v", period), "a period is some milliseconds, and at least one")
	}
	t.plan = &DepotPlan{
		Module: b.plan.Module, Name: name, Type: typeName[Tick](), Partitioning: "ticks", Codec: "json",
		Global: true, Disallowed: true, PeriodMillis: max(period.Milliseconds(), 1),
	}
	b.plan.Depots = append(b.plan.Depots, t.plan)
}

// DeclareTickSource has a topology process the ticks of a depot: f runs for each that it is
// given, on task 0. A tick whose event fails is tried again like a record, and put aside
// after MaxAttempts. Start positions and RetryAllAfter do not go with ticks.
func DeclareTickSource(of Topology, t Ticks, f func(*Event, Tick) error, options ...SourceOption) {
	s := of.topology()
	if t.plan == nil {
		s.b.mistake(fmt.Sprintf("source of %s %q", s.plan.noun(), s.plan.Name), "reads a tick depot that is not declared", "declare the depot before the source: TickDepot")
		return
	}
	plan := s.declareSource(t.plan, f == nil, options)
	plan.Run = func(ev *Event, r *depot.Record) error {
		var tick Tick
		if err := json.Unmarshal(r.Value, &tick); err != nil {
			return Park(fmt.Errorf("tick does not decode: %w", err))
		}
		return f(ev, tick)
	}
}

// tickMistakes lists what does not go with ticks.
func (p *SourcePlan) tickMistakes(wrong func(text, mend string)) {
	if p.Depot.PeriodMillis == 0 {
		return
	}
	if p.Start != (Start{}) {
		wrong("starts at "+p.Start.String()+", and reads ticks", "leave it out: ticks begin with the topology")
	}
	if p.Retry == RetriesAllAfter {
		wrong("has RetryAllAfter, and reads ticks", "leave it out: a tick that fails is tried again, and later ones do not wait for it")
	}
}
