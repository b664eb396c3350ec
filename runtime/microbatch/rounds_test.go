package microbatch

import (
	"strings"
	"testing"

	"github.com/coppice-run/coppice/task"
)

// blocks is a coordinator with two rounds of batch blocks, at the beginning of phase Running.
func blocks(t *testing.T) *rig {
	r := fixed(t)
	config := r.c.config
	config.Topology, config.Rounds = "t", 2
	r.c.Configure(config)
	r.join(0, 1, 2)
	r.wantPhase(Running)
	return r
}

func (r *rig) wantRound(round int) {
	r.t.Helper()
	r.wantPhase(Running)
	if r.c.Round() != round {
		r.t.Fatalf("it is in round %d, want %d", r.c.Round(), round)
	}
}

// round acks the events with which a round begins, of some tasks.
func (r *rig) round(round int, ids ...task.ID) {
	for _, id := range ids {
		r.c.Acked(r.attempt, id, r.owner[id], r.attempt.RoundRoot("t", id, round))
	}
	r.poll()
}

// promise 14.13: a round begins on every task when all events of the one before are over,
// on all tasks; the stage follows the last.
func TestRoundsFollowEachOther(t *testing.T) {
	t.Parallel()
	r := blocks(t)
	r.wantRound(0)
	r.run(0, 1)
	r.wantRound(0)
	r.run(2)
	r.wantRound(1)
	r.wantOrders(Run, 0, 1, 2)
	r.round(1, 0, 2)
	hop := uint64(99)
	r.c.Acked(r.attempt, 1, r.owner[1], r.attempt.RoundRoot("t", 1, 1)^hop)
	r.poll()
	r.wantRound(1)
	r.c.Acked(r.attempt, 0, r.owner[0], hop)
	r.poll()
	r.wantRound(2)
	r.wantOrders(Run, 0, 1, 2)
	r.wait(again)
	r.wantOrders(Run, 0, 1, 2) // nothing has come of them yet
	r.round(2, 1)
	r.wait(again)
	r.wantOrders(Run, 0, 2)
	r.round(2, 0, 2)
	r.wantPhase(Staging)
	r.wantOrders(Stage, 0, 1, 2)
}

// What is over in memory dies with the attempt: the next one begins with the records.
func TestAnAttemptThatFailsInARoundBeginsAnew(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(*rig){
		"lost":        func(r *rig) { r.c.Lost("a connection is gone") },
		"new owner":   func(r *rig) { r.c.Met(1, task.Token{55}) },
		"ack of it":   func(r *rig) { r.c.Acked(r.attempt, 1, task.Token{55}, 7) },
		"too long":    func(r *rig) { r.wait(timeout) },
		"block fails": func(r *rig) { r.c.BlockedAt(r.attempt, "no") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := blocks(t)
			r.run(0, 1, 2)
			r.wantRound(1)
			before := r.attempt
			fail(r)
			r.wantPhase(Resting)
			r.wait(rest)
			r.wantPhase(Joining)
			if r.attempt.ID != before.ID || r.attempt.Token == before.Token {
				t.Fatalf("attempt %v follows %v", r.attempt, before)
			}
			r.join(0, 1, 2)
			r.wantRound(0)
			r.c.Acked(before, 0, r.owner[0], before.RoundRoot("t", 0, 1)) // late
			r.run(0, 1, 2)
			r.wantRound(1)
		})
	}
}

// Each round has the whole of the phase's time.
func TestARoundHasTheTimeOfAPhase(t *testing.T) {
	t.Parallel()
	r := blocks(t)
	r.wait(timeout - 1)
	r.run(0, 1, 2)
	r.wait(timeout - 1)
	r.wantRound(1)
	r.wait(1)
	r.wantPhase(Resting)
}

// Events that begin rounds have ids of their own, by round, task and microbatch, and the
// same seeds in each attempt.
func TestRootsOfRounds(t *testing.T) {
	t.Parallel()
	seen := map[uint64]bool{}
	for id := range task.ID(5) {
		for round := 1; round < 5; round++ {
			for microbatch := uint64(1); microbatch < 4; microbatch++ {
				one, other := Name{microbatch, task.Token{1}}, Name{microbatch, task.Token{2}}
				seed := one.RoundSeed("t", id, round)
				if seed != other.RoundSeed("t", id, round) || seed == one.RoundSeed("u", id, round) || seen[seed] {
					t.Fatalf("seed %x of task %v, round %d, microbatch %d", seed, id, round, microbatch)
				}
				if one.RoundRoot("t", id, round) == other.RoundRoot("t", id, round) {
					t.Fatal("two attempts have the same event")
				}
				seen[seed] = true
			}
		}
	}
}

// A batch block that fails blames no record: after as many attempts as records have, the
// ranges are halved until one record is left, which is put aside.
func TestTheRecordThatFailsABlockIsFound(t *testing.T) {
	t.Parallel()
	r := blocks(t) // of the records 5 to 8
	var ends []int64
	for len(r.c.State().Blames) == 0 {
		r.run(0, 1, 2)
		r.wantRound(1)
		r.c.BlockedAt(r.attempt, "no")
		r.wait(rest)
		ends = append(ends, r.c.State().Ranges[0].To)
		r.join(0, 1, 2)
		if len(ends) > 9 {
			t.Fatalf("after %d failures of a block nothing is put aside", len(ends))
		}
	}
	if want := []int64{9, 9, 7, 6, 6}; len(ends) != len(want) || ends[2] != 7 || ends[3] != 6 {
		t.Errorf("the ranges end at %v, want %v", ends, want)
	}
	if b := r.c.State().Blames[0]; b.Record != (Record{"d", 1, 5, ""}) || !b.Parks || b.Reason != "no" {
		t.Errorf("%+v is blamed", b)
	}
}

// A block that fails without any record would fail for ever: the coordinator stops, and says so.
func TestABlockThatNoRecordFails(t *testing.T) {
	t.Parallel()
	r := blocks(t)
	for n := 0; r.c.Phase() != Broken; n++ {
		r.run(0, 1, 2)
		r.c.BlockedAt(r.attempt, "no")
		if r.c.Phase() == Broken {
			break
		}
		r.wait(rest)
		r.join(0, 1, 2)
		if n > 12 {
			t.Fatal("it goes on for ever")
		}
	}
	if b := r.c.State().Blames; !r.c.Stuck() || len(b) != 1 || !b[0].Parks || !strings.Contains(r.c.Word(), "no record of it is left to blame: no") {
		t.Errorf("stuck %v, blamed are %+v: %s", r.c.Stuck(), b, r.c.Word())
	}
	r.wait(1000 * rest)
	r.wantPhase(Broken)
}

// A microbatch whose sources are gone has no record at all: its blocks have as many attempts
// as the topology's records.
func TestABlockWithoutRanges(t *testing.T) {
	t.Parallel()
	r := blocks(t)
	r.c.state.Ranges = nil
	for range most - 1 {
		r.run(0, 1, 2)
		r.c.BlockedAt(r.attempt, "no")
		r.wantPhase(Resting)
		r.wait(rest)
		r.join(0, 1, 2)
	}
	r.run(0, 1, 2)
	r.c.FailedAt(r.attempt, nil, true, "too large")
	if r.wantPhase(Broken); !r.c.Stuck() {
		t.Error("it says that two slots disagree")
	}
}
