package acker_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/coppice-run/coppice/acker"
)

// node is an event of a random tree.
type node struct {
	seed     uint64
	children []*node
}

// grow draws a tree and returns its events, the root first.
func grow(t *rapid.T, seed uint64, depth int) []*node {
	n := &node{seed: seed}
	all := []*node{n}
	if depth == 0 {
		return all
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "children") {
		below := grow(t, acker.Child(seed, uint32(i)), depth-1)
		n.children = append(n.children, below[0])
		all = append(all, below...)
	}
	return all
}

// delta is what the end of an event adds to its tree.
func delta(tree uint64, n *node) uint64 {
	d := acker.EventID(tree, n.seed)
	for _, c := range n.children {
		d ^= acker.EventID(tree, c.seed)
	}
	return d
}

// promise 3.33 promise 3.34: in whatever order the events of a tree end, it is
// complete with the last and not before, with 64 bits at the root however big it
// is.
func TestATreeCompletesWithItsLastEvent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ledger := acker.NewLedger[int](rapid.Uint64().Draw(t, "key"))
		seed := acker.Seed("stream", "source", 3, rapid.Int64().Draw(t, "offset"))
		events := grow(t, seed, 4)
		tree := ledger.Open(seed)
		order := rapid.Permutation(events).Draw(t, "order")
		for i, n := range order {
			complete := ledger.Find(tree.Ref).Ack(delta(tree.Ref.ID, n), 1<<uint(i%64))
			if complete != (i == len(order)-1) {
				t.Fatalf("after %d of %d events complete is %v", i+1, len(order), complete)
			}
		}
		ledger.Close(tree)
		if ledger.Len() != 0 {
			t.Fatalf("%d trees are open", ledger.Len())
		}
	})
}

// promise 3.55: what a former attempt still says does nothing to the next.
func TestLateAcksOfAnAttemptTouchNothing(t *testing.T) {
	t.Parallel()
	ledger := acker.NewLedger[string](7)
	seed := acker.Seed("s", "d", 0, 1)
	first := ledger.Open(seed)
	old := first.Ref
	ledger.Close(first)
	second := ledger.Open(seed)
	if second.Ref.Slot != old.Slot || second.Ref.ID == old.ID {
		t.Fatalf("attempts %v and %v", old, second.Ref)
	}
	if ledger.Find(old) != nil {
		t.Error("the ref of an attempt that is over finds a tree")
	}
	if second.Ack(acker.EventID(old.ID, seed), 0) {
		t.Error("an event of another attempt completed the tree")
	}
	if ledger.Find(acker.Ref{Slot: 99}) != nil {
		t.Error("a slot that never was finds a tree")
	}
}

// Ids repeat on each attempt and differ from each other.
func TestSeeds(t *testing.T) {
	t.Parallel()
	seen := map[uint64]bool{}
	for _, topology := range []string{"a", "b"} {
		for partition := range int32(4) {
			for offset := range int64(200) {
				seed := acker.Seed(topology, "d", partition, offset)
				if seed != acker.Seed(topology, "d", partition, offset) {
					t.Fatal("a seed does not repeat")
				}
				for i := range uint32(5) {
					if c := acker.Child(seed, i); seen[c] {
						t.Fatalf("seed %x came twice", c)
					} else {
						seen[c] = true
					}
				}
			}
		}
	}
	if acker.Seed("ab", "c", 0, 0) == acker.Seed("a", "bc", 0, 0) {
		t.Error("names run into each other")
	}
}

// What a seed says of the event that it belongs to is found in it again, and nothing that is
// not there.
func TestSeedsAreInverted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		parent, i := rapid.Uint64().Draw(t, "parent"), rapid.Uint32().Draw(t, "ordinal")
		seed := acker.Child(parent, i)
		if got, ok := acker.Ordinal(parent, seed); !ok || got != i {
			t.Fatalf("child %d of %x is found as %d, %v", i, parent, got, ok)
		}
		if got := acker.Parent(seed, i); got != parent {
			t.Fatalf("the parent of child %d of %x is found as %x", i, parent, got)
		}
		any := rapid.Uint64().Draw(t, "any seed")
		if n, ok := acker.Ordinal(parent, any); ok && acker.Child(parent, n) != any {
			t.Fatalf("%x is taken for child %d of %x", any, n, parent)
		}
	})
}

// Seeds stand in slots, also as what they were made of: how they are made does not change.
func TestSeedsAreStored(t *testing.T) {
	t.Parallel()
	seed := acker.Seed("words", "sentences", 3, 1000)
	if seed != 0xa6debfd3c6982f1b || acker.Child(seed, 2) != 0x4a0d42c4d2e56e50 {
		t.Errorf("a root's seed is %#x, that of its third child %#x", seed, acker.Child(seed, 2))
	}
}

func TestEachMayCloseWhatItIsGiven(t *testing.T) {
	t.Parallel()
	ledger := acker.NewLedger[int](1)
	for i := range 10 {
		ledger.Open(uint64(i)).Data = i
	}
	seen := 0
	ledger.Each(func(tree *acker.Tree[int]) bool {
		seen++
		if tree.Data%2 == 0 {
			ledger.Close(tree)
		}
		return seen < 8
	})
	if seen != 8 || ledger.Len() != 6 {
		t.Errorf("saw %d trees, %d are left", seen, ledger.Len())
	}
}

// Booking an event costs no allocation once the ledger has its size.
func TestAllocations(t *testing.T) {
	ledger := acker.NewLedger[int](1)
	ledger.Close(ledger.Open(1))
	if n := testing.AllocsPerRun(100, func() {
		tree := ledger.Open(1)
		if found := ledger.Find(tree.Ref); found == nil || found.Ack(acker.EventID(tree.Ref.ID, acker.Child(1, 0)), 1) {
			t.Fatal("the tree is complete")
		}
		ledger.Close(tree)
	}); n > 0 {
		t.Errorf("%v allocations per tree, want none", n)
	}
}
