package redisstate

import (
	"fmt"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/store"
)

// Many fields of one map are one command, which takes no memory for each of them but its place
// among the arguments.
func TestAskingForFieldsTakesLittleMemory(t *testing.T) {
	client := redis.NewClient(&redis.Options{Addr: "nowhere:1"}) // nothing is sent
	t.Cleanup(func() { _ = client.Close() })
	table := store.Table{Key: "{t}:p:counts", Kind: store.Map}
	reads := make([]store.Read, 512)
	for i := range reads {
		reads[i] = store.Read{Kind: store.Get, Table: table, Field: fmt.Sprint("key", i)}
	}
	reads = append(reads, store.Read{Kind: store.Len, Table: table}, store.Read{Kind: store.Get, Table: table, Field: "apart"})

	questions := ask(t.Context(), client.Pipeline(), reads)
	if len(questions) != 3 || questions[0].last != 511 || questions[2].first != 513 {
		t.Fatalf("questions %+v, want one of 512 fields, a length and one of a field", questions)
	}
	pipe := client.Pipeline()
	n := testing.AllocsPerRun(100, func() {
		pipe.Discard()
		ask(t.Context(), pipe, reads)
	})
	if n > 40 {
		t.Errorf("%v allocations, want 40 at most", n)
	}
}
