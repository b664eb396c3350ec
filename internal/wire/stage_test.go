package wire_test

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/store"
)

func chunks(s *wire.Stage) (all []string) {
	s.Chunks(func(_, raw string) { all = append(all, raw) })
	return all
}

// What a slot keeps of a stage, as docs/formats/redis.md has it.
func TestStage(t *testing.T) {
	t.Parallel()
	s := wire.Stage{
		Changes: []store.Change{
			{Table: store.Table{Key: "k", Index: "i", Kind: store.SortedMap}, Drop: true, Writes: []store.Write{{Field: "f", Value: "v"}, {Field: "g", Delete: true}}},
			{Table: store.Table{Key: "l", Kind: store.Map}, Drop: true},
		},
		Appends: []wire.StagedAppend{{Step: "s", Depot: "d", Partition: 2, Seed: 5, Record: depot.Record{Value: []byte("w"), Headers: []depot.Header{{Key: "h", Value: []byte("x")}}}}},
	}
	want := "01" +
		"01" + "016b" + "0169" + fmt.Sprintf("%02x", byte(store.SortedMap)) + "01" + "02" + "00" + "0166" + "0176" + "01" + "0167" + "00" +
		"01" + "016c" + "00" + fmt.Sprintf("%02x", byte(store.Map)) + "01" + "00" +
		"02" + "0173" + "0164" + "00" + "04" + "0500000000000000" + "0000" + "01" + "0177" + "01" + "0168" + "0178"
	all := chunks(&s)
	if len(all) != 1 || hex.EncodeToString([]byte(all[0])) != want {
		t.Fatalf("stored as\n%x, want\n%s", all, want)
	}
	if back, err := wire.ParseStage(all); err != nil || !cmp.Equal(*back, s) {
		t.Errorf("came back as %+v, %v", back, err)
	}
	for n := range len(all[0]) - 1 {
		back, err := wire.ParseStage([]string{all[0][:n]})
		if err == nil && cmp.Equal(*back, s) {
			t.Errorf("%d of %d bytes were taken for all", n, len(all[0]))
		}
	}
	if _, err := wire.ParseStage([]string{"\x02"}); err == nil {
		t.Error("another version was taken")
	}
	if _, err := wire.ParseStage([]string{"\x01\x09"}); err == nil {
		t.Error("an entry of no kind was taken")
	}
}

// A large stage is cut into chunks, and is whole again.
func TestALargeStageIsCut(t *testing.T) {
	t.Parallel()
	var s wire.Stage
	c := store.Change{Table: store.Table{Key: "k", Kind: store.Map}, Drop: true}
	for i := range 3000 {
		c.Writes = append(c.Writes, store.Write{Field: fmt.Sprint(i), Value: strings.Repeat("x", 100)})
	}
	s.Changes = append(s.Changes, c)
	all := chunks(&s)
	if len(all) < 3 {
		t.Fatalf("%d chunks", len(all))
	}
	if back, err := wire.ParseStage(all); err != nil || !cmp.Equal(*back, s) {
		t.Errorf("it came back changed (%v)", err)
	}
	if n := len(chunks(&wire.Stage{})); n != 0 {
		t.Errorf("an empty stage has %d chunks", n)
	}
}

