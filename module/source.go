package module

import (
	"errors"
	"fmt"

	"github.com/coppice-run/coppice/codec"
	"github.com/coppice-run/coppice/depot"
)

// SourceOption changes how a stream reads a depot.
type SourceOption func(*SourcePlan)

// DeclareSource makes a topology process the records of a depot: f runs for each, on the
// task that has the depot's partition. In a stream it does so at least once, and exactly
// once where it does not hop; in a microbatch exactly once.
func DeclareSource[T any](of Topology, d Depot[T], f func(*Event, T) error, options ...SourceOption) {
	s := of.topology()
	if d.d == nil {
		s.b.mistake(fmt.Sprintf("source of %s %q", s.plan.noun(), s.plan.Name), "reads a depot that is not declared", "declare the depot before the source: HashDepot or RandomDepot")
		return
	}
	decl := d.d
	plan := s.declareSource(decl.reads(), f == nil, options)
	plan.Run = func(ev *Event, r *depot.Record) error {
		v, gone, err := decl.decode(r)
		switch {
		case err != nil:
			return undecoded(fmt.Errorf("record does not decode as %s: %w", decl.plan.Type, err))
		case gone:
			return nil
		}
		return f(ev, v)
	}
	plan.Decodes = func(r *depot.Record) error {
		if _, _, err := decl.decode(r); err != nil {
			return fmt.Errorf("it does not decode as %s: %w", decl.plan.Type, err)
		}
		return nil
	}
}

// declareSource adds a source to the topology.
func (s *Stream) declareSource(d *DepotPlan, lacksHandler bool, options []SourceOption) *SourcePlan {
	plan := &SourcePlan{ID: len(s.plan.Sources), Name: d.sourceName(), Depot: d, MaxAttempts: AttemptsDefault}
	applyAll(s.b, fmt.Sprintf("source of depot %q in %s %q", d.Name, s.plan.noun(), s.plan.Name), options, plan)
	thing := fmt.Sprintf("source %q of %s %q", plan.Name, s.plan.noun(), s.plan.Name)
	for _, m := range plan.mistakes(s.plan) {
		s.b.mistake(thing, m.Text, m.Mend)
	}
	if lacksHandler {
		s.b.mistake(thing, "has no handler", "pass a func(*module.Event, "+d.Type+") error")
	}
	s.plan.Sources = append(s.plan.Sources, plan)
	return plan
}

// mistakes lists what is wrong with the options.
func (p *SourcePlan) mistakes(stream *StreamPlan) (all []Mistake) {
	wrong := func(text, mend string) { all = append(all, Mistake{Text: text, Mend: mend}) }
	for _, other := range stream.Sources {
		if other.Name == p.Name {
			wrong("declared twice", "give a further source of the same depot a name of its own: module.SourceID")
		} else if other.Depot == p.Depot && (other.Retry == RetriesNone || p.Retry == RetriesNone) {
			wrong("is one of several sources of a depot, and one of them has RetryNone", "several sources of one depot retry: RetryNone goes with a single one (promise 3x.02)")
		}
	}
	if !namePattern.MatchString(p.Name) && (p.Depot.Mirror == nil || p.Name != p.Depot.Name) {
		wrong(fmt.Sprintf("has the name %q", p.Name), "a name has "+nameRule)
	}
	if stream.Microbatch && p.Retry != RetriesIndividual {
		wrong("has a retry mode in a microbatch topology", "leave it out: a microbatch is tried again as a whole, until it is decided")
	}
	if stream.ExactlyOnce {
		switch {
		case p.Retry == RetriesNone:
			wrong("has RetryNone in an exactly-once stream", "at most once and exactly once exclude each other: leave one of them out")
		case p.Retry == RetriesAllAfter:
			wrong("has RetryAllAfter in an exactly-once stream", "leave RetryAllAfter out: events from one task to another keep their order over failures anyway")
		case p.MaxAttempts == 0:
			wrong("has MaxAttempts(0) in an exactly-once stream", "an event that never succeeds would hold what comes behind it for ever: give a limit, after which it is parked")
		}
	}
	if p.retries > 1 {
		wrong("has several retry modes", "choose one: RetryNone or RetryAllAfter")
	}
	if p.starts > 1 {
		wrong("has several starts", "choose one: of those that are given only the last would count")
	}
	switch {
	case p.MaxAttempts > attemptsMax:
		wrong(fmt.Sprintf("has MaxAttempts(%d)", p.MaxAttempts), fmt.Sprintf("attempts are counted to %d; 0 retries for ever", attemptsMax))
	case p.MaxAttempts < 0:
		wrong("MaxAttempts is negative", "0 retries for ever")
	case p.Retry == RetriesNone && p.attemptsChosen:
		wrong("has both RetryNone and MaxAttempts", "RetryNone never retries: leave MaxAttempts out")
	case p.Retry == RetriesNone:
		p.MaxAttempts = 1
	}
	p.tickMistakes(wrong)
	if p.Start.Ago < 0 || p.Start.Records < 0 {
		wrong("starts a negative distance ago", "say how far back it starts")
	}
	return all
}

// attemptsMax: attempts are stored, and travel, in 16 bits.
const attemptsMax = 1<<16 - 1

// AttemptsDefault is how often a record is tried before it is parked, unless
// MaxAttempts says otherwise.
const AttemptsDefault = 10

// MaxAttempts parks a record after n failed attempts, 65,535 at most; 0 retries for ever.
func MaxAttempts(n int) SourceOption {
	return func(s *SourcePlan) { s.MaxAttempts, s.attemptsChosen = n, true }
}

// SourceID names a source. A stream that reads one depot several times names
// all but one of them; each has its own start and progress (promise 3x.01). The
// default is the depot's name.
func SourceID(name string) SourceOption { return func(s *SourcePlan) { s.Name = name } }

// RetryMode says what happens to a record whose attempt fails (promise 3.53).
type RetryMode uint8

const (
	// RetriesIndividual tries the failed record again, and no other (promise 3.58).
	RetriesIndividual RetryMode = iota
	// RetriesNone drops a failed record: at most once (promise 3.59).
	RetriesNone
	// RetriesAllAfter goes back to the failed record and runs all behind it on the
	// partition again, also those that had succeeded (promise 3.60).
	RetriesAllAfter
)

// RetryNone never retries: a failure, a timeout or a lost worker ends the record,
// which is counted as dropped. A record takes effect at most once. While the
// stream has as many records under way as it may, further ones are skipped and
// counted (promise 3.90).
func RetryNone() SourceOption { return retry(RetriesNone) }

func retry(mode RetryMode) SourceOption {
	return func(s *SourcePlan) {
		s.Retry = mode
		s.retries++
	}
}

// GoOnWhenFull has the source go on where others stop because the store's memory is
// nearly full (store.memory.stop.percent): for records that delete. At 100 % the
// store refuses deletes, too.
func GoOnWhenFull() SourceOption { return func(s *SourcePlan) { s.GoesOnWhenFull = true } }

// RetryAllAfter keeps the order of a partition over failures: when a record
// fails, all behind it on its partition run again after it, also those that had
// succeeded, and what is left of their earlier runs takes no effect any more
// (R21). So the last writer of a key is the last record, as without failures.
func RetryAllAfter() SourceOption { return retry(RetriesAllAfter) }

// undecoded is how a record ends that a codec has not decoded: parked, or if nothing is known
// of it now, failed.
func undecoded(err error) error {
	if errors.Is(err, codec.ErrUnavailable) {
		return err
	}
	return Park(err)
}
