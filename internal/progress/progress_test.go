package progress_test

import (
	"testing"

	"pgregory.net/rapid"

	"github.com/coppice-run/coppice/internal/progress"
)

// promise 3.47 promise 3.48: whatever order records finish in, the progress says
// which, also after it was stored and read back; and when all are finished it is
// one number.
func TestProgressAgainstASet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		const size = 60
		start := rapid.Int64Range(0, 1000).Draw(t, "start")
		p := progress.New(start, [16]byte{1})
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
				back, err := progress.Parse(string(p.AppendText(nil)))
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
	p := progress.New(120, [16]byte{0x5f, 15: 0xc1})
	p.Epoch = 3
	p.FinishRange(125, 130)
	p.Finish(140)
	p.Park(140)
	const want = "1 next=120 epoch=3 topic=5f0000000000000000000000000000c1 done=125-130,140 parked=140"
	if got := string(p.AppendText(nil)); got != want {
		t.Errorf("stored as %q, want %q", got, want)
	}
	bare := progress.New(0, [16]byte{})
	if got := string(bare.AppendText(nil)); got != "1 next=0" {
		t.Errorf("a new progress is %q", got)
	}
	for _, bad := range []string{"", "2 next=1", "1", "1 next=x", "1 next=-1", "1 next=5 done=3", "1 next=5 done=6,7", "1 next=5 done=9-8", "1 next=5 done=9,7", "1 next=5 topic=ab", "1 next=5 other=1", "1 next=5 epoch=99999999999"} {
		if _, err := progress.Parse(bad); err == nil {
			t.Errorf("%q was read as a progress", bad)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("1 next=120 epoch=3 topic=5f0000000000000000000000000000c1 done=125-130,140 parked=140")
	f.Fuzz(func(t *testing.T, text string) {
		p, err := progress.Parse(text)
		if err != nil {
			return
		}
		stored := string(p.AppendText(nil))
		again, err := progress.Parse(stored)
		if err != nil || string(again.AppendText(nil)) != stored {
			t.Fatalf("%q is stored as %q, which is read as %q, %v", text, stored, again.AppendText(nil), err)
		}
	})
}

// Records that finish in their order cost no allocation.
func TestFinishInOrderAllocatesNothing(t *testing.T) {
	p := progress.New(0, [16]byte{})
	text := make([]byte, 0, 64)
	if n := testing.AllocsPerRun(100, func() {
		p.Finish(p.Next)
		text = p.AppendText(text[:0])
	}); n > 0 {
		t.Errorf("%v allocations per record, want none", n)
	}
}
