package stream_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/runtime/stream"
)

// promise 3.47 promise 3.48: whatever order records finish in, the progress says
// which, also after it was stored and read back; and when all are finished it is
// one number.
func TestProgressAgainstASet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const size = 60
		start := rapid.Int64Range(0, 1000).Draw(t, "start")
		p := stream.NewProgress(start, [16]byte{1})
		done := map[int64]bool{}
		order := rapid.Permutation(offsets(start, size)).Draw(t, "order")
		for i, offset := range order {
			if rapid.IntRange(0, 9).Draw(t, "as a range") == 0 {
				last := offset + rapid.Int64Range(0, 3).Draw(t, "length")
				p.FinishRange(offset, last)
				for o := offset; o <= last; o++ {
					done[o] = true
				}
			} else if !done[offset] {
				p.Finish(offset)
				done[offset] = true
			}
			if i%7 == 0 {
				back, err := stream.ParseProgress(string(p.AppendText(nil)))
				if err != nil {
					t.Fatal(err)
				}
				p = back
			}
			for o := start - 2; o < start+size+5; o++ {
				if p.Done(o) != (o < start || done[o]) {
					t.Fatalf("after %d offsets: offset %d done is %v: %s", i+1, o, p.Done(o), p.AppendText(nil))
				}
			}
		}
		if p.Next < start+size || p.Above() != 0 {
			t.Fatalf("all are finished and the progress is %s", p.AppendText(nil))
		}
	})
}

func offsets(start int64, n int) []int64 {
	all := make([]int64, n)
	for i := range all {
		all[i] = start + int64(i)
	}
	return all
}

func TestProgressGolden(t *testing.T) {
	t.Parallel()
	p := stream.NewProgress(120, [16]byte{0x5f, 15: 0xc1})
	p.Epoch = 3
	p.FinishRange(125, 130)
	p.Finish(140)
	const want = "1 next=120 epoch=3 topic=5f0000000000000000000000000000c1 done=125-130,140"
	if got := string(p.AppendText(nil)); got != want {
		t.Errorf("stored as %q, want %q", got, want)
	}
	bare := stream.NewProgress(0, [16]byte{})
	if got := string(bare.AppendText(nil)); got != "1 next=0" {
		t.Errorf("a new progress is %q", got)
	}
	for _, bad := range []string{"", "2 next=1", "1", "1 next=x", "1 next=-1", "1 next=5 done=3", "1 next=5 done=6,7", "1 next=5 done=9-8", "1 next=5 done=9,7", "1 next=5 topic=ab", "1 next=5 other=1", "1 next=5 epoch=99999999999"} {
		if _, err := stream.ParseProgress(bad); err == nil {
			t.Errorf("%q was read as a progress", bad)
		}
	}
}

func FuzzParseProgress(f *testing.F) {
	f.Add("1 next=120 epoch=3 topic=5f0000000000000000000000000000c1 done=125-130,140")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := stream.ParseProgress(text)
		if err != nil {
			return
		}
		stored := string(p.AppendText(nil))
		again, err := stream.ParseProgress(stored)
		if err != nil || string(again.AppendText(nil)) != stored {
			t.Fatalf("%q is stored as %q, which is read as %q, %v", text, stored, again.AppendText(nil), err)
		}
	})
}

// promise 3.58: of those that are ready the lowest offset comes first.
func TestRetryQueue(t *testing.T) {
	t.Parallel()
	var q stream.RetryQueue
	for _, r := range []struct{ offset, at int64 }{{7, 10}, {3, 30}, {5, 20}, {9, 5}} {
		q.Add(stream.Retry{Record: &depot.Record{Offset: r.offset}, Attempt: 2, ReadyAt: r.at})
	}
	if at, ok := q.NextAt(); !ok || at != 5 {
		t.Errorf("the next is ready at %d, %v", at, ok)
	}
	if r, ok := q.Find(5); !ok || r.ReadyAt != 20 {
		t.Errorf("found %+v, %v", r, ok)
	}
	for _, want := range []struct{ now, offset int64 }{{4, -1}, {20, 5}, {20, 7}, {20, 9}, {20, -1}, {30, 3}, {99, -1}} {
		r, ok := q.Take(want.now)
		if ok != (want.offset >= 0) || ok && r.Record.Offset != want.offset {
			t.Errorf("at %d came %+v, %v; want offset %d", want.now, r, ok, want.offset)
		}
	}
	if _, ok := q.NextAt(); ok || q.Len() != 0 {
		t.Error("an empty queue has a next")
	}
}

// The pause doubles, stays within its bounds, and is scattered over its last half.
func TestBackoff(t *testing.T) {
	t.Parallel()
	const base, most = 10, 1000
	for attempt := uint16(2); attempt < 200; attempt++ {
		full := int64(base)
		for range min(attempt-2, 30) {
			full = min(2*full, most)
		}
		low, high := stream.Backoff(attempt, base, most, 0), stream.Backoff(attempt, base, most, 0.999999)
		if low != full/2 || high < full-2 || high > full {
			t.Errorf("attempt %d: from %d to %d, want from %d to %d", attempt, low, high, full/2, full)
		}
	}
}

// Records that finish in their order cost no allocation.
func TestFinishInOrderAllocatesNothing(t *testing.T) {
	p := stream.NewProgress(0, [16]byte{})
	text := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() {
		p.Finish(p.Next)
		text = p.AppendText(text[:0])
	}); n > 0 {
		t.Errorf("%v allocations per record, want none", n)
	}
}
