package wire_test

import (
	"bytes"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

// Draws of what a parcel may hold.

func drawID(t *rapid.T, name string) wire.ParcelID {
	return parcelID(rapid.ByteRange(1, 255).Draw(t, name+" token"), rapid.Uint64().Draw(t, name+" commit"), rapid.Uint32().Draw(t, name+" ordinal"))
}

func drawHead(t *rapid.T) wire.ParcelHead {
	h := wire.ParcelHead{Number: rapid.Uint64Min(1).Draw(t, "number"), ID: drawID(t, "id")}
	if h.Number > 1 {
		h.Before = drawID(t, "before")
	}
	return h
}

func drawOrigin(t *rapid.T) wire.Origin {
	o := wire.Origin{
		Tree: acker.Ref{ID: rapid.Uint64().Draw(t, "group")}, Root: task.ID(rapid.IntRange(0, task.CountMax-1).Draw(t, "root")),
		Source: uint16(rapid.IntRange(0, len(plan.sources)-1).Draw(t, "source")), Offset: rapid.Int64().Draw(t, "offset"), Time: rapid.Int64().Draw(t, "time"),
	}
	if rapid.Bool().Draw(t, "traced") {
		o.Trace = &wire.Trace{Parent: rapid.String().Draw(t, "parent"), State: rapid.String().Draw(t, "state")}
	}
	return o
}

// drawSeed draws the seed of an event, often one that its record's root event sent off.
func drawSeed(t *rapid.T, o *wire.Origin) uint64 {
	switch rapid.IntRange(0, 3).Draw(t, "seed's form") {
	case 0:
		return rapid.Uint64().Draw(t, "seed")
	case 1:
		return acker.Child(42, rapid.Uint32().Draw(t, "ordinal"))
	case 2:
		return acker.Child(plan.root(o), rapid.Uint32().Draw(t, "ordinal"))
	}
	return acker.Child(plan.root(o), rapid.Uint32Range(0, 20).Draw(t, "ordinal"))
}

func drawNotes(t *rapid.T) []wire.Note {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) wire.Note {
		n := wire.Note{Offset: rapid.Int64().Draw(t, "offset"), Outcome: rapid.SampledFrom([]wire.Outcome{wire.Done, wire.Rejected, wire.Parked}).Draw(t, "outcome")}
		if n.Outcome != wire.Done {
			n.Step, n.Text = rapid.SampledFrom(plan.steps).Draw(t, "step"), rapid.String().Draw(t, "text")
		}
		for range rapid.IntRange(0, 2).Draw(t, "returns") {
			n.Returns = append(n.Returns, wire.Return{Ack: rapid.Uint16().Draw(t, "ack"), Value: rapid.SliceOfN(rapid.Byte(), 1, 9).Draw(t, "value")})
		}
		return n
	}), 0, 3).Draw(t, "notes")
}

func drawAcks(t *rapid.T) (acks []wire.GroupAck) {
	for range rapid.IntRange(0, 3).Draw(t, "acks") {
		a := wire.GroupAck{Group: rapid.Uint64().Draw(t, "group"), Delta: rapid.Uint64().Draw(t, "delta")}
		if notes := drawNotes(t); len(notes) > 0 {
			a.Notes = notes
		}
		acks = append(acks, a)
	}
	return acks
}

// Whatever a parcel holds, reading gives it back, and what is read is written as it was.
func TestParcelRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		head, acks := drawHead(rt), drawAcks(rt)
		f, send := addressed(t, len(plan.steps))
		for range rapid.IntRange(0, 4).Draw(rt, "origins") {
			origin := drawOrigin(rt)
			if n := len(f.Events); n > 0 { // often akin to the one before
				last := f.Events[n-1].Origin
				switch rapid.IntRange(0, 3).Draw(rt, "form") {
				case 0:
					origin.Tree, origin.Root, origin.Source = last.Tree, last.Root, last.Source
				case 1:
					origin.Root, origin.Source = last.Root, last.Source
				}
			}
			for range rapid.IntRange(1, 4).Draw(rt, "events") {
				send(origin, drawSeed(rt, &origin), uint16(rapid.IntRange(0, len(plan.steps)-1).Draw(rt, "step")), rapid.String().Draw(rt, "payload"))
			}
		}
		raw := pack(t, plan, head, f, acks)
		p, err := wire.ParseParcel(raw, 1, 2, plan)
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(said(t, plan, f), said(t, plan, p.Frame)); diff != "" {
			rt.Errorf("the events came back changed:\n%s", diff)
		}
		if diff := cmp.Diff(acks, p.Acks); diff != "" || p.ParcelHead != head {
			rt.Errorf("head %+v, want %+v; acks came back changed:\n%s", p.ParcelHead, head, diff)
		}
		if again := pack(t, plan, p.ParcelHead, p.Frame, p.Acks); again != raw {
			rt.Errorf("written back:\n%x\nwant\n%x", again, raw)
		}
	})
}

