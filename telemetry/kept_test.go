package telemetry

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/coppice-run/coppice/task"
)

// Trees of several sources at one offset lie behind one another: each is found as long as it is one
// of the last that were heard of, whatever was dropped in between.
func TestTheLastTreesAreFound(t *testing.T) {
	const most = 7
	k := NewTrees(TreesConfig{Records: most})
	r := rand.New(rand.NewPCG(1, 2))
	draw := func() treeKey {
		return treeKey{"M", []string{"s", "t"}[r.IntN(2)], []string{"a", "b", "c"}[r.IntN(3)], task.ID(r.IntN(2)), int64(r.IntN(2))}
	}
	var last []treeKey // heard of, the latest first
	for range 10_000 {
		key := draw()
		if k.of(key, "d").key != key {
			t.Fatalf("%v is another one", key)
		}
		last = slices.DeleteFunc(last, func(l treeKey) bool { return l == key })
		last = slices.Insert(last, 0, key)
		last = last[:min(len(last), most)]
		key = draw()
		if found := k.find(&key); (found != nil) != slices.Contains(last, key) || found != nil && found.key != key {
			t.Fatalf("of %v is found %v, and the last are %v", key, found, last)
		}
		if k.recent.Len() != len(last) {
			t.Fatalf("%d are kept, want %d", k.recent.Len(), len(last))
		}
	}
}
