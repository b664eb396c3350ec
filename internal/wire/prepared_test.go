package wire_test

import (
	"encoding/hex"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-run/coppice/internal/wire"
)

func TestQueryAnswerGolden(t *testing.T) {
	t.Parallel()
	for want, a := range map[string]*wire.QueryAnswer{
		"02" + "00" + "00" + "0137":   {Result: []byte("7")},
		"02" + "02" + "026e6f" + "00": {End: wire.QueryUnknown, Text: "no", Result: []byte{}},
	} {
		raw := wire.AppendQueryAnswer(nil, a)
		if got := hex.EncodeToString(raw); got != want {
			t.Errorf("answer %s, want %s", got, want)
		}
		back, err := wire.ParseQueryAnswer(raw)
		if diff := cmp.Diff(a, back); err != nil || diff != "" {
			t.Errorf("it came back changed (%v):\n%s", err, diff)
		}
	}
	if _, err := wire.ParseQueryAnswer([]byte{2, 6, 0, 0}); err == nil {
		t.Error("an end that there is not is taken")
	}
}

func TestPreparedGolden(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]*wire.Prepared{
		"02" + "00" + "0137" + "01" + "016b" + "01": {Value: []byte("7"), Key: []byte("k"), Partition: -1},
		"02" + "00" + "0137" + "01" + "00" + "04":   {Value: []byte("7"), Key: []byte{}, Partition: 2},
		"02" + "026e6f" + "00" + "00" + "00" + "00": {Wrong: "no", Value: []byte{}},
	} {
		raw := wire.AppendPrepared(nil, p)
		if got := hex.EncodeToString(raw); got != want {
			t.Errorf("prepared %s, want %s", got, want)
		}
		back, err := wire.ParsePrepared(raw)
		if diff := cmp.Diff(p, back); err != nil || diff != "" {
			t.Errorf("it came back changed (%v):\n%s", err, diff)
		}
	}
	for i := range 5 {
		if _, err := wire.ParsePrepared([]byte{2, 0, 1, '7', 1}[:i]); err == nil {
			t.Errorf("%d bytes are a prepared record", i)
		}
	}
}
