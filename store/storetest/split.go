package storetest

import (
	"errors"

	"github.com/coppice-run/coppice/store"
)

var splitCases = []subtest{
	{"an owner on a server that was replaced finds out (R18)", replacedServer},
	{"who takes a slot anew takes it on the present master (R18)", takeAfterSplit},
	{"an owner on the present master stays (R18)", presentServer},
}

// divide makes another server the master.
func (b *bench) divide() {
	b.Helper()
	if b.split == nil {
		b.Skip("the harness has no hook Split")
	}
	if err := b.split(b.ctx); err != nil {
		b.Fatalf("Split: %v", err)
	}
}

// lookHome asks a session for its own head, together with another.
func (b *bench) lookHome(s store.Session) error {
	_, err := s.Heads(b.ctx, []store.Slot{newSlot(), b.slot})
	return err
}

// replacedServer: a store that can not tell servers from each other may notice by what
// they hold, after the first commit that one of them lacks.
func replacedServer(b *bench) {
	s, _ := b.take(1)
	b.commit(s, head(1, 1))
	b.divide()
	err := b.lookHome(s)
	if err == nil {
		b.commit(s, head(1, 2)) // the former server still takes it
		err = b.lookHome(s)
	}
	if !errors.Is(err, store.ErrLost) {
		b.Fatalf("a look from a server that was replaced: %v, want ErrLost", err)
	}
	if err := s.Commit(b.ctx, &store.Batch{Head: head(1, 3)}); !errors.Is(err, store.ErrLost) {
		b.Errorf("a commit after it: %v, want ErrLost", err)
	}
}

func takeAfterSplit(b *bench) {
	t := b.table("m", store.Map)
	former, _ := b.take(1)
	b.commit(former, head(1, 1), put(t, "a", "1"))
	b.divide()
	if err := former.Commit(b.ctx, &store.Batch{Head: head(1, 2), Changes: []store.Change{put(t, "a", "2")}}); err != nil {
		b.Logf("the former server refused: %v", err)
	}
	s, previous := b.take(2)
	if previous != head(1, 1) {
		b.Errorf("the slot was taken from %v, want what the new master has, %v", previous, head(1, 1))
	}
	reads := []store.Read{{Table: t, Kind: store.Get, Field: "a"}}
	if err := s.Read(b.ctx, reads); err != nil || reads[0].Value != "1" {
		b.Errorf("the new master has %q, want what was written before the split; %v", reads[0].Value, err)
	}
	b.commit(s, head(2, 1), put(t, "a", "3"))
	if err := b.lookHome(s); err != nil {
		b.Errorf("a look from the new master: %v", err)
	}
}

func presentServer(b *bench) {
	s, _ := b.take(1)
	for n := uint64(1); n <= 5; n++ {
		b.commit(s, head(1, n))
		if err := b.lookHome(s); err != nil {
			b.Fatalf("a look after commit %d: %v", n, err)
		}
	}
}
