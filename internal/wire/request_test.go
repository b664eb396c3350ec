package wire_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-run/coppice/internal/wire"
)

func TestRequestGolden(t *testing.T) {
	t.Parallel()
	for want, q := range map[string]*wire.Request{
		"02" + "01" + "014d" + "03" + "0164" + "d00f":                                            {Module: "M", Task: 3, Await: &wire.AwaitRequest{Depot: "d", Offset: 1000}},
		"02" + "02" + "014d" + "03" + "03" + "0174" + "0173" + "d00f" + "00" + "00" + "027b7d":   {Module: "M", Task: 3, Parked: &wire.ParkedRequest{Order: 3, Topology: "t", Source: "s", Offset: 1000, Value: []byte("{}")}},
		"02" + "02" + "014d" + "03" + "01" + "0174" + "0173" + "d00f" + "0163" + "026666" + "00": {Module: "M", Task: 3, Parked: &wire.ParkedRequest{Order: 1, Topology: "t", Source: "s", Offset: 1000, Step: "c", Event: "ff", Value: []byte{}}},
		"02" + "03" + "014d" + "03":                   {Module: "M", Task: 3, Release: true},
		"02" + "04" + "014d" + "03" + "0171" + "0137": {Module: "M", Task: 3, Query: &wire.QueryRequest{Name: "q", Argument: []byte("7")}},
		"02" + "08" + "014d" + "03" + "027b7d":        {Module: "M", Task: 3, Trees: []byte("{}")},
		"02" + "05" + "014d" + "00" + "0164" + "0137": {Module: "M", Prepare: &wire.PrepareRequest{Depot: "d", JSON: []byte("7")}},
	} {
		raw := wire.AppendRequest(nil, q)
		if got := hex.EncodeToString(raw); got != want {
			t.Errorf("request %s, want %s", got, want)
		}
		back, err := wire.ParseRequest(raw)
		if diff := cmp.Diff(q, back); err != nil || diff != "" {
			t.Errorf("request came back changed (%v):\n%s", err, diff)
		}
	}
}

// R6: who is not there says so.
func TestMovedGolden(t *testing.T) {
	t.Parallel()
	raw := wire.AppendMoved(wire.AppendEnvelope(nil, "M"), 300)
	if got, want := hex.EncodeToString(raw), "014d"+"ff"+"ac02"; got != want {
		t.Errorf("moved %s, want %s", got, want)
	}
	module, body, err := wire.ParseEnvelope(raw)
	id, ok := wire.ParseMoved(body)
	if err != nil || module != "M" || !ok || id != 300 {
		t.Errorf("read back: module %q, task %d, %t, %v", module, id, ok, err)
	}
	if _, ok := wire.ParseMoved([]byte{1, 2, 3}); ok {
		t.Error("a frame is taken for it")
	}
}

func TestAnswerGolden(t *testing.T) {
	t.Parallel()
	a := &wire.Answer{Kind: 1, Topology: "s", Text: "no", Attempt: 2, WillRetry: true, Returns: []wire.Returned{{Topology: "a", Values: []wire.Return{{Ack: 1, Value: []byte("y")}}}, {Topology: "s", Values: []wire.Return{{Value: []byte("1")}, {Ack: 2, Value: []byte("x")}}}}}
	raw := wire.AppendAnswer(nil, a)
	want := "02" + "01" + "01" + "0173" + "026e6f" + "00" + "02" + "02" + "0161" + "01" + "01" + "0179" + "0173" + "02" + "00" + "0131" + "02" + "0178"
	if got := hex.EncodeToString(raw); got != want {
		t.Errorf("answer %s, want %s", got, want)
	}
	back, err := wire.ParseAnswer(raw)
	if diff := cmp.Diff(a, back); err != nil || diff != "" {
		t.Errorf("answer came back changed (%v):\n%s", err, diff)
	}
}

func FuzzParseRequest(f *testing.F) {
	f.Add(wire.AppendRequest(nil, &wire.Request{Module: "M", Await: &wire.AwaitRequest{Depot: "d"}}))
	f.Add(wire.AppendRequest(nil, &wire.Request{Module: "M", Parked: &wire.ParkedRequest{Order: 1, Value: []byte("x")}}))
	f.Add(wire.AppendAnswer(nil, &wire.Answer{Returns: []wire.Returned{{Topology: "s", Values: []wire.Return{{Value: []byte("1")}}}}}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if q, err := wire.ParseRequest(bytes.Clone(raw)); err == nil {
			again, err := wire.ParseRequest(wire.AppendRequest(nil, q))
			if diff := cmp.Diff(q, again); err != nil || diff != "" {
				t.Fatalf("request written back (%v):\n%s", err, diff)
			}
		}
		if a, err := wire.ParseAnswer(bytes.Clone(raw)); err == nil {
			again, err := wire.ParseAnswer(wire.AppendAnswer(nil, a))
			if err != nil || !bytes.Equal(wire.AppendAnswer(nil, again), wire.AppendAnswer(nil, a)) {
				t.Fatalf("answer written back: %+v, %v", again, err)
			}
		}
	})
}
