package main

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRatioOfNeighbours(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	r := &report{out: &out}
	f := r.figure("count", "events/s", false, goal{"loop", 0.75})
	for _, round := range [][2]float64{{80, 100}, {70, 100}, {180, 200}} {
		f.add(ours, round[0])
		f.add("loop", round[1])
	}
	r.print()
	want := "ratio count ours/loop 0.80 [0.70..0.90] goal 0.75: reached\n"
	if !strings.HasSuffix(out.String(), want) {
		t.Errorf("printed\n%s\nwant at the end\n%s", out.String(), want)
	}
}

func TestLessIsBetter(t *testing.T) {
	t.Parallel()
	f := &figure{LessIsBetter: true, Goals: []goal{{"floor", 1.4}}}
	f.add(ours, 3)
	f.add("floor", 2)
	if v := f.verdict("floor"); v != "missed" {
		t.Errorf("1.5 times the floor, where 1.4 is the goal, is %s", v)
	}
	if v := f.verdict("others"); v != "" {
		t.Errorf("a peer without a goal is %s", v)
	}
}

func TestGoalsAreHeldAgainstWhatWasMeasured(t *testing.T) {
	t.Parallel()
	bench := &report{}
	count := bench.figure("count", "events/s", false)
	for _, rate := range []float64{60, 70, 80} {
		count.add(ours, rate)
		count.add("handrolled", 100)
	}
	bench.figure("lone", "ms p50", true).add(ours, 5)
	bench.figure("new", "ms p50", true, goal{"floor", 2}).add(ours, 3)
	bench.find("new").add("floor", 1)
	growth := &report{}
	trees := growth.curve(&curve{Name: "trees"})
	trees.add("events", 1, 100)
	trees.add("events", 10, 400)
	trees.add("events", 1_000_000, 300)
	takeover := &report{}
	killed := takeover.figure(takeOver, "s", true)
	killed.add("10 MB", 5)
	killed.add("1000 MB", 6.5)
	killed.add("5000 MB", 5.5)
	killed.add("200 MB", 7)
	table := goalTable(map[string]*report{"bench": bench, "growth": growth, "takeover": takeover})
	for _, want := range []string{
		"| ≥ 0.75 | 0.70 | 0.60 to 0.80 | 1 of 3 | **missed** by 6.7 % |",
		"| ≤ 5.00 ms | 5.00 ms |  |  | reached |",
		"| words | events/s, of the loop, which tracks nothing | ≥ 0.35 |  |  |  | not measured |",
		"| new | ms p50, of floor | ≤ 2.00 | 3.00 |  |  | **missed** by 50 % |",
		"whose record is an event, too | ≤ 1.20 | 2.20 |  |  | **missed** by 83 % |",
		"where the record does not count | told | 4.00 |  |  |  |",
		"with 1 GB of state / with 10 MB, medians | ≤ 1.20 | 1.30 |  |  | **missed** by 8.3 % |",
		"with 5 GB of state / with 10 MB, medians | ≤ 1.20 | 1.10 |  |  | reached |",
		"with 200 MB of state / with 10 MB, medians | ≤ 1.20 | 1.40 |  |  | **missed** by 17 % |",
		"handed over, with 1 GB | ≤ 200.00 ms |  |  |  | not measured |",
		"| < 0.01 |  |  |  | not measured |",
	} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
	if strings.Count(table, "\n") != 2+len(aims)+3+1 {
		t.Errorf("%d goals, three of another size, and one that is not listed, have\n%s", len(aims), table)
	}
}

func TestWhatFailsCostsItsOwnFiguresOnly(t *testing.T) {
	t.Parallel()
	r := &report{out: io.Discard}
	part := func(name string, err error) error {
		return r.try(t.Context(), name, func() error {
			r.figure(name, "events/s", false).add(ours, 1)
			r.curve(&curve{Name: name})
			return err
		})
	}
	wrong := errors.New("a wrong count")
	if part("count", nil) != nil || !errors.Is(part("words", wrong), wrong) || !errors.Is(part("overload", errUnbounded), errUnbounded) || part("ack", nil) != nil {
		t.Error("a part that ends well fails, or another way round")
	}
	if !errors.Is(part("growth", &partly{wrong}), wrong) {
		t.Error("what a part of it failed with is lost")
	}
	var names []string
	for i, f := range r.Figures {
		names = append(names, f.Workload)
		if r.Curves[i].Name != f.Workload {
			t.Errorf("%s has lost its curve", f.Workload)
		}
	}
	if got := strings.Join(names, " "); got != "count overload ack growth" || len(r.Failures) != 2 {
		t.Errorf("figures are left of %s; %d failures are told", got, len(r.Failures))
	}
	r.Environment.Date, r.Environment.Commit = "2026-11-27", "abc, dirty"
	table := runTable(map[string]*report{"bench": r, "state": {}})
	for _, want := range []string{"| bench.json | 2026-11-27 | abc, dirty |", "| state.json | before", "| peers.json | not measured |", "not of one commit", "- bench.json, words: a wrong count\n"} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
}

func TestARoundThatIsRunAgainIsTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		failures []error
		ends     bool
		told     int
	}{
		{nil, true, 0},
		{[]error{errStuck, errStuck}, true, 2},
		{[]error{errStuck, errStuck, errStuck}, false, 2},
		{[]error{errRetried, errRetried, errRetried, errRetried}, true, 4},
		{[]error{errors.New("a wrong count")}, false, 0},
	} {
		r := &report{}
		f, left := r.figure("peer-words", "events/s", false), c.failures
		s := subject{name: "storm", run: func(context.Context, *input) (time.Duration, error) {
			if len(left) == 0 {
				return time.Second, nil
			}
			err := left[0]
			left = left[1:]
			return 0, fmt.Errorf("storm: %w\nand its log", err)
		}}
		if _, err := s.round(t.Context(), &input{}, f); (err == nil) != c.ends || len(f.Again) != c.told {
			t.Errorf("after %v the round ends with %v, and %d are told", c.failures, err, len(f.Again))
		}
		if list := repeatList(r); c.told > 0 && strings.Count(list, "- peer-words, storm: storm: "+c.failures[0].Error()+"\n") != c.told {
			t.Errorf("%d rounds were run again, told are\n%s", c.told, list)
		}
	}
	if !stuck.MatchString("java.lang.Exception: 199990 of 200000 trees acked") {
		t.Error("a round of Storm that came to a standstill is not told from others")
	}
}

func TestSamplesOfAProfile(t *testing.T) {
	t.Parallel()
	samples := samplesOf([]byte(`File: bench
Type: cpu
-----------+-------------------------------------------------------
      20ms   runtime.mapaccess1_faststr
             github.com/coppice-run/coppice/internal/overlay.(*fields[go.shape.int64]).entry
             github.com/coppice-run/coppice/internal/overlay.find[go.shape.int64]
             github.com/coppice-run/coppice/runtime.(*Task).body
-----------+-------------------------------------------------------
     1.50s   runtime.scanObject
             runtime.gcBgMarkWorker
-----------+-------------------------------------------------------
`))
	var found []string
	for _, s := range samples {
		if len(s.stack) > 0 {
			found = append(found, stageOf(s.stack)+" "+s.time.String())
		}
	}
	if got := strings.Join(found, ", "); got != "read, overlay 20ms, collect 1.5s" {
		t.Errorf("found %s", got)
	}
}

func TestPicturesAreXML(t *testing.T) {
	t.Parallel()
	c := &curve{Name: "keys", Title: "count & keys <new>", X: "keys", Y: "events/s", LogX: true}
	for _, p := range [][2]float64{{1, 10}, {10, 100}, {100, 50}} {
		c.add("a", p[0], p[1])
	}
	c.add("b", 1, 0)
	d := xml.NewDecoder(strings.NewReader(c.svg()))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, c.svg())
		}
	}
}

func TestCountsOfAPeer(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "counts")
	if err := os.WriteFile(file, []byte("3 a\n1 b c\n2 a\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	counts, err := readCounts(file)
	if err != nil || counts["a"] != 5 || counts["b c"] != 1 {
		t.Errorf("%v, %v", counts, err)
	}
	in := &input{fold: map[string]int64{"a": 5, "b c": 2}}
	if in.check(counts) == nil {
		t.Error("a wrong count did not void the round")
	}
}

func TestQuantile(t *testing.T) {
	t.Parallel()
	samples := make([]time.Duration, 101)
	for i := range samples {
		samples[i] = time.Duration(100-i) * time.Millisecond
	}
	if p := quantile(samples, 0.99); p != 99 {
		t.Errorf("the 99th percentile of 0 to 100 ms is %v ms", p)
	}
}
