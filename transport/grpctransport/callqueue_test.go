package grpctransport

import (
	"bytes"
	"slices"
	"testing"
)

// What is taken out before it is sent is not sent; small parts share messages, and a large one has
// its own.
func TestCallQueue(t *testing.T) {
	t.Parallel()
	q := newCallQueue()
	large := bytes.Repeat([]byte{'x'}, 2*callBytesMax)
	for id, data := range [][]byte{[]byte("a"), []byte("b"), []byte("c"), large, []byte("d")} {
		q.add(uint64(id), callBegins, data)
	}
	if !q.remove(1) || q.remove(1) || q.remove(9) {
		t.Error("a part is there once, and another one is not")
	}
	if n, want := q.queuedBytes(), int64(len(large)+3); n != want {
		t.Errorf("%d bytes wait, want %d", n, want)
	}
	var messages [][]uint64
	for m := q.take(); m != nil; m = q.take() {
		var ids []uint64
		if err := eachCall(m, func(id uint64, _ byte, _ []byte) error { ids = append(ids, id); return nil }); err != nil {
			t.Fatal(err)
		}
		messages = append(messages, ids)
	}
	if want := [][]uint64{{0, 2}, {3}, {4}}; !slices.EqualFunc(messages, want, slices.Equal) {
		t.Errorf("messages of %v, want %v", messages, want)
	}
	if n := q.queuedBytes(); n != 0 {
		t.Errorf("%d bytes wait, and all are taken", n)
	}
	if err := eachCall(append(appendBytes([]byte{1, callBegins}, large), 2, callBegins, 0), func(uint64, byte, []byte) error { return nil }); err == nil {
		t.Error("a large message of two calls is taken")
	}
}
