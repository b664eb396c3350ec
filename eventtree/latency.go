package eventtree

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// Drawn are the ends of records of a topology that a worker drew for its sample, whatever came
// of them: those that are kept because they failed or were slow would tell of nothing but
// trouble. Of a microbatch topology they are those of its microbatches, of the worker that
// coordinated them.
type Drawn struct {
	Topology string `json:"topology"`
	// Each has when one ended, in ms of Unix time, and how long it took, in µs: those
	// that ended last, in their order.
	Each [][2]int64 `json:"each"`
	// Full: earlier ones had no room.
	Full bool `json:"full,omitempty"`
}

// Measured is what a Latency is of.
type Measured string

const (
	// OfRecords: records of a stream, from the beginning of their first attempt to the end of
	// their trees, of those that workers drew for a sample and that are done.
	OfRecords Measured = "records"
	// OfMicrobatches: microbatches, all of them, from the beginning of their first attempt until
	// every task has applied them.
	OfMicrobatches Measured = "microbatches"
)

// Latency is how long records of a topology took, or its microbatches.
type Latency struct {
	Of Measured `json:"of"`
	// Count is how many of them it is of, and Since is when the first of them ended.
	Count int       `json:"count"`
	Since time.Time `json:"since,omitzero"`
	// P50Seconds is what half of them took at most, and so on; the three are 0 while Why says
	// why, and the last one is with a Count below 100.
	P50Seconds float64 `json:"p50Seconds,omitzero"`
	P95Seconds float64 `json:"p95Seconds,omitzero"`
	P99Seconds float64 `json:"p99Seconds,omitzero"`
	// Why says why there are no percentiles; "": there are.
	Why string `json:"why,omitempty"`
	// SilentTasks are tasks whose worker did not answer: what it knows of is not in it.
	SilentTasks int `json:"silentTasks,omitempty"`
}

// drawnOf says what is counted.
var drawnOf = map[Measured]string{OfRecords: "records of the sample", OfMicrobatches: "microbatches"}

// Fewest that percentiles are of: fewer say nothing about a 95th or a 99th one.
const (
	drawnLeast    = 20
	drawnLeastP99 = 100
)

// LatencyOf puts together what workers drew of one topology. Where one had no room for earlier
// ends those of the others count no longer either: else a worker that does little would count
// for more than it does.
func LatencyOf(of Measured, all []Drawn) Latency {
	l := Latency{Of: of}
	from := int64(math.MinInt64)
	for _, d := range all {
		if d.Full && len(d.Each) > 0 {
			from = max(from, d.Each[0][0])
		}
	}
	first := int64(math.MaxInt64)
	var took []int64
	for _, d := range all {
		for _, one := range d.Each {
			if one[0] >= from {
				took, first = append(took, one[1]), min(first, one[0])
			}
		}
	}
	l.Count = len(took)
	if len(took) > 0 {
		l.Since = time.UnixMilli(first)
	}
	if len(took) < drawnLeast {
		l.Why = fmt.Sprintf("%d %s have ended that workers know of; percentiles need %d", len(took), drawnOf[of], drawnLeast)
		return l
	}
	slices.Sort(took)
	at := func(percent int) float64 {
		return float64(took[(len(took)*percent+99)/100-1]) / 1e6
	}
	l.P50Seconds, l.P95Seconds = at(50), at(95)
	if len(took) >= drawnLeastP99 {
		l.P99Seconds = at(99)
	}
	return l
}
