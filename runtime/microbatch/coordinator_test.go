package microbatch

import (
	"slices"
	"testing"

	"github.com/coppice-run/coppice/task"
)

// rig is a coordinator of three tasks, driven by hand.
type rig struct {
	t       *testing.T
	c       *Coordinator
	now     int64
	drawn   byte
	stored  []State
	orders  []Order
	owner   [3]task.Token
	attempt Name
}

const (
	timeout = 1000
	again   = 100
	rest    = 10
	most    = 3 // attempts
)

func (r *rig) token() task.Token {
	r.drawn++
	return task.Token{r.drawn}
}

func newRig(t *testing.T, state State) *rig {
	r := &rig{t: t}
	r.c = NewCoordinator(Config{
		Tasks: 3, NewToken: r.token, PhaseTimeout: timeout, AskAgain: again,
		Pause: func(int) int64 { return rest }, MaxAttempts: func(string) int { return most }, MaxAttemptsBare: most,
	}, state, 0)
	for i := range r.owner {
		r.owner[i] = task.Token{100, byte(i)}
	}
	return r
}

// poll lets it go on, and commits what it wants to store.
func (r *rig) poll() []Order {
	state, orders := r.c.Poll(r.now)
	if state != nil {
		r.stored = append(r.stored, *state)
		r.c.Stored(state)
		state, more := r.c.Poll(r.now)
		if state != nil {
			r.t.Fatalf("it stores %+v as soon as it has stored", state)
		}
		orders = append(orders, more...)
	}
	r.attempt = r.c.State().Name
	r.orders = orders
	return orders
}

func (r *rig) wait(d int64) []Order {
	r.now += d
	return r.poll()
}

func (r *rig) wantPhase(p Phase) {
	r.t.Helper()
	if r.c.Phase() != p {
		r.t.Fatalf("it is %v, want %v (%s)", r.c.Phase(), p, r.c.Failed())
	}
}

func (r *rig) wantOrders(k Kind, to ...task.ID) {
	r.t.Helper()
	var have []task.ID
	for _, o := range r.orders {
		if o.Kind != k || o.Name != r.c.State().Name {
			r.t.Fatalf("it orders %+v, want %v", r.orders, k)
		}
		have = append(have, o.To)
	}
	if !slices.Equal(have, to) {
		r.t.Fatalf("it orders %v of %v, want %v", k, have, to)
	}
}

func (r *rig) mark(id task.ID, n uint64) task.Mark { return task.Mark{Token: r.owner[id], Number: n} }

// fixed brings it to phase Joining of microbatch 1.
func fixed(t *testing.T) *rig {
	r := newRig(t, State{})
	r.poll()
	r.wantPhase(Idle)
	r.c.Have(0, Range{Source: "d", Task: 1, From: 5, To: 9})
	r.poll()
	r.wantPhase(Joining)
	return r
}

func (r *rig) join(ids ...task.ID) {
	for _, id := range ids {
		r.c.Joined(r.attempt, id, r.owner[id])
	}
	r.poll()
}

// run acks the events of a task: its root alone.
func (r *rig) run(ids ...task.ID) {
	for _, id := range ids {
		r.c.Acked(r.attempt, id, r.owner[id], r.attempt.Root(id))
	}
	r.poll()
}

func (r *rig) stage(shown bool, ids ...task.ID) {
	for _, id := range ids {
		r.c.Staged(r.attempt, id, r.mark(id, 7), shown)
	}
	r.poll()
}

func (r *rig) stamp(shown bool, ids ...task.ID) {
	for _, id := range ids {
		r.c.Stamped(r.attempt, id, r.mark(id, 8), shown)
	}
	r.poll()
}

