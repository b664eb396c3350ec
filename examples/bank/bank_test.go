package bank

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/simulation"
	"github.com/coppice-run/coppice/store"
)

// promise 0.17, promise 0.19, promise 3.56, R23 to R29: whatever fails, at every moment no
// balance is negative, and the balances and the credits under way are what was paid in;
// at rest every operation is in the books once on each side, as its appender was told.
func TestTheBooksAgreeInEverySchedule(t *testing.T) {
	t.Parallel()
	simulation.CheckWorkload(t, Workload(), 40) // make simulate runs 500
}

// The check can fail: a bank that remembers one request of each account carries repeats
// out again.
func TestForgottenRequestsAreFound(t *testing.T) {
	t.Parallel()
	w := Workload()
	w.New = func() simulation.Case { return &trial{m: Bank{Remember: 1}} }
	found := &recorder{TB: t}
	simulation.CheckWorkload(found, w, 100)
	if !strings.Contains(found.said, "2 times in the books") {
		t.Errorf("100 seeds did not find a bank that forgets its requests: %s", found.said)
	}
}

// T1, R40: what an appender was told of an operation that others decide can be another
// thing after a server has lost its tail, at level applied; above it never.
func TestAnswersOutliveALostTailAboveApplied(t *testing.T) {
	t.Parallel()
	replicated := store.Replicated(1)
	for _, level := range []*store.Level{&store.Applied, &replicated} {
		turned, lost := 0, 0
		for seed := range uint64(100) {
			c, w := &trial{}, Workload()
			w.New, w.Durability = func() simulation.Case { return c }, level
			r := simulation.Run(simulation.Config{Seed: seed, Workload: w, Servers: 1})
			for _, v := range r.Violations {
				t.Errorf("seed %d: %s", seed, v)
			}
			turned, lost = turned+c.turned, lost+r.Faults[simulation.TailLoss]
		}
		if lost == 0 || (turned > 0) != (*level == store.Applied) {
			t.Errorf("at level %v, servers lost %d tails, and %d operations ended otherwise than their appenders were told", level, lost, turned)
		}
	}
}

// recorder takes what a check says instead of failing.
type recorder struct {
	testing.TB
	said string
}

func (r *recorder) Errorf(format string, args ...any) { r.said += fmt.Sprintf(format, args...) }

// The moments of a history are in the order of time, and begin with At.
func TestMomentsSortByTime(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)
	later := noon.Add(time.Millisecond)
	first, second := moment(noon, "zoe", "z"), moment(later, "ann", "a")
	if !(At(noon) < first && first < At(later) && At(later) < second) {
		t.Errorf("%q, %q, %q, %q are not in order", At(noon), first, At(later), second)
	}
	if got, err := second.Time(); err != nil || !got.Equal(later) {
		t.Errorf("the time of %q is %v, %v; want %v", second, got, err, later)
	}
	zurich := time.FixedZone("", 7200)
	if At(noon.In(zurich)) != At(noon) {
		t.Error("the place of the clock changes the moment")
	}
}

// An account takes money from two others in one millisecond: both lines are in its history,
// whatever the names are.
func TestNoTwoOperationsHaveTheSameMoment(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 29, 12, 0, 0, 0, time.UTC)
	if one, other := moment(noon, "ann", "lee 1"), moment(noon, "ann lee", "1"); one == other {
		t.Errorf("%q is that of two operations", one)
	}
}
