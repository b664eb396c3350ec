package wire_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/coppice-run/coppice/internal/wire"
)

const (
	aa = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	bb = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

// The positions that docs/formats/redis.md shows.
func TestPositionGolden(t *testing.T) {
	t.Parallel()
	for want, p := range map[string]wire.InPosition{
		"1 number=0":                      {},
		"1 number=17 id=" + aa + "/118.0": {Number: 17, ID: parcelID(0xaa, 118, 0), AckNumber: 17, AckID: parcelID(0xaa, 118, 0)},
		"1 number=17 id=" + aa + "/118.0 index=2 partid=" + aa + "/119.1 acks=19 ackid=" + bb + "/3.0 attempt=2": {
			Number: 17, ID: parcelID(0xaa, 118, 0), Index: 2, PartID: parcelID(0xaa, 119, 1), AckNumber: 19, AckID: parcelID(0xbb, 3, 0), Attempt: 2,
		},
		"1 number=0 index=1 partid=" + aa + "/1.0 acks=1 ackid=" + aa + "/1.0": {Index: 1, PartID: parcelID(0xaa, 1, 0), AckNumber: 1, AckID: parcelID(0xaa, 1, 0)},
	} {
		if got := string(p.AppendText(nil)); got != want {
			t.Errorf("position %q, want %q", got, want)
		}
		if back, err := wire.ParseInPosition(want); err != nil || back != p {
			t.Errorf("%q came back as %+v, %v", want, back, err)
		}
	}
	for want, p := range map[string]wire.OutPosition{
		"1 number=0":                     {},
		"1 number=12 id=" + aa + "/98.4": {Number: 12, ID: parcelID(0xaa, 98, 4)},
	} {
		if got := string(p.AppendText(nil)); got != want {
			t.Errorf("position %q, want %q", got, want)
		}
		if back, err := wire.ParseOutPosition(want); err != nil || back != p {
			t.Errorf("%q came back as %+v, %v", want, back, err)
		}
	}
}

func drawInPosition(t *rapid.T) wire.InPosition {
	p := wire.InPosition{Number: rapid.Uint64Range(0, 1<<40).Draw(t, "number")}
	if p.Number > 0 {
		p.ID = drawID(t, "id")
	}
	if p.Index = rapid.IntRange(0, 1000).Draw(t, "index"); p.Index > 0 {
		p.PartID = drawID(t, "part")
	}
	p.AckNumber, p.AckID = p.Number, p.ID
	if ahead := rapid.Uint64Range(0, 9).Draw(t, "acks ahead"); ahead > 0 {
		p.AckNumber, p.AckID = p.Number+ahead, drawID(t, "ack")
	}
	p.Attempt = rapid.IntRange(0, 20).Draw(t, "attempt")
	return p
}

func TestPositionRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := drawInPosition(t)
		if back, err := wire.ParseInPosition(string(in.AppendText(nil))); err != nil || back != in {
			t.Errorf("%+v came back as %+v, %v", in, back, err)
		}
		out := wire.OutPosition{Number: in.Number, ID: in.ID}
		if back, err := wire.ParseOutPosition(string(out.AppendText(nil))); err != nil || back != out {
			t.Errorf("%+v came back as %+v, %v", out, back, err)
		}
	})
}

// A position that is cut short is refused, unless the cut leaves a whole position,
// which a length would not notice either.
func TestPositionCutShort(t *testing.T) {
	t.Parallel()
	const in = "1 number=17 id=" + aa + "/118.0 index=2 partid=" + aa + "/119.1 acks=19 ackid=" + bb + "/3.0 attempt=2"
	for n := range in {
		if p, err := wire.ParseInPosition(in[:n]); err == nil && (string(p.AppendText(nil)) != in[:n] || in[n] != ' ') {
			t.Errorf("%q was read as %+v", in[:n], p)
		}
	}
	const out = "1 number=12 id=" + aa + "/98.4"
	for n := range out {
		if p, err := wire.ParseOutPosition(out[:n]); err == nil {
			t.Errorf("%q was read as %+v", out[:n], p)
		}
	}
}

func TestPositionRefusals(t *testing.T) {
	t.Parallel()
	both := []string{
		"", "1", "2 number=0", "1 number=x", "1 number=-1", "1 number=1", "1 number=1 number=1 id=" + aa + "/1.0",
		"1 number=0 id=" + aa + "/1.0", "1 number=1 id=" + aa + "/1", "1 number=1 id=" + aa[2:] + "/1.0", "1 number=1 id=" + aa + "/1.x",
		"1 number=1 id=" + aa + "/1.4294967296", "1 number=0 other=1", "1 number=0 ", "1  number=0", "1 id=" + aa + "/1.0",
	}
	in := append([]string{
		"1 number=0 index=1", "1 number=0 index=0", "1 number=0 index=-1 partid=" + aa + "/1.0", "1 number=0 partid=" + aa + "/1.0",
		"1 number=0 acks=1", "1 number=0 acks=0 ackid=" + aa + "/1.0", "1 number=0 ackid=" + aa + "/1.0", "1 number=0 attempt=0", "1 number=0 attempt=x",
		"1 number=5 id=" + aa + "/1.0 acks=4 ackid=" + aa + "/1.0",
	}, both...)
	for _, text := range in {
		if p, err := wire.ParseInPosition(text); err == nil {
			t.Errorf("%q was read as %+v", text, p)
		} else if text != "" && !strings.Contains(err.Error(), text) {
			t.Errorf("%q: the error does not show it: %v", text, err)
		}
	}
	for _, text := range append([]string{"1 number=1 id=" + aa + "/1.0 index=1"}, both...) {
		if p, err := wire.ParseOutPosition(text); err == nil {
			t.Errorf("%q was read as %+v", text, p)
		}
	}
}

func FuzzParsePosition(f *testing.F) {
	f.Add("1 number=0")
	f.Add("1 number=17 id=" + aa + "/118.0 index=2 partid=" + aa + "/119.1 acks=19 ackid=" + bb + "/3.0 attempt=2")
	f.Fuzz(func(t *testing.T, text string) {
		if p, err := wire.ParseInPosition(text); err == nil {
			if back, err := wire.ParseInPosition(string(p.AppendText(nil))); err != nil || back != p {
				t.Fatalf("%q: %+v came back as %+v, %v", text, p, back, err)
			}
		}
		if p, err := wire.ParseOutPosition(text); err == nil {
			if back, err := wire.ParseOutPosition(string(p.AppendText(nil))); err != nil || back != p {
				t.Fatalf("%q: %+v came back as %+v, %v", text, p, back, err)
			}
		}
	})
}
