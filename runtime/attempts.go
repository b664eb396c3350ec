package runtime

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime/stream"
	"github.com/coppice-run/coppice/store"
)

// The number of an attempt stands in the slot before the attempt runs, from the
// second on (R20): so a record that ends its worker is counted, and parks after
// MaxAttempts instead of ending one worker after another. Attempts that failed
// for reasons of the world (a lost connection, a hand-over) keep their number.

// failuresMax is as far as failures are counted: of a record that is tried for ever
// (MaxAttempts(0)) the number of the attempt stays at the one behind it.
const failuresMax = math.MaxUint16 - 1

// begin is an attempt whose number is on its way to the slot.
type begin struct {
	source *source
	retry  stream.Retry
	before uint16 // the number that the slot had
	run    uint64 // source.run when it began to wait
}

// start begins an attempt at a record: at once, or after its number is stored.
func (t *Task) start(s *source, r stream.Retry) {
	s.topology.executing++
	t.hasBegun(s)
	it := try{source: s, record: r.Record, attempt: r.Attempt, failures: r.Failures, number: r.Number}
	most := s.plan.MaxAttempts
	switch {
	case r.Failures > 0 && most > 0 && int(r.Failures) >= most:
		// Only after a crash: the owner before did not live to park it.
		t.toOpen(finished{try: it, outcome: wire.Parked, text: fmt.Sprintf("attempt %d did not end: its worker died, or the record could not be parked in time", r.Failures)})
	case r.Failures == 0 || r.Number == r.Failures+1:
		t.queue.drawn = append(t.queue.drawn, item{try: it})
	default:
		t.announce(s, r)
	}
}

// announce stores the number of an attempt that is about to run.
func (t *Task) announce(s *source, r stream.Retry) {
	before := r.Number
	r.Number = r.Failures + 1
	if t.open == nil {
		t.open = t.newBatch()
	}
	t.open.begins = append(t.open.begins, begin{s, r, before, s.run})
	t.open.note(wire.AttemptsTable(t.config.Tag), store.Write{Field: recordField(s, r.Record.Offset), Value: strconv.Itoa(int(r.Number))})
	s.announcing++
}

// announced lets the attempts run whose numbers are in the slot.
func (t *Task) announced(b *batch) {
	t.noteNumbers(b)
	for _, n := range b.begins {
		if s := n.source; s.run == n.run {
			s.announcing--
			s.ready = append(s.ready, try{source: s, record: n.retry.Record, attempt: n.retry.Attempt, failures: n.retry.Failures, number: n.retry.Number})
		}
	}
}

// counted is what a task knows of the attempts at a record whose number it stored.
type counted struct {
	failures uint16
	number   uint16 // the one that it stored last; a higher one is another owner's
}

// noteNumbers remembers which numbers this task has brought into the slot.
func (t *Task) noteNumbers(b *batch) {
	for _, n := range b.begins {
		n.source.counted[n.retry.Record.Offset] = counted{n.retry.Failures, n.retry.Number}
	}
}

// forgetAttempts removes the stored number of a record that is finished.
func (t *Task) forgetAttempts(f *try, b *batch) {
	if f.number == 0 {
		return
	}
	delete(f.source.counted, f.record.Offset)
	if b == nil {
		if t.open == nil {
			t.open = t.newBatch()
		}
		b = t.open
	}
	b.note(wire.AttemptsTable(t.config.Tag), store.Write{Field: recordField(f.source, f.record.Offset), Delete: true})
}

// loadAttempts takes over the numbers that the slot holds. An attempt that was
// begun and not finished counts, unless this very task ran it and knows that it
// did not end by its own fault. A number above the one that this task stored last is
// that of an owner between.
func (t *Task) loadAttempts(elements []store.Element) error {
	for _, e := range elements {
		number, err := strconv.ParseUint(e.Value, 10, 16)
		if err != nil || number < 2 {
			return fmt.Errorf("stored attempt number %s = %q: it is no number above 1", e.Field, e.Value)
		}
		s, offset, ok := t.sourceOf(e.Field)
		if !ok {
			continue // of a source that the module no longer has
		}
		r := stream.Retry{Failures: min(uint16(number), failuresMax), Number: uint16(number), Reason: "an earlier attempt did not end"}
		if known, ok := s.counted[offset]; ok && r.Number <= known.number {
			r.Failures = min(r.Number, known.failures)
		}
		r.Attempt = r.Failures + 1
		s.pending[offset] = r
	}
	return nil
}

// sourceOf reads the name of a record in the task's own tables.
func (t *Task) sourceOf(field string) (s *source, offset int64, ok bool) {
	parts := strings.Split(field, "/")
	if len(parts) != 3 {
		return nil, 0, false
	}
	offset, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil {
		return nil, 0, false
	}
	for _, topo := range t.topology {
		for _, s := range topo.sources {
			if topo.plan.Name == parts[0] && s.plan.Name == parts[1] {
				return s, offset, true
			}
		}
	}
	return nil, 0, false
}
