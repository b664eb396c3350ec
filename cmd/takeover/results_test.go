package main

import (
	"slices"
	"testing"
	"time"
)

func TestFiguresOfKillsAndPauses(t *testing.T) {
	t.Parallel()
	b := &bench{options: options{session: 6 * time.Second}}
	rows := []row{
		{megabytes: 10, kills: []time.Duration{5 * time.Second, 7 * time.Second, 6 * time.Second}, joined: []time.Duration{30 * time.Millisecond}, left: []time.Duration{10 * time.Millisecond}},
		{megabytes: 5000, kills: []time.Duration{9 * time.Second}},
	}
	if ratio := growth(rows[0], rows[1]); ratio != 1.5 {
		t.Errorf("9 s are %v times the median of 5, 6 and 7 s", ratio)
	}
	values := map[string][]float64{}
	for _, f := range b.figures(rows) {
		values[f.Workload] = f.Subjects[0].Values
		if f.Subjects[0].Subject != "10 MB" || f.Subjects[1].Subject != "5000 MB" {
			t.Errorf("%s is of %v", f.Workload, f.Subjects)
		}
	}
	for workload, want := range map[string][]float64{
		"take-over": {5, 7, 6}, "take-over-beyond": {-1000, 1000, 0}, "hand-over": {10, 30}, "hand-over-p99": {30},
	} {
		if !slices.Equal(values[workload], want) {
			t.Errorf("%s has %v, want %v", workload, values[workload], want)
		}
	}
}

func TestWhatIsAnsweredHasToBeCounted(t *testing.T) {
	t.Parallel()
	var o options
	o.Tasks = 3
	a := newAppenders(o, nil, nil)
	for _, v := range []beat{{0, 0}, {0, 2}, {2, 2}} { // two of task 0, none of 1, two of 2
		a.owe(v)
	}
	for _, c := range []struct {
		counts []int
		ok     bool
	}{{[]int{2, 0, 2}, true}, {[]int{3, 1, 2}, true}, {[]int{1, 0, 2}, false}, {[]int{2, 5, 1}, false}} {
		if err := a.check(func(id int) (int, error) { return c.counts[id], nil }); (err == nil) != c.ok {
			t.Errorf("counts of %v: %v", c.counts, err)
		}
	}
}
