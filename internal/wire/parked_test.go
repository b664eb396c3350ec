package wire_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-run/coppice/internal/wire"
)

func text(s string) *string { return &s }

// What docs/formats/redis.md shows of parked records, parked events and endings.
func TestParkedGolden(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		p           wire.ParkedRecord
		field, want string
	}{
		{
			wire.ParkedRecord{
				Version: 1, Topology: "words", Source: "sentences", Partition: 3, Offset: 1000, TimeMillis: 1700000000000, KeyText: text("k"),
				Text: text(`{"A":1}`), Headers: []wire.ParkedHeader{{Key: "h", Value: []byte{0xff}}}, Reason: "no", Attempts: 10, Edited: true,
			},
			"words/sentences/1000",
			`{"v":1,"topology":"words","source":"sentences","partition":3,"offset":1000,"time":1700000000000,"key":"k","value":"{\"A\":1}","headers":[{"key":"h","value":"/w=="}],"reason":"no","attempts":10,"edited":true}`,
		},
		{
			wire.ParkedRecord{
				Version: 1, Topology: "words", Source: "sentences", Partition: 3, Offset: 1000, TimeMillis: 1700000000000, Bytes: []byte{0xff},
				Reason: "step count: no", Attempts: 10, Step: "count", Event: "00000000000000ff", Task: 2,
			},
			"words/sentences/1000/count/00000000000000ff",
			`{"v":1,"topology":"words","source":"sentences","partition":3,"offset":1000,"time":1700000000000,"valueBytes":"/w==","reason":"step count: no","attempts":10,"step":"count","event":"00000000000000ff","task":2}`,
		},
	} {
		raw, err := json.Marshal(&c.p)
		if err != nil || string(raw) != c.want {
			t.Errorf("parked as %s, %v; want %s", raw, err, c.want)
		}
		if got := c.p.Field(); got != c.field {
			t.Errorf("field %q, want %q", got, c.field)
		}
		var back wire.ParkedRecord
		err = json.Unmarshal(raw, &back)
		if diff := cmp.Diff(c.p, back); err != nil || diff != "" {
			t.Errorf("came back changed (%v):\n%s", err, diff)
		}
	}
	ending := wire.Ending{Version: 1, Outcome: wire.Rejected, Text: "no", Attempt: 2}
	const want = `{"v":1,"outcome":2,"text":"no","attempt":2}`
	raw, err := json.Marshal(&ending)
	if err != nil || string(raw) != want {
		t.Errorf("ending %s, %v; want %s", raw, err, want)
	}
}
