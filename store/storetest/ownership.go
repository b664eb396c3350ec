package storetest

import (
	"context"
	"errors"

	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

var ownershipCases = []subtest{
	{"taking an empty slot (R2)", takeEmpty},
	{"taking over tells what was replaced (R2)", takeOver},
	{"a replaced owner writes nothing (R5, R7)", replacedWritesNothing},
	{"a replaced owner reads nothing (R18)", replacedReadsNothing},
	{"a failed session stays closed (R10)", failedStaysClosed},
	{"joining sees the head and may commit under it (R11)", join},
	{"joining a slot without owner", joinEmpty},
	{"heads of other slots (R13)", heads},
	{"heads of a replaced owner (R13)", headsReplaced},
	{"closing twice, and using what is closed", closeTwice},
	{"a context that has ended", endedContext},
	{"the server is checked", check},
}

func takeEmpty(b *bench) {
	s, previous := b.take(1)
	if !previous.IsZero() {
		b.Errorf("an empty slot had the head %v", previous)
	}
	if s.Head() != head(1, 0) {
		b.Errorf("the session's head is %v", s.Head())
	}
	if h := b.read([]store.Read{{Table: b.table("none", store.Map), Kind: store.Len}}); h != head(1, 0) {
		b.Errorf("the stored head is %v", h)
	}
}

func takeOver(b *bench) {
	first, _ := b.take(1)
	b.commit(first, head(1, 1))
	h := head(1, 2)
	h.Replaced = task.Mark{Token: task.Token{9}, Number: 5}
	b.commit(first, h)
	if _, previous := b.take(2); previous != h {
		b.Errorf("the take-over replaced %v, want %v", previous, h)
	}
}

func replacedWritesNothing(b *bench) {
	t := b.table("m", store.Map)
	first, _ := b.take(1)
	b.commit(first, head(1, 1), put(t, "a", "1"))
	second, _ := b.take(2)
	err := first.Commit(b.ctx, &store.Batch{Head: head(1, 2), Changes: []store.Change{put(t, "a", "2", "b", "2")}})
	if !errors.Is(err, store.ErrFenced) {
		b.Errorf("commit of a replaced owner: %v, want ErrFenced", err)
	}
	b.wantField(t, "a", "1", true)
	b.wantField(t, "b", "", false)
	b.commit(second, head(2, 1), put(t, "a", "3"))
	b.wantField(t, "a", "3", true)
}

func replacedReadsNothing(b *bench) {
	first, _ := b.take(1)
	_, _ = b.take(2)
	reads := []store.Read{{Table: b.table("m", store.Map), Kind: store.Get, Field: "a"}}
	if err := first.Read(b.ctx, reads); !errors.Is(err, store.ErrFenced) {
		b.Errorf("read of a replaced owner: %v, want ErrFenced", err)
	}
}

func failedStaysClosed(b *bench) {
	first, _ := b.take(1)
	_, _ = b.take(2)
	if err := first.Commit(b.ctx, &store.Batch{Head: head(1, 1)}); !errors.Is(err, store.ErrFenced) {
		b.Fatalf("commit of a replaced owner: %v, want ErrFenced", err)
	}
	if err := first.Commit(b.ctx, &store.Batch{Head: head(1, 1)}); err == nil {
		b.Error("a session that failed committed")
	}
	if err := first.Read(b.ctx, nil); err == nil {
		b.Error("a session that failed answered a read")
	}
}

func join(b *bench) {
	t := b.table("m", store.Map)
	first, _ := b.take(1)
	b.commit(first, head(1, 1), put(t, "a", "1"))
	joined, err := b.store.Join(b.ctx, b.slot)
	if err != nil {
		b.Fatal(err)
	}
	defer joined.Close()
	if joined.Head() != head(1, 1) {
		b.Errorf("joined at %v", joined.Head())
	}
	b.commit(joined, head(1, 2), put(t, "a", "2"))
	b.wantField(t, "a", "2", true)
	if err := first.Commit(b.ctx, &store.Batch{Head: head(1, 2)}); !errors.Is(err, store.ErrFenced) {
		b.Errorf("the former connection's commit: %v, want ErrFenced", err)
	}
}

func joinEmpty(b *bench) {
	joined, err := b.store.Join(b.ctx, b.slot)
	if err != nil {
		b.Fatal(err)
	}
	defer joined.Close()
	if !joined.Head().IsZero() {
		b.Errorf("joined an empty slot at %v", joined.Head())
	}
	if err := joined.Read(b.ctx, []store.Read{{Table: b.table("m", store.Map), Kind: store.Len}}); err != nil {
		b.Errorf("reading an empty slot: %v", err)
	}
}

func heads(b *bench) {
	mine, _ := b.take(1)
	other := &bench{T: b.T, ctx: b.ctx, store: b.store, slot: newSlot()}
	theirs, _ := other.take(2)
	other.commit(theirs, head(2, 1))
	got, err := mine.Heads(b.ctx, []store.Slot{other.slot, newSlot(), b.slot})
	if err != nil {
		b.Fatal(err)
	}
	if len(got) != 3 || got[0] != head(2, 1) || !got[1].IsZero() || got[2] != head(1, 0) {
		b.Errorf("heads %v", got)
	}
}

func headsReplaced(b *bench) {
	mine, _ := b.take(1)
	_, _ = b.take(2)
	if _, err := mine.Heads(b.ctx, []store.Slot{newSlot()}); !errors.Is(err, store.ErrFenced) {
		b.Errorf("heads read by a replaced owner: %v, want ErrFenced", err)
	}
}

func closeTwice(b *bench) {
	s, _ := b.take(1)
	for range 2 {
		if err := s.Close(); err != nil {
			b.Errorf("closing: %v", err)
		}
	}
	if err := s.Commit(b.ctx, &store.Batch{Head: head(1, 1)}); !errors.Is(err, store.ErrLost) {
		b.Errorf("commit on a closed session: %v, want ErrLost", err)
	}
	if h := b.read([]store.Read{{Table: b.table("m", store.Map), Kind: store.Len}}); h != head(1, 0) {
		b.Errorf("after it the head is %v", h)
	}
}

func endedContext(b *bench) {
	s, _ := b.take(1)
	ctx, cancel := context.WithCancel(b.ctx)
	cancel()
	if err := s.Commit(ctx, &store.Batch{Head: head(1, 1)}); err == nil {
		b.Error("a commit whose context had ended succeeded")
	}
	if _, _, err := b.store.Take(ctx, b.slot, head(3, 0)); err == nil {
		b.Error("a take-over whose context had ended succeeded")
	}
}

func check(b *bench) {
	if err := b.store.Check(b.ctx); err != nil {
		b.Errorf("the server that the suite runs on: %v", err)
	}
}
