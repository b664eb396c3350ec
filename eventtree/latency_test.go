package eventtree

import (
	"testing"
	"time"
)

// ends are the ends of so many records, one a millisecond, that took 1 µs, 2 µs, and so on.
func ends(from, n int64) (d Drawn) {
	for i := range n {
		d.Each = append(d.Each, [2]int64{from + i, i + 1})
	}
	return d
}

// Percentiles are of the records that were drawn; with few records some, or all, are not told.
func TestLatencyOf(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		all  []Drawn
		want Latency
	}{
		{"100 records", []Drawn{ends(1000, 100)}, Latency{Of: OfRecords, Count: 100, Since: time.UnixMilli(1000), P50Seconds: 50e-6, P95Seconds: 95e-6, P99Seconds: 99e-6}},
		{"two workers", []Drawn{ends(2000, 100), ends(1000, 100)}, Latency{Of: OfRecords, Count: 200, Since: time.UnixMilli(1000), P50Seconds: 50e-6, P95Seconds: 95e-6, P99Seconds: 99e-6}},
		{"20 records have no 99th percentile", []Drawn{ends(1000, 20)}, Latency{Of: OfRecords, Count: 20, Since: time.UnixMilli(1000), P50Seconds: 10e-6, P95Seconds: 19e-6}},
	} {
		if got := LatencyOf(OfRecords, test.all); got != test.want {
			t.Errorf("%s: %+v, want %+v", test.name, got, test.want)
		}
	}
	for n, want := range map[int64]string{
		0: "0 records of the sample have ended that workers know of; percentiles need 20", 19: "19 records of the sample have ended that workers know of; percentiles need 20",
	} {
		if got := LatencyOf(OfRecords, []Drawn{ends(1000, n)}); got.Why != want || got.P50Seconds != 0 || int64(got.Count) != n {
			t.Errorf("%d records: %+v", n, got)
		}
	}
	// One worker keeps the last 30 ms only: of the other, as much counts.
	busy := ends(1070, 30)
	busy.Full = true
	if got := LatencyOf(OfRecords, []Drawn{ends(1000, 100), busy}); got.Count != 60 || !got.Since.Equal(time.UnixMilli(1070)) {
		t.Errorf("with a worker that is full: %+v", got)
	}
}
