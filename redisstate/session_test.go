package redisstate

import (
	"errors"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/store"
	"github.com/coppice-run/coppice/task"
)

// R11, R12: the reply to a commit is lost. The commit is in, once; the session is
// over, and a new connection tells.
func TestLostReply(t *testing.T) {
	t.Parallel()
	s, l, _ := world(t)
	session := owned(t, s, 1)
	dials := l.dials()
	l.last().set(true, false)
	if err := session.Commit(t.Context(), batch(head(1, 1), "a", "1")); !errors.Is(err, store.ErrLost) {
		t.Fatalf("commit without a reply: %v, want ErrLost", err)
	}
	if err := session.Commit(t.Context(), batch(head(1, 1), "a", "2")); !errors.Is(err, store.ErrLost) {
		t.Errorf("commit on a session that is over: %v, want ErrLost", err)
	}
	if l.dials() != dials {
		t.Error("the session made another connection (R8, R10)")
	}
	joined, err := s.Join(t.Context(), slot)
	if err != nil {
		t.Fatal(err)
	}
	defer joined.Close()
	if got := joined.Head().Mark; got != head(1, 1).Mark {
		t.Errorf("the head is %v, want the commit's", got)
	}
	if v, _ := stored(t, s, "a"); v != "1" {
		t.Errorf("stored %q, want what was committed", v)
	}
}

// R11: a commit that is still on its way when the slot is taken anew aborts
// itself when it arrives.
func TestLateExec(t *testing.T) {
	t.Parallel()
	s, l, _ := world(t)
	session := owned(t, s, 1)
	old := l.last()
	old.set(false, true)
	if err := session.Commit(t.Context(), batch(head(1, 1), "late", "1")); !errors.Is(err, store.ErrLost) {
		t.Fatalf("commit that does not arrive: %v, want ErrLost", err)
	}
	again := owned(t, s, 2)
	if err := again.Commit(t.Context(), batch(head(2, 1), "new", "1")); err != nil {
		t.Fatal(err)
	}
	old.deliver(t)
	if _, found := stored(t, s, "late"); found {
		t.Error("a commit of the former connection was applied")
	}
	if err := again.Commit(t.Context(), batch(head(2, 2), "new", "2")); err != nil {
		t.Errorf("the owner's next commit: %v", err)
	}
}

// R5, R7: whoever was replaced writes nothing, neither with what it had prepared
// nor after looking again.
func TestReplacedOwner(t *testing.T) {
	t.Parallel()
	s, _, _ := world(t)
	first := owned(t, s, 1)
	second, previous, err := s.Take(t.Context(), slot, head(2, 0))
	if err != nil {
		t.Fatal(err)
	}
	defer second.Close()
	if previous.Mark != head(1, 0).Mark {
		t.Errorf("the take-over replaced %v, want the first owner's head", previous)
	}
	if err := first.Commit(t.Context(), batch(head(1, 1), "a", "1")); !errors.Is(err, store.ErrFenced) {
		t.Errorf("commit of a replaced owner: %v, want ErrFenced", err)
	}
	if _, found := stored(t, s, "a"); found {
		t.Error("a replaced owner wrote")
	}
}

// R18: what a replaced owner reads counts for nothing.
func TestReplacedOwnerReads(t *testing.T) {
	t.Parallel()
	s, _, _ := world(t)
	first := owned(t, s, 1)
	_ = owned(t, s, 2)
	reads := []store.Read{{Kind: store.Get, Table: counts, Field: "a"}}
	if err := first.Read(t.Context(), reads); !errors.Is(err, store.ErrFenced) {
		t.Errorf("read of a replaced owner: %v, want ErrFenced", err)
	}
	third := owned(t, s, 3)
	_ = owned(t, s, 4)
	if _, err := third.Heads(t.Context(), []store.Slot{slot}); !errors.Is(err, store.ErrFenced) {
		t.Errorf("heads read by a replaced owner: %v, want ErrFenced", err)
	}
}

// R10, R44: a server that refuses writes nothing, and says why.
func TestRefusal(t *testing.T) {
	t.Parallel()
	for _, reply := range []string{"OOM command not allowed when used memory > 'maxmemory'.", "READONLY You can't write against a read only replica.", "LOADING Redis is loading the dataset in memory"} {
		s, _, server := world(t)
		session := owned(t, s, 1)
		server.SetError(reply)
		err := session.Commit(t.Context(), batch(head(1, 1), "a", "1"))
		server.SetError("")
		code, _, _ := strings.Cut(reply, " ")
		if !errors.Is(err, store.ErrRefused) || !strings.Contains(err.Error(), code) || !strings.Contains(err.Error(), "redis.in-memory:6379") {
			t.Errorf("%s: %v, want ErrRefused with the code and the address", code, err)
		}
		if _, found := stored(t, s, "a"); found {
			t.Errorf("%s: something was written", code)
		}
	}
}

// R12: a command that fails inside the transaction after others took effect: the
// slot is corrupt and the error says so.
func TestErrorInsideTheTransaction(t *testing.T) {
	t.Parallel()
	s, _, server := world(t)
	session := owned(t, s, 1)
	if err := server.Set(counts.Key, "a string where a hash belongs"); err != nil {
		t.Fatal(err)
	}
	if err := session.Commit(t.Context(), batch(head(1, 1), "a", "1")); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("a table of another type: %v, want ErrCorrupt", err)
	}
}

// A head that no version of this program wrote is no head.
func TestForeignHead(t *testing.T) {
	t.Parallel()
	s, _, server := world(t)
	if err := server.Set(slot.Head, "9 something else"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Join(t.Context(), slot); !errors.Is(err, store.ErrCorrupt) {
		t.Errorf("joining a slot with a foreign head: %v, want ErrCorrupt", err)
	}
}

// Building the commands of a commit allocates nothing once its memory is there.
func TestArgumentsDoNotAllocate(t *testing.T) {
	b := &store.Batch{Head: head(1, 1)}
	sorted := b.Open(store.Table{Key: "{M.0.0}:p:s", Index: "{M.0.0}:i:s", Kind: store.SortedMap})
	for range 100 {
		sorted.Writes = append(sorted.Writes, store.Write{Field: "f", Value: "v"}, store.Write{Field: "g", Delete: true})
	}
	c := b.Open(counts)
	c.Drop = true
	c.Writes = append(c.Writes, store.Write{Field: "f", Value: "v"})
	var a arguments
	if n := testing.AllocsPerRun(100, func() {
		a.reset()
		for i := range b.Changes {
			a.change(&b.Changes[i])
		}
	}); n > 0 {
		t.Errorf("%v allocations per commit, want none", n)
	}
	want := []string{"HSET", "HDEL", "ZADD", "ZREM", "UNLINK", "HSET"}
	for i, command := range a.commands {
		if got := *command[0].(*string); i >= len(want) || got != want[i] {
			t.Errorf("command %d is %s, want the order %v", i, got, want)
		}
	}
}

// The server hides its ids: the lineage is unknown, and equals nothing (R14).
func TestHiddenLineage(t *testing.T) {
	t.Parallel()
	s, _, _ := world(t)
	session := owned(t, s, 1)
	if l := session.Lineage(); l != (task.Lineage{}) || l.Same(l) {
		t.Errorf("lineage %+v, want the zero one", l)
	}
}
