package channel_test

import (
	"slices"
	"testing"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime/channel"
)

// parcel is one with events of so many seeds from a first one on.
func lookParcel(number, first uint64, events int) *wire.Parcel {
	p := &wire.Parcel{ParcelHead: wire.ParcelHead{Number: number}, Frame: &wire.Frame{}}
	for i := range events {
		p.Frame.Events = append(p.Frame.Events, wire.Event{Seed: first + uint64(i)})
	}
	return p
}

// What was taken in and not drawn can be looked at, and stays.
func TestLookingTakesNothing(t *testing.T) {
	t.Parallel()
	var in channel.In
	if _, _, ok := in.Peek(); ok || in.Events() != 0 {
		t.Error("an empty channel has an event")
	}
	for _, p := range []*wire.Parcel{lookParcel(1, 0, 2), lookParcel(2, 2, 0), lookParcel(3, 2, 3)} {
		if _, err := in.Put(p); err != nil {
			t.Fatal(err)
		}
	}
	for seed := range uint64(5) {
		var left []uint64
		in.Undrawn(func(e *wire.Event) { left = append(left, e.Seed) })
		want := []uint64{0, 1, 2, 3, 4}[seed:]
		if !slices.Equal(left, want) || in.Events() != len(want) {
			t.Errorf("before event %d there are %v, counted %d", seed, left, in.Events())
		}
		p, i, ok := in.Peek()
		if again, n, _ := in.Draw(); !ok || again != p || n != i || p.Frame.Events[i].Seed != seed {
			t.Errorf("saw event %d of %v, drew %d of %v", i, p, n, again)
		}
	}
	if _, _, ok := in.Peek(); ok || in.Events() != 0 {
		t.Error("events are left behind the last")
	}
	in.Undraw()
	if in.Events() != 5 {
		t.Errorf("%d events when they are to be drawn again", in.Events())
	}
}
