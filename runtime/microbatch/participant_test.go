package microbatch

import (
	"testing"

	"github.com/coppice-run/coppice/task"
)

func attempt(id uint64, token byte) Name { return Name{id, task.Token{token}} }

func want(t *testing.T, got, want Answer, what string) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: it answers %d, want %d", what, got, want)
	}
}

func TestATaskGoesItsWay(t *testing.T) {
	t.Parallel()
	p := NewParticipant(Name{}, Name{})
	a := attempt(1, 1)
	want(t, p.Join(a), Look, "join")
	if p.Takes(a) {
		t.Fatal("it takes events before it has looked at its head")
	}
	if !p.Looked() || !p.Takes(a) || p.Takes(attempt(1, 2)) {
		t.Fatal("it takes events of the attempt that it joined, and of no other")
	}
	want(t, p.Join(a), Again, "join again")
	want(t, p.Seal(attempt(1, 2)), Leave, "stage of another attempt")
	want(t, p.Seal(a), Store, "stage")
	want(t, p.Seal(a), Nothing, "stage while it is stored")
	if p.Takes(a) {
		t.Fatal("it takes events behind its stage")
	}
	want(t, p.Apply(a), Nothing, "apply while the stage is stored")
	p.SealStored()
	want(t, p.Seal(a), Tell, "stage again")
	want(t, p.Apply(a), Prove, "apply")
	if !p.Decided(a) || p.Decided(a) {
		t.Fatal("it applies once")
	}
	want(t, p.Apply(a), Nothing, "apply again")
	want(t, p.Join(attempt(1, 2)), Nothing, "join while it applies")
	p.ApplyStored()
	want(t, p.Apply(a), Tell, "apply behind it")
	if p.Stamp() != a || !p.Stage().IsZero() {
		t.Fatalf("stamp %v, stage %v", p.Stamp(), p.Stage())
	}
	want(t, p.Join(a), Tell, "join an earlier one")
	want(t, p.Join(attempt(3, 3)), Tell, "join one too far ahead")
	want(t, p.Join(attempt(2, 3)), Look, "join the next")
}

// R33: a token once left is never joined again.
func TestATokenIsNotJoinedAgain(t *testing.T) {
	t.Parallel()
	p := NewParticipant(Name{}, Name{})
	want(t, p.Join(attempt(1, 1)), Look, "the first")
	p.Looked()
	want(t, p.Join(attempt(1, 2)), Look, "the second")
	want(t, p.Join(attempt(1, 1)), Leave, "the first again")
	p.Looked()
	p.Quit()
	want(t, p.Join(attempt(1, 2)), Leave, "one that it has quit")
	want(t, p.Join(attempt(1, 3)), Look, "the third")
}

// A new owner that finds a stage applies it when it is decided; what the owner before it
// ran is gone, so it cannot join that attempt, only another.
func TestANewOwnerFindsAStage(t *testing.T) {
	t.Parallel()
	a := attempt(4, 1)
	p := NewParticipant(attempt(3, 9), a)
	want(t, p.Join(a), Leave, "the same attempt")
	want(t, p.Apply(attempt(4, 2)), Missing, "another attempt is decided")
	want(t, p.Apply(a), Prove, "it is decided")
	want(t, p.Join(attempt(4, 2)), Look, "another attempt")
	p.Looked()
	want(t, p.Apply(a), Prove, "the stage that it has is decided after all")
	if !p.Decided(a) {
		t.Fatal("it is not applied")
	}
	p.ApplyStored()
	if p.Stamp() != a {
		t.Fatalf("stamp %v", p.Stamp())
	}
}