// Of version 1, too, all that it did not write is refused.
func TestOldParcelRefusals(t *testing.T) {
	t.Parallel()
	raw, _ := oldParcel(t)
	for n := range raw {
		if _, err := wire.ParseParcel(raw[:n], 1, 2, plan); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("a parcel cut to %d of %d bytes: %v", n, len(raw), err)
		}
	}
	const eventAt = 1 + 1 + 16 + 2 + 1 + 16 + 1 + 1 + 1 + len("\x05count\x05lines\x05total\x04late") + 1
	const secondAt = eventAt + 1 + 8 + 1 + len("\x0400-p\x01s") + 8 + 1 + 1 + 2 + 6 + 6
	for _, c := range []struct {
		name string
		at   int
		b    byte
	}{
		{"a name that is not listed", eventAt, 4},
		{"unknown flags", eventAt + 9, 4},
		{"the origin of no event", eventAt + 9, 1},
		{"the origin of another step", secondAt, 2},
	} {
		bad := []byte(raw)
		bad[c.at] = c.b
		if _, err := wire.ParseParcel(string(bad), 1, 2, plan); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// Every parcel that is cut short, one that is too long, and what no packer writes, is
// refused.
func TestParcelRefusals(t *testing.T) {
	t.Parallel()
	head, f, acks := parcelSample(t)
	raw := pack(t, plan, head, f, acks)
	for n := range raw {
		if _, err := wire.ParseParcel(raw[:n], 1, 2, plan); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("a parcel cut to %d of %d bytes: %v", n, len(raw), err)
		}
	}
	const headBytes = 1 + 1 + 16 + 2 + 1 + 16 + 1 + 1
	for n := range headBytes {
		if _, err := wire.ParseParcelHead(raw[:n]); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("a head cut to %d of %d bytes: %v", n, headBytes, err)
		}
	}
	changed := func(at int, b byte) string {
		c := []byte(raw)
		c[at] = b
		return string(c)
	}
	eventAt := headBytes + 1 + len("\x05count\x05lines\x05total\x04late") + 1
	secondAt := eventAt + 2 + len("\x0400-p\x01s") + 2 + 8 + 8 + 2 + 6 + len("\x05hello")
	for name, bad := range map[string]string{
		"a byte too much":              raw + "\x00",
		"a version that is not yet":    changed(0, 3),
		"no version":                   changed(0, 0),
		"another version":              changed(0, 1),
		"number 0":                     changed(1, 0),
		"no id":                        raw[:2] + string(make([]byte, 16)) + raw[18:],
		"a first one with one before":  changed(1, 1),
		"a later one with none":        raw[:21] + string(make([]byte, 16)) + raw[37:],
		"a name that is not listed":    changed(eventAt+1, 4),
		"the step of no event":         changed(eventAt, raw[eventAt]|1),
		"the origin of no event":       changed(eventAt, raw[eventAt]|3<<2),
		"a trace for an origin it has": changed(secondAt, raw[secondAt]|2),
		"a source that is not listed":  changed(eventAt+2+len("\x0400-p\x01s")+1, 4),
		"a later outcome":              changed(len(raw)-11, 4),
		"a failure in an ack":          changed(len(raw)-11, byte(wire.Failed)),
	} {
		if _, err := wire.ParseParcel(bad, 1, 2, plan); !errors.Is(err, wire.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Whatever stands in a slot, reading it neither panics nor allocates without bound, and
// what is read is written back as it was.
func FuzzParseParcel(f *testing.F) {
	head, frame, acks := parcelSample(f)
	f.Add([]byte(pack(f, plan, head, frame, acks)))
	old, _ := oldParcel(f)
	f.Add([]byte(old))
	empty, _ := addressed(f, 0)
	f.Add([]byte(pack(f, plan, wire.ParcelHead{Number: 1, ID: parcelID(1, 1, 0)}, empty, nil)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		p, err := wire.ParseParcel(string(bytes.Clone(raw)), 1, 2, plan)
		if err != nil {
			return
		}
		if head, err := wire.ParseParcelHead(string(raw)); err != nil || head != p.ParcelHead {
			t.Fatalf("head %+v, %v; in the parcel it is %+v", head, err, p.ParcelHead)
		}
		if len(p.Acks) > wire.ParcelEventsMax {
			return // no packer writes that
		}
		again := pack(t, plan, p.ParcelHead, p.Frame, p.Acks)
		second, err := wire.ParseParcel(again, 1, 2, plan)
		if err != nil {
			t.Fatal(err)
		}
		if third := pack(t, plan, second.ParcelHead, second.Frame, second.Acks); third != again {
			t.Fatalf("written back: %x, then %x", again, third)
		}
	})
}
