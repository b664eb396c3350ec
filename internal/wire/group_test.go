package wire_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/coppice-run/coppice/internal/progress"
	"github.com/coppice-run/coppice/internal/wire"
)

var groupSample = wire.Group{
	Topology: "words", Source: "sentences", Xor: 0xf19c, Offsets: []progress.Range{{First: 5, Last: 6}, {First: 9, Last: 9}},
	Notes: []wire.Note{
		{Offset: 5, Returns: []wire.Return{{Ack: 2, Value: []byte("3")}}},
		{Offset: 6, Outcome: wire.Rejected, Step: "count", Text: "no"},
	},
}

// groupText is the group that docs/formats/redis.md shows.
const groupText = `1 source=words/sentences xor=000000000000f19c offsets=5-6,9 notes=[{"offset":5,"returns":[{"ack":2,"value":"Mw=="}]},{"offset":6,"outcome":2,"step":"count","text":"no"}]`

func TestGroupGolden(t *testing.T) {
	t.Parallel()
	for want, g := range map[string]wire.Group{
		groupText: groupSample,
		"1 source=words/sentences xor=ffffffffffffffff offsets=7": {Topology: "words", Source: "sentences", Xor: 1<<64 - 1, Offsets: []progress.Range{{First: 7, Last: 7}}},
		`1 source=words/sentences xor=0000000000000002 offsets=7 notes=[{"offset":7,"outcome":3,"step":"count","text":"\"a\" notes=[]"}]`: {
			Topology: "words", Source: "sentences", Xor: 2, Offsets: []progress.Range{{First: 7, Last: 7}}, Notes: []wire.Note{{Offset: 7, Outcome: wire.Parked, Step: "count", Text: `"a" notes=[]`}},
		},
		"1 source=words/sentences xor=0000000000000001": {Topology: "words", Source: "sentences", Xor: 1}, // of an order
	} {
		if got := string(g.AppendText(nil)); got != want {
			t.Errorf("group %q, want %q", got, want)
		}
		back, err := wire.ParseGroup(want)
		if diff := cmp.Diff(g, back); err != nil || diff != "" {
			t.Errorf("%q came back changed (%v):\n%s", want, err, diff)
		}
	}
	if got, want := wire.GroupField(0xf19c), "000000000000f19c"; got != want {
		t.Errorf("field %q, want %q", got, want)
	}
}

func TestGroupRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		g := wire.Group{Topology: rapid.StringMatching(`[a-z]+`).Draw(t, "topology"), Source: rapid.StringMatching(`[a-z-]+`).Draw(t, "source"), Xor: rapid.Uint64().Draw(t, "xor")}
		for range rapid.IntRange(0, 9).Draw(t, "offsets") {
			g.Offsets = progress.AddOffset(g.Offsets, rapid.Int64Range(0, 20).Draw(t, "offset"))
		}
		if notes := drawNotes(t); len(notes) > 0 {
			g.Notes = notes
		}
		raw := g.AppendText(nil)
		back, err := wire.ParseGroup(string(raw))
		if diff := cmp.Diff(g, back); err != nil || diff != "" {
			t.Errorf("%s came back changed (%v):\n%s", raw, err, diff)
		}
		id := rapid.Uint64().Draw(t, "id")
		if back, err := wire.ParseGroupField(wire.GroupField(id)); err != nil || back != id {
			t.Errorf("id %x came back as %x, %v", id, back, err)
		}
	})
}

func TestGroupRefusals(t *testing.T) {
	t.Parallel()
	for n := range groupText {
		g, err := wire.ParseGroup(groupText[:n])
		if err != nil {
			continue
		}
		// The offsets are numbers, and the last ones may be missing unnoticed.
		if string(g.AppendText(nil)) != groupText[:n] || n < len("1 source=words/sentences xor=000000000000f19c") || n > len("1 source=words/sentences xor=000000000000f19c offsets=5-6,9") {
			t.Errorf("%q was read as %+v", groupText[:n], g)
		}
	}
	const whole = "1 source=w/s xor=000000000000f19c offsets=5"
	if _, err := wire.ParseGroup(whole); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{
		"", "2" + whole[1:], "1 xor=000000000000f19c offsets=5", "1 source=w/s offsets=5", "1 source=ws xor=000000000000f19c", "1 source=/s xor=000000000000f19c", "1 source=w/ xor=000000000000f19c",
		strings.Replace(whole, "f19c", "f19", 1), strings.Replace(whole, "f19c", "f19g", 1), strings.Replace(whole, "=5", "=6-5", 1), strings.Replace(whole, "=5", "=5,5", 1), strings.Replace(whole, "=5", "=7,5", 1), strings.Replace(whole, "=5", "=5,6", 1), strings.Replace(whole, "=5", "=", 1), strings.Replace(whole, "=5", "=-5", 1),
		whole + " other=1", whole + " xor=000000000000f19c", whole + " notes=", whole + " notes=[", whole + ` notes=[{"offset":"5"}]`, whole + ` notes=[{"offset":5,"outcome":9}]`, whole + ` notes=[{"offset":5,"outcome":1}]`, whole + " notes=[] xor=000000000000f19c",
	} {
		if g, err := wire.ParseGroup(text); err == nil {
			t.Errorf("%q was read as %+v", text, g)
		}
	}
	for _, field := range []string{"", "f19c", "000000000000f19c0", "000000000000f19g", "+00000000000f19c", "0x0000000000f19c"} {
		if id, err := wire.ParseGroupField(field); err == nil {
			t.Errorf("%q was read as the group %x", field, id)
		}
	}
}

func FuzzParseGroup(f *testing.F) {
	f.Add(groupText)
	f.Add("1 source=words/sentences xor=0000000000000001")
	f.Fuzz(func(t *testing.T, text string) {
		g, err := wire.ParseGroup(text)
		if err != nil {
			return
		}
		first := g.AppendText(nil)
		back, err := wire.ParseGroup(string(first))
		if err != nil {
			t.Fatalf("%q was written as %q: %v", text, first, err)
		}
		if second := back.AppendText(nil); string(second) != string(first) {
			t.Fatalf("%q was written as %q, then as %q", text, first, second)
		}
	})
}
