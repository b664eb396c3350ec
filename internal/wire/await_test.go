package wire_test

import (
	"bytes"
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-run/coppice/internal/wire"
)

func TestAwaitGolden(t *testing.T) {
	t.Parallel()
	q := &wire.AwaitRequest{Module: "M", Task: 3, Depot: "d", Offset: 1000}
	raw := wire.AppendAwaitRequest(nil, q)
	if got, want := hex.EncodeToString(raw), "01"+"014d"+"03"+"0164"+"d00f"; got != want {
		t.Errorf("request %s, want %s", got, want)
	}
	if back, err := wire.ParseAwaitRequest(raw); err != nil || *back != *q {
		t.Errorf("request came back as %+v, %v", back, err)
	}
	a := &wire.AwaitAnswer{Kind: 1, Topology: "s", Text: "no", Attempt: 2, WillRetry: true, Returns: map[string]map[int][]byte{"s": {0: []byte("1"), 2: []byte("x")}, "a": {1: []byte("y")}}}
	raw = wire.AppendAwaitAnswer(nil, a)
	want := "01" + "01" + "01" + "0173" + "026e6f" + "00" + "02" + "02" + "0161" + "01" + "01" + "0179" + "0173" + "02" + "00" + "0131" + "02" + "0178"
	if got := hex.EncodeToString(raw); got != want {
		t.Errorf("answer %s, want %s", got, want)
	}
	back, err := wire.ParseAwaitAnswer(raw)
	if diff := cmp.Diff(a, back); err != nil || diff != "" {
		t.Errorf("answer came back changed (%v):\n%s", err, diff)
	}
}

func FuzzParseAwait(f *testing.F) {
	f.Add(wire.AppendAwaitRequest(nil, &wire.AwaitRequest{Module: "M", Depot: "d"}))
	f.Add(wire.AppendAwaitAnswer(nil, &wire.AwaitAnswer{Returns: map[string]map[int][]byte{"s": {0: []byte("1")}}}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if q, err := wire.ParseAwaitRequest(bytes.Clone(raw)); err == nil {
			if again, err := wire.ParseAwaitRequest(wire.AppendAwaitRequest(nil, q)); err != nil || *again != *q {
				t.Fatalf("request written back: %+v, %v", again, err)
			}
		}
		if a, err := wire.ParseAwaitAnswer(bytes.Clone(raw)); err == nil {
			again, err := wire.ParseAwaitAnswer(wire.AppendAwaitAnswer(nil, a))
			if err != nil || !bytes.Equal(wire.AppendAwaitAnswer(nil, again), wire.AppendAwaitAnswer(nil, a)) {
				t.Fatalf("answer written back: %+v, %v", again, err)
			}
		}
	})
}
