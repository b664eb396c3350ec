package main

import (
	"errors"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/coppice-run/coppice/examples/internal/program"
	"github.com/coppice-run/coppice/localcluster"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Every program prints what it says, on one worker and on three.
//
// streams/basic is promise 3.07, 3.08, 3.09, 3.10, 3.11, 3.12, 3.13, 3.15, 3.19, 3.21: keys and pairs of
// keys are counted in both directions, with a hop within a condition, however the tasks are spread.
// streams/eventtree is promise 3.32, 3.33, 3.35, 3.36, 3.37: the append returned when all five had ended.
// streams/ackreturn is promise 3.78, 3.79; streams/sum is promise 3.75, 3.76, 3.81, 3.82, 3.83.
// aggregators/names is promise 13.01, 13.15; the batch blocks among the aggregators are promise 11.20,
// 11.21, 13.08, 13.10, 13.13, 13.14, 14.28.
func TestPrograms(t *testing.T) {
	t.Parallel()
	for _, p := range programs() {
		for where, launch := range map[string]localcluster.LaunchConfig{"": {}, ",3workers": {Tasks: 7, Workers: 3}} {
			t.Run(p.name+where, func(t *testing.T) {
				t.Parallel()
				if _, err := p.Do(t.Context(), launch); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// A program that prints something else is told, with what differs, and ends the command
// with an error; so does one that fails.
func TestAProgramThatFails(t *testing.T) {
	t.Parallel()
	fails := errors.New("no bread")
	all := []entry{
		{"a/right", program.Program{Run: func(r *program.Run) { r.Println("same") }, Output: "\nsame\n"}},
		{"a/wrong", program.Program{Run: func(r *program.Run) { r.Println("same\nother") }, Output: "\nsame\nthis\n"}},
		{"a/failed", program.Program{Run: func(r *program.Run) { program.Check(fails) }}},
	}
	var out strings.Builder
	err := table(t.Context(), all, &out)
	if err == nil {
		t.Fatal("no error")
	}
	for _, part := range []string{"2 of 3", "a/wrong: from line 2 on it printed\nother\n", "is to print\nthis\n", "a/failed: no bread"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q: %v", part, err)
		}
	}
	for _, row := range []string{"a/right   yes", "a/wrong   NO ", "a/failed  NO "} {
		if !strings.Contains(out.String(), row) {
			t.Errorf("no row %q in\n%s", row, out.String())
		}
	}
}

// A name that there is not is told.
func TestNames(t *testing.T) {
	t.Parallel()
	if _, err := choose([]string{"depots/tics"}); err == nil || !strings.Contains(err.Error(), "depots/tics") {
		t.Errorf("chose with the error %v", err)
	}
	if all, err := choose([]string{"streams", "depots/ticks"}); err != nil || len(all) != len(pages[0].Programs)+1 {
		t.Errorf("chose %d, %v", len(all), err)
	}
	var out strings.Builder
	if err := run(t.Context(), nil, &out); err != nil || strings.Count(out.String(), "\n") != len(programs()) {
		t.Errorf("listed, with the error %v:\n%s", err, out.String())
	}
}
