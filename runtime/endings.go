package runtime

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
)

// How a record ended is in the answer to its appender, and kept in memory for those
// who ask late. That it was rejected or parked is stored, too, in the commit that
// passes the record: who asks a later owner must not be told that it is done.

// ending is a record that was rejected or parked, or on whose order that is over.
type ending struct {
	source *source
	offset int64
	stored wire.Ending
	over   bool
}

// endingsMax bounds the endings that a source keeps: the latest.
const endingsMax = 1000

// noteEnding has it stored with the progress past the record. A parked record that
// somebody has run again ends once more; a parked event is not its record.
func (t *Task) noteEnding(f *finished) {
	over := f.outcome != wire.Rejected && f.outcome != wire.Parked
	if over && f.order == nil || f.ofEvent() {
		return
	}
	t.endings = append(t.endings, ending{f.source, f.record.Offset, wire.Ending{Version: 1, Outcome: f.outcome, Text: f.text, Attempt: int(f.attempt)}, over})
}

// storeEndings adds what was noted to the batch that is being sealed.
func (t *Task) storeEndings(b *batch) {
	table := wire.EndingsTable(t.config.Tag)
	for i := range t.endings {
		e := &t.endings[i]
		s, at := e.source, slices.Index(e.source.endings, e.offset)
		switch {
		case e.over && at < 0:
			continue
		case e.over:
			s.endings = slices.Delete(s.endings, at, at+1)
			b.note(table, store.Write{Field: recordField(s, e.offset), Delete: true})
			continue
		case at < 0:
			s.endings = append(s.endings, e.offset)
		}
		raw, err := json.Marshal(&e.stored)
		if err != nil {
			t.halt(fmt.Errorf("storing how a record ended: %w", err))
			return
		}
		b.note(table, store.Write{Field: recordField(s, e.offset), Value: string(raw)})
		if len(s.endings) > endingsMax {
			b.note(table, store.Write{Field: recordField(s, s.endings[0]), Delete: true})
			s.endings = s.endings[1:]
		}
	}
	t.endings = t.endings[:0]
}

// recordField names a record in the task's own tables.
func recordField(s *source, offset int64) string {
	return s.topology.plan.Name + "/" + s.plan.Name + "/" + strconv.FormatInt(offset, 10)
}

// loadEndings takes over what the slot holds.
func (t *Task) loadEndings(elements []store.Element) error {
	for _, e := range elements {
		s, offset, ok := t.sourceOf(e.Field)
		if !ok {
			continue // of a source that the module no longer has
		}
		var stored wire.Ending
		if err := json.Unmarshal([]byte(e.Value), &stored); err != nil || stored.Version != 1 {
			return fmt.Errorf("stored ending %s = %q: no ending of format version 1: %w", e.Field, e.Value, cmp.Or(err, wire.ErrMalformed))
		}
		s.endings = append(s.endings, offset)
		s.results.put(offset, result{outcome: stored.Outcome, text: stored.Text, attempt: stored.Attempt}, s.feed.options.AckResultsMax)
	}
	for _, topo := range t.topology {
		for _, s := range topo.sources {
			slices.Sort(s.endings)
		}
	}
	return nil
}
