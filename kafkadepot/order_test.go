package kafkadepot

import (
	"testing"

	"github.com/coppice-run/coppice/depot"
)

// A partition may be resumed while a poll is under way: what that brings is delivered behind
// what was held.
func TestWhatIsHeldComesFirst(t *testing.T) {
	t.Parallel()
	at := place{"words", 0}
	a := &assignment{paused: true}
	r := &reader{assigned: map[place]*assignment{at: a}, paused: 1}
	come := func(offset int64) (kept bool) {
		return r.received(at, &depot.Delivery{Records: []depot.Record{{Offset: offset}}})
	}
	if !come(0) {
		t.Error("a record of a paused partition was not kept")
	}
	r.setPaused(a, false)
	if !come(1) {
		t.Error("a record went past the one that is held")
	}
	var got []int64
	r.release(0, func(d depot.Delivery) {
		for _, record := range d.Records {
			got = append(got, record.Offset)
		}
	})
	if len(got) != 2 || got[0] != 0 || got[1] != 1 {
		t.Errorf("offsets %v were delivered, want 0 and 1", got)
	}
	if come(2) {
		t.Error("a record was kept where nothing is held")
	}
}
