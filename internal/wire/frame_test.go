package wire_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

func token(b byte) (t task.Token) {
	for i := range t {
		t[i] = b
	}
	return t
}

// texts is a codec that stores a string as it is.
var texts = &codec.Codec[string]{
	Name:   "text",
	Append: func(dst []byte, v *string) ([]byte, error) { return append(dst, *v...), nil },
	Decode: func(raw []byte, v *string) error { *v = string(raw); return nil },
}

func newText(step uint16) (wire.Column, error) {
	if step > 3 {
		return nil, fmt.Errorf("no step %d", step)
	}
	return wire.NewColumn(texts, true), nil
}

// sample is the frame that docs/formats/frames.md draws.
func sample(t testing.TB) *wire.Frame {
	t.Helper()
	f := &wire.Frame{
		From: 1, To: 2, Number: 7,
		Sender: task.Mark{Token: token(0xaa), Number: 300}, Replaced: task.Mark{Token: token(0xbb), Number: 5},
		Lineage: task.Lineage{Run: "r", Replication: "p"}, Columns: make([]wire.Column, 4),
	}
	first, third := wire.NewColumn(texts, true), wire.NewColumn(texts, true)
	f.Columns[1], f.Columns[3] = first, third
	put := func(c *wire.ColumnOf[string], v string) {
		if err := c.Put(v); err != nil {
			t.Fatal(err)
		}
	}
	put(first, "hello")
	put(third, "")
	put(first, "world")
	origin := wire.Origin{Tree: acker.Ref{Slot: 4, ID: 0x1122334455667788}, Root: 3, Source: 0, Attempt: 2, Offset: 1000, Time: 1700000000000, Trace: &wire.Trace{Parent: "00-p", State: "s"}}
	other := wire.Origin{Tree: acker.Ref{Slot: 5, ID: 9}, Root: 1, Source: 1, Attempt: 1, Offset: -1, Time: 0, Generation: &task.Mark{Token: token(0xcc), Number: 3}}
	f.Events = []wire.Event{
		{Origin: origin, Seed: 1, Index: 0, Step: 1},
		{Origin: origin, Seed: 2, Index: 0, Step: 3},
		{Origin: other, Seed: 3, Index: 1, Step: 1},
	}
	f.Acks = []wire.Ack{
		{Tree: acker.Ref{Slot: 4, ID: 8}, Delta: 0xff, Touched: 6},
		{Tree: acker.Ref{Slot: 6, ID: 7}, Delta: 1, Touched: 0, More: &wire.AckMore{Outcome: wire.Failed, Text: "no", Step: "count", Returns: []wire.Return{{Ack: 2, Value: []byte("{}")}}}},
	}
	f.Parcels = []string{"parcel"}
	f.Receipt = &wire.Receipt{Number: 9, ID: wire.ParcelID{Mark: task.Mark{Token: token(0xdd), Number: 4}, Ordinal: 1}, AckNumber: 300, AckID: parcelID(0xee, 1, 0), Again: true}
	f.Notices = []wire.Notice{{Group: 0x55, Offset: 12, Attempt: 2, Step: "count", Text: "no"}}
	return f
}

const sampleBytes = "02" + "01" + "02" + "07" +
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" + "ac02" + "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" + "05" + "0172" + "0170" +
	"03" +
	"01" + "0100000000000000" + "02" + "0430302d70" + "0173" + "04" + "8877665544332211" + "03" + "00" + "02" + "d00f" + "80a0abfef962" + "05" + "68656c6c6f" +
	"03" + "0200000000000000" + "01" + "00" +
	"01" + "0300000000000000" + "04" + "cccccccccccccccccccccccccccccccc" + "03" + "05" + "0900000000000000" + "01" + "01" + "01" + "01" + "00" + "05" + "776f726c64" +
	"02" +
	"04" + "0800000000000000" + "ff00000000000000" + "0600000000000000" + "00" +
	"06" + "0700000000000000" + "0100000000000000" + "0000000000000000" + "01" + "01" + "026e6f" + "05636f756e74" + "01" + "02" + "027b7d" +
	"01" + "0670617263656c" +
	"07" + "09" + "dddddddddddddddddddddddddddddddd" + "04" + "01" + "ac02" + "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee" + "01" + "00" +
	"01" + "5500000000000000" + "18" + "02" + "05636f756e74" + "026e6f"

