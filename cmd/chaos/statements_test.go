package main

import (
	"testing"

	"github.com/coppice-run/coppice/examples/bankmicrobatch"
)

// The topic and the histories tell of the same transfers, also of those whose appenders do not
// know what became of them.
func TestTopicsAndHistoriesAgree(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                   string
		outcome                outcome
		there                  bool
		times                  int
		kept                   bool
		lost, doubled, strange int
	}{
		{"acked", acked, true, 1, true, 0, 0, 0},
		{"acked and not written", acked, true, 0, true, 1, 0, 0},
		{"unknown, and carried out", unknown, true, 1, true, 0, 0, 0},
		{"unknown, and not carried out", unknown, false, 0, true, 0, 0, 0},
		{"unknown, carried out and not written", unknown, true, 0, true, 1, 0, 0},
		{"unknown, and only written", unknown, false, 1, true, 0, 0, 1},
		{"unknown, and written twice", unknown, true, 2, true, 0, 1, 0},
		{"unknown, and written twice where servers lost something", unknown, true, 2, false, 0, 0, 0},
		{"absent, and written", absent, false, 1, true, 0, 0, 1},
	} {
		r := &microRun{orders: []transfer{{Operation: bankmicrobatch.Operation{ID: "x"}, outcome: c.outcome, there: c.there}}}
		v := &verdict{}
		written := map[string]int{}
		if c.times > 0 {
			written["x"] = c.times
		}
		r.compare(written, c.kept, v)
		if len(v.lost) != c.lost || len(v.doubled) != c.doubled || len(v.strange) != c.strange {
			t.Errorf("%s: lost %v, doubled %v, strange %v", c.name, v.lost, v.doubled, v.strange)
		}
	}
}
