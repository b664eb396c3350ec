package chaos

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-run/coppice/internal/faultproxy"
)

func drawn(t *testing.T, config Config) Plan {
	t.Helper()
	plan, err := Draw(config)
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

func TestSameSeedSamePlan(t *testing.T) {
	t.Parallel()
	config := Config{Seed: 7, Duration: time.Minute}
	first := drawn(t, config)
	if diff := cmp.Diff(first, drawn(t, config)); diff != "" {
		t.Errorf("one seed gives two plans:\n%s", diff)
	}
	config.Seed = 8
	if cmp.Equal(first.Faults, drawn(t, config).Faults) {
		t.Error("two seeds give the same faults")
	}
}

// each runs a check over plans of many seeds, lengths and numbers of workers.
func each(t *testing.T, kinds []Kind, check func(t *testing.T, plan Plan)) {
	t.Helper()
	for seed := range uint64(100) {
		for _, duration := range []time.Duration{10 * time.Second, time.Minute, 5 * time.Minute} {
			for _, workers := range []int{1, 2, 3} {
				plan := drawn(t, Config{Seed: seed, Duration: duration, Workers: workers, Kinds: kinds})
				check(t, plan)
				if t.Failed() {
					t.Fatalf("the plan:\n%v", plan)
				}
			}
		}
	}
}

func TestPlansAreInOrderAndMended(t *testing.T) {
	t.Parallel()
	each(t, nil, func(t *testing.T, plan Plan) {
		last := time.Duration(0)
		for i, f := range plan.Faults {
			if f.Number != i+1 || f.At <= last && i > 0 {
				t.Errorf("fault %d at place %d, at %v behind one at %v", f.Number, i+1, f.At, last)
			}
			if f.Lasts < 0 || f.Turn < 0 || f.Turn > f.Lasts || f.mended() > plan.Duration {
				t.Errorf("fault %d lasts %v with a turn after %v in a plan of %v", f.Number, f.Lasts, f.Turn, plan.Duration)
			}
			last = f.At
		}
	})
}

func TestAFaultBeginsAtLeastEveryFourSeconds(t *testing.T) {
	t.Parallel()
	each(t, nil, func(t *testing.T, plan Plan) {
		last := time.Duration(0)
		for _, f := range plan.Faults {
			if f.At-last > 4*time.Second {
				t.Errorf("%v without a new fault before fault %d", f.At-last, f.Number)
			}
			last = f.At
		}
		if plan.Duration-last > 4*time.Second {
			t.Errorf("%v without a new fault at the end", plan.Duration-last)
		}
	})
}

// Without cuts, which go beside other faults, a new one may have to wait; but then one is under way.
func TestThereIsAFaultWithinAnyFourSeconds(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds() {
		each(t, []Kind{kind}, func(t *testing.T, plan Plan) {
			last := time.Duration(0)
			for _, f := range plan.Faults {
				if f.At-last > 4*time.Second {
					t.Errorf("%v without a fault before fault %d", f.At-last, f.Number)
				}
				last = max(last, f.mended())
			}
		})
	}
}

// No victim has two faults at once, but for cuts while it is there, and one worker is left in peace.
func TestFaultsThatMustNotMeetDoNot(t *testing.T) {
	t.Parallel()
	each(t, nil, func(t *testing.T, plan Plan) {
		for _, f := range plan.Faults {
			workers, servers := map[int]int{}, map[string][]Kind{}
			for _, g := range plan.Faults {
				if g.At > f.At || g.At+g.Lasts < f.At {
					continue
				}
				if g.Kind == WorkerKill || g.Kind == WorkerPause {
					workers[g.Target]++
					continue
				}
				server := string(g.Kind[:5]) // redis or kafka
				servers[server] = append(servers[server], g.Kind)
			}
			if len(workers) > max(plan.Workers-1, 1) {
				t.Errorf("%d of %d workers are away at fault %d", len(workers), plan.Workers, f.Number)
			}
			for worker, faults := range workers {
				if faults > 1 {
					t.Errorf("worker %d has %d faults at fault %d", worker, faults, f.Number)
				}
			}
			for server, kinds := range servers {
				lasting := slices.DeleteFunc(slices.Clone(kinds), func(k Kind) bool { return k == RedisCut || k == KafkaCut })
				down := slices.ContainsFunc(lasting, func(k Kind) bool {
					return slices.Contains([]Kind{RedisKill, RedisRestart, RedisTail, KafkaKill, KafkaRestart}, k)
				})
				if len(lasting) > 1 || down && len(kinds) > 1 {
					t.Errorf("%s has the faults %v at fault %d", server, kinds, f.Number)
				}
			}
		}
	})
}

func TestEachKindComesWithinAMinute(t *testing.T) {
	t.Parallel()
	each(t, nil, func(t *testing.T, plan Plan) {
		if plan.Duration < time.Minute {
			return
		}
		came := map[Kind]int{}
		for _, f := range plan.Faults {
			came[f.Kind]++
		}
		for _, kind := range Kinds() {
			if came[kind] == 0 {
				t.Errorf("no %s in %v", kind, plan.Duration)
			}
		}
	})
}

// The particulars are drawn, each of them, within their bounds.
func TestParticularsOfFaults(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for seed := range uint64(30) {
		plan := drawn(t, Config{Seed: seed, Duration: time.Minute, SessionTimeout: 2 * time.Second})
		for _, f := range plan.Faults {
			switch f.Kind {
			case WorkerPause:
				if f.Lasts < 3*time.Second || f.Lasts > 6*time.Second {
					t.Errorf("a pause of %v with a session of 2 s", f.Lasts)
				}
			case RedisTail:
				if f.Turn <= 0 {
					t.Errorf("a tail of no length: %+v", f)
				}
			case RedisPromote:
				if f.Turn <= 0 {
					t.Errorf("a promotion without a tail: %+v", f)
				}
				seen[fmt.Sprint("two masters ", f.Lasts > f.Turn)] = true
				seen[fmt.Sprint("all cut ", f.Target == Everyone)] = true
			case RedisStall, KafkaStall:
				seen["stall "+f.Direction.String()] = true
			case RedisCut:
				seen[fmt.Sprint("at once ", f.Bytes == 0)] = true
				seen["by "+f.Ending.String()] = true
				if (f.Bytes == 0) != (f.Direction == 0) || f.Direction == faultproxy.Both || f.Bytes > cutBytesMax {
					t.Errorf("a cut after %d bytes %v", f.Bytes, f.Direction)
				}
			}
		}
	}
	for _, want := range []string{"two masters true", "two masters false", "all cut true", "all cut false",
		"stall both", "stall to server", "stall to client", "at once true", "at once false", "by reset", "by finish"} {
		if !seen[want] {
			t.Errorf("never drawn: %s", want)
		}
	}
}

// With a clock a worker is killed at each of its strokes, another one than before, and
// the servers have their faults as well.
func TestWorkersAreKilledByTheClock(t *testing.T) {
	t.Parallel()
	const every = 2 * time.Second
	for seed := range uint64(100) {
		for _, workers := range []int{2, 3} {
			plan := drawn(t, Config{Seed: seed, Duration: time.Minute, Workers: workers, KillEvery: every})
			kills, others, last := 0, 0, -1
			for i, f := range plan.Faults {
				if f.Number != i+1 || i > 0 && f.At < plan.Faults[i-1].At {
					t.Errorf("fault %d at place %d, at %v", f.Number, i+1, f.At)
				}
				switch f.Kind {
				case WorkerKill:
					kills++
					if f.At != time.Duration(kills)*every || f.Target == last || f.mended() > f.At+every {
						t.Errorf("kill %d of worker %d at %v until %v, behind one of worker %d", kills, f.Target, f.At, f.mended(), last)
					}
					last = f.Target
				case WorkerPause:
					t.Errorf("fault %d pauses a worker", f.Number)
				default:
					others++
				}
			}
			if kills < 28 || others < 15 {
				t.Errorf("seed %d, %d workers: %d kills and %d other faults in a minute", seed, workers, kills, others)
			}
		}
	}
	alone := drawn(t, Config{Duration: time.Minute, Kinds: []Kind{WorkerKill}, KillEvery: every})
	if len(alone.Faults) < 28 {
		t.Errorf("%d kills in a minute by the clock alone", len(alone.Faults))
	}
}

func TestDrawRefusesWhatItCannotDo(t *testing.T) {
	t.Parallel()
	for _, config := range []Config{
		{Duration: time.Second},
		{Duration: time.Minute, Workers: -1},
		{Duration: time.Minute, SessionTimeout: -1},
		{Duration: time.Minute, Kinds: []Kind{RedisCut, "flood"}},
		{Duration: time.Minute, KillEvery: time.Millisecond},
		{Duration: time.Minute, Workers: 1, KillEvery: time.Second},
	} {
		if plan, err := Draw(config); err == nil {
			t.Errorf("%+v gives a plan of %d faults", config, len(plan.Faults))
		}
	}
}

func TestPlanPrintsAsATable(t *testing.T) {
	t.Parallel()
	plan := Plan{Seed: 3, Duration: time.Minute, Workers: 2, Faults: []Fault{
		{Number: 1, Kind: WorkerKill, Target: 1, At: 1500 * time.Millisecond, Lasts: time.Second},
		{Number: 2, Kind: RedisCut, Target: 0, At: 3 * time.Second, Lasts: time.Second, Direction: faultproxy.ToClient, Bytes: 17},
		{Number: 3, Kind: KafkaStall, Target: Everyone, At: 12 * time.Second, Lasts: 8 * time.Second, Direction: faultproxy.Both},
		{Number: 4, Kind: RedisPromote, Target: Everyone, At: 14 * time.Second, Turn: time.Second, Lasts: 3 * time.Second},
	}}
	const want = `seed 3, 1m0s, 2 workers, 4 faults
no  at      lasts  kind           victim             detail
1   1.5 s   1.0 s  worker-kill    worker 2           
2   3.0 s   1.0 s  redis-cut      redis of worker 1  after 17 bytes to client, by reset
3   12.0 s  8.0 s  kafka-stall    kafka              both
4   14.0 s  3.0 s  redis-promote  redis              a tail of 1.0 s, two masters for 2.0 s
`
	if diff := cmp.Diff(want, plan.String()); diff != "" {
		t.Errorf("the table (-want +got):\n%s", diff)
	}
}
