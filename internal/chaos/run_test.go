package chaos

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// fake is an actor that takes and fails as it is told, in a world whose clock is simulated.
type fake struct {
	start time.Time
	takes map[string]time.Duration // by "2 mend"
	fails map[string]error

	mu   sync.Mutex
	done []string // "1.0s 2 mend", when it was told to
}

func (f *fake) Do(ctx context.Context, fault Fault, step Step) error {
	name := fmt.Sprintf("%d %s", fault.Number, step)
	f.mu.Lock()
	f.done = append(f.done, fmt.Sprintf("%v %s", time.Since(f.start), name))
	f.mu.Unlock()
	select {
	case <-time.After(f.takes[name]):
	case <-ctx.Done():
		return ctx.Err()
	}
	return f.fails[name]
}

// story runs a plan in a bubble and returns what was done, what was recorded, and the error.
func story(t *testing.T, plan Plan, f *fake, ctx context.Context) (done []string, entries []Entry, err error) {
	t.Helper()
	f.start = time.Now()
	var text bytes.Buffer
	err = Run(ctx, plan, f, NewTimeline(&text))
	entries, readErr := ReadTimeline(&text)
	if readErr != nil {
		t.Fatal(readErr)
	}
	return f.done, entries, err
}

func at(second float64) time.Duration { return time.Duration(second * float64(time.Second)) }

func threeFaults() Plan {
	return Plan{Duration: at(20), Workers: 3, Faults: []Fault{
		{Number: 1, Kind: RedisPromote, Target: Everyone, At: at(1), Turn: at(2), Lasts: at(3)},
		{Number: 2, Kind: WorkerKill, Target: 1, At: at(1.5), Lasts: at(1)},
		{Number: 3, Kind: RedisFull, Target: Everyone, At: at(6), Lasts: at(4)},
	}}
}

func TestRunDoesEachStepInItsTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{}
		done, entries, err := story(t, threeFaults(), f, t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"1s 1 begin", "1.5s 2 begin", "2.5s 2 mend", "3s 1 turn", "4s 1 mend", "6s 3 begin", "10s 3 mend"}
		if diff := cmp.Diff(want, done); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
		if took := time.Since(f.start); took != at(20) {
			t.Errorf("the run took %v, want the plan's 20 s", took)
		}
		var spans []string
		for _, s := range Spans(entries) {
			spans = append(spans, fmt.Sprintf("%d %s of %s from %v until %v", s.Fault, s.Kind, s.Victim, s.From.Sub(f.start), s.Until.Sub(f.start)))
		}
		want = []string{
			"1 redis-promote of redis from 1s until 4s",
			"2 worker-kill of worker 2 from 1.5s until 2.5s",
			"3 redis-full of redis from 6s until 10s",
		}
		if diff := cmp.Diff(want, spans); diff != "" {
			t.Errorf("spans (-want +got):\n%s", diff)
		}
		if n := len(entries); n != 2+2*7 || !strings.HasPrefix(entries[0].Detail, "plan") || !strings.HasPrefix(entries[n-1].Detail, "end: 3 faults begun, 0") {
			t.Errorf("%d lines from %+v to %+v; want a line of the plan, two for each step, and one of the end", n, entries[0], entries[n-1])
		}
	})
}

// A mending that takes longer than planned holds up the next fault of its victim, and of no other.
func TestRunWaitsForAVictim(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{takes: map[string]time.Duration{"1 mend": at(4), "2 begin": at(0.5)}}
		done, entries, err := story(t, threeFaults(), f, t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := []string{"1s 1 begin", "1.5s 2 begin", "3s 1 turn", "3s 2 mend", "4s 1 mend", "8s 3 begin", "12s 3 mend"}
		slices.Sort(done[2:4]) // at one moment
		if diff := cmp.Diff(want, done); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
		i := slices.IndexFunc(entries, func(e Entry) bool { return e.Fault == 3 && e.Event == Started })
		if got := entries[i].LateMillis; got != 2_000 {
			t.Errorf("the fault is recorded as %d ms late, want 2000", got)
		}
	})
}

// While faults wait for one that takes longer to mend than planned, connections are cut: none
// of a server that is away, and none when it is not long since a fault began.
func TestRunFillsGaps(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		plan := threeFaults()
		plan.Fillers = []Kind{RedisCut, KafkaCut}
		plan.Faults[2].At, plan.Faults[2].Lasts = at(5), at(1)
		plan.Faults = append(plan.Faults, Fault{Number: 4, Kind: RedisKill, Target: Everyone, At: at(6.5), Lasts: at(1)})
		f := &fake{takes: map[string]time.Duration{"4 mend": at(8)}}
		done, _, err := story(t, plan, f, t.Context())
		if err != nil {
			t.Fatal(err)
		}
		want := []string{
			"1s 1 begin", "1.5s 2 begin", "2.5s 2 mend", "3s 1 turn", "4s 1 mend", "5s 3 begin", "6s 3 mend", "6.5s 4 begin", "7.5s 4 mend",
			"10.2s 5 begin", "10.5s 5 mend", // of Kafka: Redis comes back at 15.5 s
			"13.9s 6 begin", "14.2s 6 mend", "17.6s 7 begin", "17.9s 7 mend",
		}
		if diff := cmp.Diff(want, done); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
	})
}

func TestRunSkipsWhatIsTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{takes: map[string]time.Duration{"1 mend": at(60)}}
		done, entries, err := story(t, threeFaults(), f, t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if last := done[len(done)-1]; last != "4s 1 mend" {
			t.Errorf("the last step is %s", last)
		}
		i := slices.IndexFunc(entries, func(e Entry) bool { return e.Event == Skipped })
		if i < 0 || entries[i].Fault != 3 || entries[i].At.Sub(f.start) != at(20) {
			t.Errorf("want fault 3 skipped at the end of the plan, have %+v", entries)
		}
		if took := time.Since(f.start); took != at(64) {
			t.Errorf("the run ended after %v, want 64 s: when all is mended", took)
		}
	})
}

// A step that fails ends the run; what is broken is mended, that fault too.
func TestRunMendsAfterAFailure(t *testing.T) {
	t.Parallel()
	broken := errors.New("broken")
	for _, test := range []struct {
		fails string
		want  []string
	}{
		{"2 begin", []string{"1s 1 begin", "1.5s 2 begin", "1.5s 1 mend", "1.5s 2 mend"}},
		{"1 turn", []string{"1s 1 begin", "1.5s 2 begin", "2.5s 2 mend", "3s 1 turn", "3s 1 mend"}},
		{"2 mend", []string{"1s 1 begin", "1.5s 2 begin", "2.5s 2 mend", "2.5s 1 mend"}},
	} {
		t.Run(test.fails, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				f := &fake{fails: map[string]error{test.fails: broken}}
				done, entries, err := story(t, threeFaults(), f, t.Context())
				var step *StepError
				if !errors.As(err, &step) || !errors.Is(err, broken) || fmt.Sprint(step.Fault.Number, " ", step.Step) != test.fails {
					t.Errorf("error %v, want a StepError of %s", err, test.fails)
				}
				slices.Sort(done)
				slices.Sort(test.want)
				if diff := cmp.Diff(test.want, done); diff != "" {
					t.Errorf("steps (-want +got):\n%s", diff)
				}
				if !slices.ContainsFunc(entries, func(e Entry) bool { return e.Event == Failed && e.Error == "broken" }) {
					t.Error("the failure is not recorded")
				}
			})
		})
	}
}

// Who ends the run early gets everything mended first, with a context that has not ended.
func TestRunMendsWhenItIsCancelled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		cause := errors.New("enough")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(at(2), func() { cancel(cause) })
		f := &fake{takes: map[string]time.Duration{"1 mend": at(5), "2 begin": at(9)}}
		done, entries, err := story(t, threeFaults(), f, ctx)
		var step *StepError
		if !errors.Is(err, cause) || errors.As(err, &step) {
			t.Errorf("error %v, want the cause of the end alone", err)
		}
		slices.Sort(done)
		want := []string{"1.5s 2 begin", "1s 1 begin", "2s 1 mend", "2s 2 mend"}
		if diff := cmp.Diff(want, done); diff != "" {
			t.Errorf("steps (-want +got):\n%s", diff)
		}
		for _, s := range Spans(entries) {
			if s.Until.IsZero() {
				t.Errorf("fault %d is not mended", s.Fault)
			}
		}
	})
}

// A mending that hangs is given up, so that the run ends.
func TestMendingIsBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fake{takes: map[string]time.Duration{"2 mend": time.Hour}}
		_, entries, err := story(t, threeFaults(), f, t.Context())
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v, want a deadline", err)
		}
		spans := Spans(entries)
		if s := spans[1]; !s.Until.IsZero() || !s.Covers(s.From.Add(time.Hour)) {
			t.Errorf("a fault that was never mended ends at %v", s.Until)
		}
		if took := time.Since(f.start); took != at(2.5)+mendTimeout {
			t.Errorf("the run ended after %v", took)
		}
	})
}

// Drawn plans, on servers that take their time: what must not meet does not.
func TestRunsOfDrawnPlans(t *testing.T) {
	t.Parallel()
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			plan := drawn(t, Config{Seed: seed, Duration: time.Minute})
			f := &fake{takes: map[string]time.Duration{}}
			for _, fault := range plan.Faults {
				f.takes[fmt.Sprint(fault.Number, " mend")] = time.Duration(fault.Number%5) * time.Second
			}
			_, entries, err := story(t, plan, f, t.Context())
			if err != nil {
				t.Fatal(err)
			}
			spans := Spans(entries)
			if len(spans) < len(plan.Faults)/2 {
				t.Errorf("seed %d: %d of %d faults came", seed, len(spans), len(plan.Faults))
			}
			faultOf := func(s Span) Fault {
				if s.Fault > len(plan.Faults) {
					return Fault{Number: s.Fault, Kind: s.Kind, Target: Everyone} // of the run's own accord
				}
				return plan.Faults[s.Fault-1]
			}
			for i, s := range spans {
				var underWay []Fault
				for _, other := range spans[:i] {
					if other.Until.After(s.From) {
						underWay = append(underWay, faultOf(other))
					}
				}
				if !together(underWay, faultOf(s), plan.Workers) {
					t.Errorf("seed %d: fault %d begins beside %+v", seed, s.Fault, underWay)
				}
				if i == 0 || s.From.Sub(spans[i-1].From) <= 4*time.Second {
					continue
				}
				away := map[victim]bool{} // when a cut was due
				for _, other := range spans[:i] {
					if trait := traits[other.Kind]; trait.down && other.Until.After(spans[i-1].From.Add(4*time.Second)) {
						away[trait.hits] = true
					}
				}
				if !away[redis] || !away[kafka] {
					t.Errorf("seed %d: %v between two faults, and there was something to cut", seed, s.From.Sub(spans[i-1].From))
				}
			}
		})
	}
}
