package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"
)

func TestSentencesHaveTheirFiguresFromResults(t *testing.T) {
	t.Parallel()
	peers, growth := &report{}, &report{}
	count := peers.figure("peer-count", "events/s", false)
	for _, rate := range []float64{1000, 1100, 1200, 1300} {
		count.add(ours, rate)
		count.add("flink", 2300)
	}
	trees := growth.curve(&curve{Name: "trees"})
	trees.add("events", 1, 1e6)
	trees.add("events", 10, 2e6)
	profile := &report{Budgets: []*budget{{Workload: "words", Nanos: 480, Usage: usage{RedisNanos: 160}}}}
	all := sentences{"peers": peers, "growth": growth, "profile": profile}
	for text, want := range map[string]string{
		`{{ratio "peers" "peer-count" "flink"}}`:        "0.50",
		`{{ratioSpread "peers" "peer-count" "flink"}}`:  "0.50 (0.43 to 0.57)",
		`{{inverse "peers" "peer-count" "flink"}}`:      "2.00",
		`{{value "peers" "peer-count" "ours"}}`:         "1,150",
		`{{times "peers" "peer-count" "flink" 2}}`:      "4,600",
		`{{tree 1 true}}, {{tree 1 false}}`:             "500, 1,000",
		`{{trees true}}, {{trees false}}`:               "1.10, 2.00",
		`{{cpu "words"}}`:                               "480 ns of the worker and 160 of Redis",
		`{{most "words" 2}}`:                            "3,125,000",
		`{{cpu "microbatch"}}`:                          missing,
		`{{tree 100 true}}`:                             missing,
		`{{ratio "bench" "count" "handrolled"}}`:        missing,
		`{{value "peers" "peer-count" "storm"}}`:        missing,
		`{{part "peers" "peer-words" "storm" "start"}}`: missing,
	} {
		var out strings.Builder
		if err := template.Must(template.New("").Funcs(all.functions()).Parse(text)).Execute(&out, nil); err != nil || out.String() != want {
			t.Errorf("%s is %q, %v, want %q", text, out.String(), err, want)
		}
	}
}

// The page can be made of nothing, and of the results that are there.
func TestThePageIsMade(t *testing.T) {
	t.Parallel()
	for _, results := range []string{t.TempDir(), "results"} {
		file := filepath.Join(t.TempDir(), "performance.md")
		if err := writeDocument(file, results); err != nil {
			t.Errorf("of %s: %v", results, err)
			continue
		}
		page, err := os.ReadFile(file)
		if err != nil || strings.Contains(string(page), "NaN") || strings.Contains(string(page), "{{") {
			t.Errorf("of %s: %v, or it has a figure that is none", results, err)
		}
		if left, _ := filepath.Glob(file + ".*"); len(left) > 0 {
			t.Errorf("of %s: %v stay", results, left)
		}
	}
}
