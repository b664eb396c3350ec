package store_test

import (
	"testing"

	"github.com/coppice-run/coppice/store"
)

// A batch is used again and again: its changes keep their memory, and no two of
// one batch share any.
func TestOpenedChangesShareNothing(t *testing.T) {
	t.Parallel()
	var b store.Batch
	for round := range 4 {
		b.Changes = b.Changes[:0]
		for i := range 3 {
			c := b.Open(store.Table{Key: string(rune('a' + i)), Kind: store.Map})
			if len(c.Writes) != 0 || c.Drop {
				t.Fatalf("round %d: an opened change holds %v", round, *c)
			}
			for j := range 1 + (i+round)%3 {
				c.Writes = append(c.Writes, store.Write{Field: string(rune('0'+i)) + string(rune('0'+j))})
			}
			c.Drop = i == 1
		}
		for i, c := range b.Changes {
			for j, w := range c.Writes {
				if want := string(rune('0'+i)) + string(rune('0'+j)); w.Field != want {
					t.Errorf("round %d: write %d of change %d is %q, want %q", round, j, i, w.Field, want)
				}
			}
		}
	}
}

func FuzzParseBounds(f *testing.F) {
	for _, text := range []string{"0 1", "-3 5", "5 5", "", "1", "1 x", "01 2", "9223372036854775807 9223372036854775807"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		b, err := store.ParseBounds(text)
		if err != nil {
			return
		}
		if again, err := store.ParseBounds(b.String()); err != nil || again != b || b.Len() == 0 {
			t.Fatalf("%q was read as %v, which comes back as %v, %v", text, b, again, err)
		}
	})
}