// R32 to R39, without anything in the way.
func TestAMicrobatchGoesItsWay(t *testing.T) {
	t.Parallel()
	r := fixed(t)
	if s := r.stored[0]; s.ID != 1 || s.Token.IsZero() || s.Decided || len(s.Ranges) != 1 || s.Ranges[0].To != 9 {
		t.Fatalf("it stores %+v", s)
	}
	r.wantOrders(Join, 0, 1, 2)
	r.join(0, 1)
	r.wantPhase(Joining)
	r.join(2)
	r.wantPhase(Running)
	r.wantOrders(Run, 0, 1, 2)
	r.run(0, 2)
	r.wantPhase(Running)
	child := uint64(77)
	r.c.Acked(r.attempt, 1, r.owner[1], r.attempt.Root(1)^child)
	r.wantPhase(Running)
	r.c.Acked(r.attempt, 2, r.owner[2], child)
	r.poll()
	r.wantPhase(Staging)
	r.wantOrders(Stage, 0, 1, 2)
	r.stage(true, 0, 1)
	r.wantPhase(Staging)
	if len(r.stored) != 1 {
		t.Fatal("it has decided before all have staged")
	}
	r.stage(true, 2)
	r.wantPhase(Applying)
	r.wantOrders(Apply, 0, 1, 2)
	if s := r.stored[1]; s.Name != r.attempt || !s.Decided {
		t.Fatalf("it decides %+v", s)
	}
	r.c.Have(1, Range{Task: 0, From: 0, To: 1})
	r.stamp(true, 0, 1)
	r.wantPhase(Applying)
	r.stamp(true, 2)
	r.wantPhase(Joining) // the next one: a record lay ready
	if s := r.stored[2]; s.ID != 2 || s.Before != r.stored[1].Token || s.Decided {
		t.Fatalf("the next is %+v", s)
	}
}

// R36: seals that prove nothing are looked at, and a seal that is not there ends the
// attempt. R39: the same for stamps, which are asked for again.
func TestSealsAndStampsAreSeen(t *testing.T) {
	t.Parallel()
	r := fixed(t)
	r.join(0, 1, 2)
	r.run(0, 1, 2)
	r.stage(true, 0)
	r.stage(false, 1, 2)
	r.wantPhase(Verifying)
	if w := r.c.Wants(); !slices.Equal(w, []task.ID{1, 2}) {
		t.Fatalf("it looks at %v", w)
	}
	r.c.Shown(1, task.Head{Mark: r.mark(1, 7)})
	r.wantPhase(Verifying)
	r.c.Shown(2, task.Head{Mark: task.Mark{Token: task.Token{9}}, Replaced: r.mark(2, 7)}) // its successor's note
	r.wantPhase(Deciding)
	r.poll()
	r.wantPhase(Applying)
	r.stamp(false, 0, 1, 2)
	r.wantPhase(Confirming)
	r.c.Shown(0, task.Head{Mark: r.mark(0, 8)})
	r.c.Shown(1, task.Head{Mark: r.mark(1, 7)})
	r.wantPhase(Applying)
	r.poll()
	r.wantOrders(Apply, 1)
	r.stamp(true, 1)
	r.wantPhase(Confirming)
	r.c.Shown(2, task.Head{Mark: r.mark(2, 8)})
	r.wantPhase(Idle)

	r = fixed(t)
	r.join(0, 1, 2)
	r.run(0, 1, 2)
	r.stage(true, 0, 1)
	r.stage(false, 2)
	r.c.Shown(2, task.Head{Mark: r.mark(2, 6)})
	r.wantPhase(Resting)
}

// R34: what another owner than the one that joined says ends the attempt; the next one has
// the same ranges and another token, after a pause.
func TestAnAttemptFails(t *testing.T) {
	t.Parallel()
	for name, fail := range map[string]func(r *rig){
		"acks of another owner":   func(r *rig) { r.c.Acked(r.attempt, 1, task.Token{1}, r.attempt.Root(1)) },
		"a task joins again":      func(r *rig) { r.c.Joined(r.attempt, 1, task.Token{1}) },
		"a new owner is met":      func(r *rig) { r.c.Met(1, task.Token{1}) },
		"a connection breaks":     func(r *rig) { r.c.Lost("line") },
		"a handler fails":         func(r *rig) { r.c.FailedAt(r.attempt, &Record{Task: 1, Offset: 5}, false, "mood") },
		"it takes too long":       func(r *rig) { r.wait(timeout) },
		"a seal of another owner": func(r *rig) { r.run(0, 1, 2); r.c.Staged(r.attempt, 1, task.Mark{Token: task.Token{1}}, true) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := fixed(t)
			before := r.stored[0]
			r.join(0, 1, 2)
			fail(r)
			r.wantPhase(Resting)
			r.poll()
			r.wantPhase(Resting)
			r.wait(rest)
			r.wantPhase(Joining)
			s := r.stored[1]
			if s.ID != 1 || s.Token == before.Token || s.Attempt != 2 || !slices.Equal(s.Ranges, before.Ranges) {
				t.Fatalf("the next attempt is %+v after %+v", s, before)
			}
			r.c.Acked(before.Name, 0, r.owner[0], 1) // of the first one
			r.c.Joined(before.Name, 0, r.owner[0])
			r.wantPhase(Joining)
			r.join(0, 1, 2)
			r.wantPhase(Running)
		})
	}
}

