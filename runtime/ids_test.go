package runtime

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
)

// Whether a record comes again hangs on the log alone: whoever begins to read a window
// further back decides as one who has read all of it, whatever the deliveries are.
func TestIDsAreJudgedByTheLogAlone(t *testing.T) {
	t.Parallel()
	for seed := range uint64(200) {
		r := rand.New(rand.NewPCG(seed, 1))
		window := int64(1 + r.IntN(8))
		var log []depot.Record
		for offset := int64(0); offset < 60; offset += 1 + r.Int64N(2) {
			record := depot.Record{Offset: offset}
			if r.IntN(4) > 0 {
				record.Headers = []depot.Header{{Key: wire.IDHeader, Value: fmt.Append(nil, r.IntN(6))}}
			}
			log = append(log, record)
		}
		for n := range log {
			whole, late := ids{last: -1}, ids{last: -1}
			whole.note(log[:n+1], window)
			for i := range log[:n+1] {
				if log[i].Offset >= log[n].Offset-window {
					late.note(log[max(i-r.IntN(2), 0):i+1], window) // some come twice
				}
			}
			at := log[n].Offset
			_, want := whole.again[at]
			if _, have := late.again[at]; have != want {
				t.Fatalf("seed %d, window %d, offset %d: comes again: %t, by who began late: %t", seed, window, at, want, have)
			}
			if plain := comesAgain(log[:n+1], window); plain != want {
				t.Fatalf("seed %d, window %d, offset %d: comes again: %t, want %t", seed, window, at, want, plain)
			}
		}
	}
}

// comesAgain looks for the id of the last record in the window before it.
func comesAgain(log []depot.Record, window int64) bool {
	last := &log[len(log)-1]
	id, ok := wire.FindRecordID(last)
	for i := range log[:len(log)-1] {
		if other, has := wire.FindRecordID(&log[i]); ok && has && other == id && log[i].Offset >= last.Offset-window {
			return true
		}
	}
	return false
}