func TestSealsAndStamps(t *testing.T) {
	t.Parallel()
	seal := wire.Seal{ID: 7, Token: token(0xaa), Chunks: 1, Records: 3, Ends: []wire.SealEnd{{Source: "d", From: 1, To: 4, Epoch: 2}}}
	const wantSeal = `{"version":1,"id":7,"token":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","chunks":1,"records":3,"ends":[{"source":"d","from":1,"to":4,"epoch":2}]}`
	if got := string(seal.AppendText(nil)); got != wantSeal {
		t.Errorf("the seal is %s, want %s", got, wantSeal)
	}
	if back, err := wire.ParseSeal(wantSeal); err != nil || !cmp.Equal(back, seal) {
		t.Errorf("it came back as %+v, %v", back, err)
	}
	stamp := wire.Stamp{ID: 7, Token: token(0xaa), Records: 9}
	const wantStamp = `{"version":1,"id":7,"token":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","records":9}`
	if got := string(stamp.AppendText(nil)); got != wantStamp {
		t.Errorf("the stamp is %s, want %s", got, wantStamp)
	}
	if back, err := wire.ParseStamp(wantStamp); err != nil || back != stamp {
		t.Errorf("it came back as %+v, %v", back, err)
	}
	if none, err := wire.ParseStamp(""); err != nil || none != (wire.Stamp{}) {
		t.Errorf("no stamp is %+v, %v", none, err)
	}
	for _, bad := range []string{"{", `{"version":2}`, `{"version":1,"token":"aa"}`} {
		if _, err := wire.ParseStamp(bad); err == nil {
			t.Errorf("%s was taken for a stamp", bad)
		}
		if _, err := wire.ParseSeal(bad); err == nil {
			t.Errorf("%s was taken for a seal", bad)
		}
	}
}

// What a coordinator and a task say to each other, as docs/formats/frames.md has it.
func TestMicros(t *testing.T) {
	t.Parallel()
	f := wire.Frame{From: 1, To: 0, Number: 2, Micros: []wire.Micro{
		{Topology: 1, Kind: 2, ID: 9, Token: token(0xaa), Attempt: 2, Round: 3, Ranges: []wire.MicroRange{{Source: 1, From: 5, To: 8}, {Source: 1, From: 2, To: 3, Parked: "s/f", Again: 300}}, Parks: []wire.MicroPark{{Source: 1, Offset: 6, Reason: "no"}, {Source: 1, Offset: 2, Parked: "s/f", Reason: "yet"}}},
		{Kind: 7, ID: 9, Token: token(0xaa), Delta: 5},
		{Kind: 8, ID: 9, Token: token(0xaa), Failure: &wire.MicroFailure{Text: "x", Large: true, Record: true, Source: 2, Task: 3, Offset: 4}},
		{Kind: 8, ID: 9, Token: token(0xaa), Failure: &wire.MicroFailure{Text: "y", Block: true}},
		{Kind: 8, ID: 9, Token: token(0xaa), Failure: &wire.MicroFailure{Text: "z", Record: true, Source: 2, Task: 3, Offset: 4, Again: 1<<16 - 1}},
	}}
	if f.Empty() {
		t.Error("a frame with messages counts as a greeting")
	}
	raw, err := f.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	bare := wire.Frame{From: 1, To: 0, Number: 2}
	head, err := bare.Append(nil)
	if err != nil {
		t.Fatal(err)
	}
	name := "09" + strings.Repeat("aa", 16)
	want := "05" +
		"01" + "02" + name + "0000000000000000" + "02" + "03" +
		"02" + "01" + "0a" + "10" + "00" + "01" + "04" + "06" + "03732f66" + "ac02" +
		"02" + "01" + "0c" + "00" + "026e6f" + "01" + "04" + "03732f66" + "03796574" + "00" +
		"00" + "07" + name + "0500000000000000" + "00" + "00" + "00" + "00" + "00" +
		"00" + "08" + name + "0000000000000000" + "00" + "00" + "00" + "00" + "07" + "0178" + "02" + "03" + "08" +
		"00" + "08" + name + "0000000000000000" + "00" + "00" + "00" + "00" + "09" + "0179" + "00" + "00" + "00" +
		"00" + "08" + name + "0000000000000000" + "00" + "00" + "00" + "00" + "15" + "017a" + "02" + "03" + "08" + "ffff03"
	if got := hex.EncodeToString(raw[len(head):]); got != want {
		t.Errorf("written as\n%s, want\n%s", got, want)
	}
	back, err := wire.ParseFrame(raw, newText)
	if err != nil || !cmp.Equal(back.Micros, f.Micros) {
		t.Errorf("came back as %+v, %v", back, err)
	}
	for n := len(head) + 1; n < len(raw); n++ {
		if _, err := wire.ParseFrame(bytes.Clone(raw[:n]), newText); err == nil {
			t.Errorf("a frame cut to %d of %d bytes was read", n, len(raw))
		}
	}
}