// R34: a record that fails too often is put aside with the next attempt.
func TestARecordIsPutAside(t *testing.T) {
	t.Parallel()
	r := fixed(t)
	for i := range most {
		if i > 0 {
			r.wait(rest)
		}
		r.c.FailedAt(r.attempt, &Record{Task: 1, Offset: 6}, false, "mood")
		r.c.FailedAt(r.attempt, &Record{Task: 1, Offset: 7}, false, "the attempt is over")
	}
	r.wait(rest)
	b := r.c.State().Blames
	if len(b) != 1 || b[0].Offset != 6 || b[0].Count != most || !b[0].Parks {
		t.Fatalf("blames %+v", b)
	}
}

// R35: a write set above the bound has the same microbatch tried with shorter ranges; a
// single record is to blame itself.
func TestRangesAreShortened(t *testing.T) {
	t.Parallel()
	r := fixed(t)
	for _, to := range []int64{7, 6} {
		r.c.FailedAt(r.attempt, &Record{Task: 1, Offset: 5}, true, "too large")
		r.wait(rest)
		if s := r.c.State(); s.Ranges[0].To != to || len(s.Blames) != 0 {
			t.Fatalf("ranges %+v, blames %+v, want the end %d", s.Ranges, s.Blames, to)
		}
	}
	r.c.FailedAt(r.attempt, &Record{Task: 1, Offset: 5}, true, "too large")
	if s := r.c.State(); len(s.Blames) != 1 || s.Ranges[0].To != 6 {
		t.Fatalf("%+v", s)
	}
}

// R32, R38: a new owner of the coordinator goes on: before the decision with a new token,
// after it by applying.
func TestACoordinatorGoesOn(t *testing.T) {
	t.Parallel()
	s := State{Name: Name{4, task.Token{50}}, Attempt: 2, Ranges: []Range{{Task: 2, From: 1, To: 3}}, Before: task.Token{40}}
	r := newRig(t, s)
	r.poll()
	r.wantPhase(Joining)
	if got := r.stored[0]; got.ID != 4 || got.Token == s.Token || got.Attempt != 3 || !slices.Equal(got.Ranges, s.Ranges) {
		t.Fatalf("it goes on with %+v", got)
	}
	s.Decided = true
	r = newRig(t, s)
	r.poll()
	r.wantPhase(Applying)
	r.wantOrders(Apply, 0, 1, 2)
	if len(r.stored) != 0 || r.c.Behind(2) != (Name{3, task.Token{40}}) || r.c.Behind(3) != s.Name || !r.c.Behind(1).IsZero() {
		t.Fatalf("stored %v, behind %v %v %v", r.stored, r.c.Behind(1), r.c.Behind(2), r.c.Behind(3))
	}
}

// R39: a stamp of an undecided microbatch is its decision, when it is seen; one of a later
// microbatch says that two slots disagree.
func TestAStampIsADecision(t *testing.T) {
	t.Parallel()
	r := newRig(t, State{Name: Name{4, task.Token{50}}})
	r.poll()
	stamp := Name{4, task.Token{50}}
	r.c.Stamped(stamp, 1, r.mark(1, 9), false)
	r.wantPhase(Joining)
	if w := r.c.Wants(); !slices.Equal(w, []task.ID{1}) {
		t.Fatalf("it looks at %v", w)
	}
	r.c.Shown(1, task.Head{Mark: r.mark(1, 8)})
	r.wantPhase(Joining)
	r.c.Stamped(stamp, 1, r.mark(1, 9), false)
	r.c.Shown(1, task.Head{Mark: r.mark(1, 9)})
	r.wantPhase(Deciding)
	r.poll()
	r.wantPhase(Applying)
	if s := r.stored[len(r.stored)-1]; s.Name != stamp || !s.Decided {
		t.Fatalf("it decides %+v", s)
	}
	r.c.Stamped(Name{5, task.Token{60}}, 2, r.mark(2, 9), false)
	r.wantPhase(Applying)
	r.c.Shown(2, task.Head{Mark: r.mark(2, 9)})
	r.wantPhase(Broken)
}

