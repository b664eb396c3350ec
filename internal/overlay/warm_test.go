package overlay

import (
	"fmt"
	"strings"
	"testing"
)

// A view warms where an event looked up an element under the key that it came with, and
// nowhere else; that changes nothing, whatever the keys.
func TestWarm(t *testing.T) {
	t.Parallel()
	v := New("{t}", 1)
	f := &fields[int64]{}
	keys := [][]byte{[]byte("not there"), {}}
	for i := range 2000 {
		field := fmt.Sprint("key", i) + strings.Repeat(" long", i%2*4)
		f.entries.add(hashOf(field), newEntry[int64](field))
		keys = append(keys, []byte(field))
	}

	v.meets(f, "")
	v.Expect([]byte("key8"))
	v.meets(f, "key6")
	if v.Expects() {
		t.Error("an event that looked up another key than its own is taken for one that did not")
	}
	if v.Warm(keys); v.warmed != 0 {
		t.Error("elements were looked up that nobody will look up")
	}
	v.meets(f, "key8")
	if !v.Expects() {
		t.Fatal("an event looked up its own key, and nothing was learnt of it")
	}
	if v.Warm(keys); v.warmed == 0 {
		t.Error("no element was looked up")
	}
	if v.Expects() {
		t.Error("the view goes on to look up what the events since have not")
	}
	v.meets(f, "key8")
	v.Warm(nil)
	for _, key := range keys[2:] {
		if f.entries.get(string(key)) == nil {
			t.Fatalf("%s is gone", key)
		}
	}
	if n := len(f.entries.sorted()); n != len(keys)-2 {
		t.Errorf("%d elements are there, and there were %d", n, len(keys)-2)
	}

	empty := &fields[int64]{}
	v.meets(empty, "key8")
	v.Warm(keys)
}
