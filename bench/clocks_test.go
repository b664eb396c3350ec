package main

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestPartsOfARound(t *testing.T) {
	t.Parallel()
	parts, err := parseParts("start=300 counting=1000 storing=20 last-checkpoint=15")
	if err != nil || len(parts) != 4 || whole(parts) != 1320 {
		t.Errorf("%v, %v", parts, err)
	}
	for _, wrong := range []string{"", "start=1 counting=2", "counting=1 start=2 storing=3", "start=1 counting=-2 storing=3", "start=1 counting storing=3"} {
		if parts, err := parseParts(wrong); err == nil {
			t.Errorf("%q was read as %v", wrong, parts)
		}
	}
}

func TestBothClocks(t *testing.T) {
	t.Parallel()
	fixed := func(name string, start, counting, storing time.Duration) clocked {
		return clock(subject{name: name}, func(context.Context, *input) ([]part, error) {
			return []part{{startPart, start}, {countingPart, counting}, {storingPart, storing}}, nil
		})
	}
	var out strings.Builder
	r := &report{out: &out}
	c := r.clocks("peer-count", goal{"flink", 2})
	err := c.alternate(t.Context(), &input{events: 1000}, 2, fixed(ours, time.Second, 3*time.Second, 0), fixed("flink", 6*time.Second, time.Second, time.Second))
	if err != nil {
		t.Fatal(err)
	}
	r.print()
	for _, want := range []string{
		"ratio peer-count ours/flink 2.00 [2.00..2.00] goal 2.00: reached\n",
		"ratio peer-count-running ours/flink 0.33 [0.33..0.33]\n",
		"ratio peer-count-first ours/flink 2.00 [2.00..2.00]\n",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("printed\n%s\nwithout %s", out.String(), want)
		}
	}
	if rows := c.parts.Rows; len(rows) != 6 || len(rows[3].Millis) != 2 || rows[3].Millis[0] != 6000 {
		t.Errorf("parts of two rounds are %+v", rows)
	}
	if table := partTable(r); !strings.Contains(table, "| peer-count | flink | 6,000 | 1,000 | 1,000 |  |\n") {
		t.Errorf("the table is\n%s", table)
	}
}