// R33: it waits for a task without an owner, without limit and without a new token, and
// asks a new owner at once.
func TestItWaitsForEveryTask(t *testing.T) {
	t.Parallel()
	r := fixed(t)
	r.join(0, 2)
	for range 100 {
		r.wait(again)
		r.wantPhase(Joining)
		r.wantOrders(Join, 1)
	}
	if r.wait(1); len(r.orders) != 0 {
		t.Fatalf("it asks again too soon: %v", r.orders)
	}
	r.c.Met(1, task.Token{1})
	r.wait(1)
	r.wantOrders(Join, 1)
	if len(r.stored) != 1 {
		t.Fatalf("stored %v", r.stored)
	}
}

// A phase that is slow gets more time at each attempt.
func TestTheTimeoutGrows(t *testing.T) {
	t.Parallel()
	r := fixed(t)
	for range 3 {
		r.join(0, 1, 2)
		r.wait(timeout)
		r.wantPhase(map[bool]Phase{true: Resting, false: Running}[len(r.stored) == 1])
		r.wait(timeout)
		r.wait(2 * timeout)
		r.wait(rest)
	}
	if n := len(r.stored); n != 4 {
		t.Errorf("%d attempts", n)
	}
}

// A held coordinator finishes what is under way, and begins nothing.
func TestItIsHeld(t *testing.T) {
	t.Parallel()
	r := fixed(t)
	r.c.Hold(true)
	r.join(0, 1, 2)
	r.run(0, 1, 2)
	r.stage(true, 0, 1, 2)
	r.c.Have(1, Range{Task: 1, From: 9, To: 10})
	r.stamp(true, 0, 1, 2)
	r.wantPhase(Idle)
	r.c.Hold(false)
	r.poll()
	r.wantPhase(Joining)
}

func TestStatesComeBack(t *testing.T) {
	t.Parallel()
	s := State{Name: Name{4, task.Token{50}}, Attempt: 2, Ranges: []Range{{Source: "d", Task: 2, From: 3, To: 4}, {Source: "d", Task: 2, From: 1, To: 2, Parked: "record"}}, Blames: []Blame{{Record: Record{"d", 2, 3, ""}, Count: 1, Reason: "x"}}, Decided: true, Before: task.Token{1}}
	text := string(s.AppendText(nil))
	got, err := ParseState(text)
	if again := string(got.AppendText(nil)); err != nil || again != text || got.Name != s.Name || got.Before != s.Before || !got.Decided {
		t.Errorf("%s became %s (%v)", text, again, err)
	}
	if none, err := ParseState(""); err != nil || !none.IsZero() {
		t.Errorf("%+v %v", none, err)
	}
	for _, bad := range []string{"{", `{"version":2}`, `{"version":1,"token":"x"}`} {
		if _, err := ParseState(bad); err == nil {
			t.Errorf("%s is read", bad)
		}
	}
}

// R32: tasks may join while the attempt is being stored; its events run when it is. What is
// stored late, of an attempt that is over, counts for nothing.
func TestEventsRunWhenTheRangesAreFixed(t *testing.T) {
	t.Parallel()
	r := newRig(t, State{})
	r.c.Have(0, Range{Task: 1, From: 5, To: 9})
	first, orders := r.c.Poll(0)
	if first == nil || len(orders) != 3 || orders[0].Kind != Join {
		t.Fatalf("it stores %+v and orders %v", first, orders)
	}
	r.attempt = first.Name
	r.join(0, 1, 2)
	r.wantPhase(Joining)
	r.c.Lost("line")
	r.now += rest
	second, _ := r.c.Poll(r.now)
	r.attempt = second.Name
	r.join(0, 1, 2)
	r.c.Stored(first)
	r.wantPhase(Joining)
	r.c.Stored(second)
	r.wantPhase(Running)
	r.run(0, 1, 2)
	for id := range task.ID(3) {
		r.c.Staged(r.attempt, id, r.mark(id, 7), true)
	}
	r.wantPhase(Deciding)
	decision, _ := r.c.Poll(r.now)
	r.c.Stored(second)
	r.wantPhase(Deciding)
	r.c.Stored(decision)
	r.wantPhase(Applying)
}