// The bytes of a frame do not change without a new version: workers of two
// versions talk during an update.
func TestFrameGolden(t *testing.T) {
	t.Parallel()
	raw, err := sample(t).Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := hex.EncodeToString(raw); got != sampleBytes {
		t.Errorf("the sample frame is\n%s\nwant\n%s", got, sampleBytes)
	}
	f, err := wire.ParseFrame(raw, newText)
	if err != nil {
		t.Fatal(err)
	}
	want := sample(t)
	ignore := cmp.FilterPath(func(p cmp.Path) bool { return p.String() == "Columns" }, cmp.Ignore())
	if diff := cmp.Diff(want, f, ignore, cmp.Comparer(func(a, b *wire.Trace) bool { return (a == nil) == (b == nil) && (a == nil || *a == *b) })); diff != "" {
		t.Errorf("the frame came back changed:\n%s", diff)
	}
	column := f.Columns[1].(*wire.ColumnOf[string])
	for i, want := range []string{"hello", "world"} {
		if got, err := column.Get(i); err != nil || got != want {
			t.Errorf("payload %d is %q, %v; want %q", i, got, err, want)
		}
	}
	if f.Columns[2] != nil {
		t.Error("a step without events has a column")
	}
}

// Every frame that is cut short, and one that is too long, is refused.
// Of the tasks that its events' trees are at, a frame tells which there is not.
func TestStrayEvents(t *testing.T) {
	t.Parallel()
	f := &wire.Frame{Events: []wire.Event{{Origin: wire.Origin{Root: 0}}, {Origin: wire.Origin{Root: 4}}, {Origin: wire.Origin{Root: 5}}}}
	if e := f.Stray(6); e != nil {
		t.Errorf("with 6 tasks, an event of task %v is stray", e.Root)
	}
	if e := f.Stray(4); e == nil || e.Root != 4 {
		t.Errorf("with 4 tasks, %+v is stray, want the event of task 4", e)
	}
}

func TestFrameRefusals(t *testing.T) {
	t.Parallel()
	raw, err := sample(t).Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	for n := range raw {
		if _, err := wire.ParseFrame(bytes.Clone(raw[:n]), newText); err == nil {
			t.Errorf("a frame cut to %d of %d bytes was read", n, len(raw))
		}
	}
	if _, err := wire.ParseFrame(append(bytes.Clone(raw), 0), newText); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("a byte too much: %v", err)
	}
	raw[0] = 1
	if _, err := wire.ParseFrame(raw, newText); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("another version: %v", err)
	}
}

// Whatever arrives, reading it neither panics nor allocates without bound, and
// what is read is written back as it was.
func FuzzParseFrame(f *testing.F) {
	raw, err := sample(f).Append(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	empty, err := (&wire.Frame{}).Append(nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(empty)
	f.Fuzz(func(t *testing.T, raw []byte) {
		frame, err := wire.ParseFrame(bytes.Clone(raw), newText)
		if err != nil {
			return
		}
		again, err := frame.Append(nil)
		if err != nil {
			t.Fatal(err)
		}
		second, err := wire.ParseFrame(again, newText)
		if err != nil {
			t.Fatal(err)
		}
		third, err := second.Append(nil)
		if err != nil || !bytes.Equal(again, third) {
			t.Fatalf("written back: %x, then %x (%v)", again, third, err)
		}
	})
}

// Frames that stand one behind the other come back as they were.
func TestPackedFrames(t *testing.T) {
	t.Parallel()
	one, two := sample(t), &wire.Frame{From: 2, To: 1, Number: 8, Acks: []wire.Ack{{Tree: acker.Ref{ID: 5}, More: &wire.AckMore{Outcome: wire.Undone, Text: "lost", Step: "count"}}}}
	var raw []byte
	for _, f := range []*wire.Frame{one, two, one} {
		var err error
		if raw, err = wire.AppendPacked(raw, f); err != nil {
			t.Fatal(err)
		}
	}
	frames, err := wire.ParsePacked(bytes.Clone(raw), newText)
	if err != nil || len(frames) != 3 {
		t.Fatalf("%d frames, error %v", len(frames), err)
	}
	for i, want := range []*wire.Frame{one, two, one} {
		a, errA := frames[i].Append(nil)
		b, errB := want.Append(nil)
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("frame %d is %x, want %x", i, a, b)
		}
	}
	if got := frames[1].Acks[0].More; got.Outcome != wire.Undone {
		t.Errorf("outcome %d", got.Outcome)
	}
	for n := 1; n < len(raw); n += 7 {
		if frames, err := wire.ParsePacked(bytes.Clone(raw[:n]), newText); err == nil && len(frames) == 3 {
			t.Errorf("%d of %d bytes are three frames", n, len(raw))
		}
	}
	bad := &wire.Frame{Acks: []wire.Ack{{More: &wire.AckMore{Outcome: wire.Skipped}}}}
	if raw, err = bad.Append(nil); err != nil {
		t.Fatal(err)
	}
	if _, err := wire.ParseFrame(raw, newText); !errors.Is(err, wire.ErrMalformed) {
		t.Errorf("an outcome that no ack has: %v", err)
	}
}
