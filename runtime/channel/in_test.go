package channel_test

import (
	"strings"
	"testing"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime/channel"
)

// sent is a channel with parcels of so many events each, and one ack each.
func sent(t testing.TB, events ...int) []*wire.Parcel {
	t.Helper()
	var o channel.Out
	var all []*wire.Parcel
	for i, n := range events {
		all = append(all, parsed(t, put(t, &o, 1, uint64(i)+1, n, 1).Raw))
	}
	return all
}

// take puts parcels in and returns how many of them bring acks that are to be applied.
func take(t testing.TB, in *channel.In, parcels ...*wire.Parcel) (acked int) {
	t.Helper()
	for _, p := range parcels {
		if v := in.Judge(&p.ParcelHead); v != channel.Next {
			t.Fatalf("parcel %d is judged %d, want next", p.Number, v)
		}
		acks, err := in.Put(p)
		if err != nil {
			t.Fatal(err)
		}
		if acks {
			acked++
		}
	}
	return acked
}

// R24: events come in the order of their parcels, and a parcel counts as applied with
// its last event; those without events count at once.
func TestInbox(t *testing.T) {
	t.Parallel()
	parcels := sent(t, 0, 2, 0, 0, 1, 0)
	var in channel.In
	want(t, "applied acks", take(t, &in, parcels...), 6)
	position := func(number uint64, index int) {
		t.Helper()
		p := *in.Position()
		wanted := wire.InPosition{Number: number, ID: id(1, number, 0), Index: index, AckNumber: 6, AckID: id(1, 6, 0)}
		if index > 0 {
			wanted.PartID = id(1, number+1, 0)
		}
		if number == 6 {
			wanted.AckNumber, wanted.AckID = 6, id(1, 6, 0)
		}
		want(t, "position", p, wanted)
	}
	position(1, 0)
	want(t, "parcels with events", in.Waiting(), 5)
	wantAll(t, "events", drawn(&in), 200, 201, 500)
	in.Applied()
	position(1, 1)
	in.Applied()
	position(4, 0)
	in.Applied()
	position(6, 0)
	want(t, "nothing waits", in.Waiting(), 0)
	want(t, "bytes of nothing", in.Bytes(), 0)
}

// R26, R27: what came before is known, what comes early is missing something, and what
// does not continue the chain, or is not what was partly applied, is a stray.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	parcels := sent(t, 2, 1, 1, 1)
	var in channel.In
	judged := func(what string, h wire.ParcelHead, wanted channel.Verdict) {
		t.Helper()
		want(t, what, in.Judge(&h), wanted)
	}
	judged("the second first", parcels[1].ParcelHead, channel.Missing)
	take(t, &in, parcels[:2]...)
	judged("the first again", parcels[0].ParcelHead, channel.Known)
	judged("the third", parcels[2].ParcelHead, channel.Next)
	judged("the fourth", parcels[3].ParcelHead, channel.Missing)
	judged("a third behind another second", wire.ParcelHead{Number: 3, ID: id(2, 3, 0), Before: id(2, 2, 0)}, channel.Stray)
	drawn(&in)
	in.Applied()

	// A new owner knows what was applied, and of the rest what the position says.
	stored := *in.Position()
	in = channel.In{}
	in.Load(stored)
	judged("the first, partly applied", parcels[0].ParcelHead, channel.Next)
	judged("another first", wire.ParcelHead{Number: 1, ID: id(2, 1, 0)}, channel.Stray)
	want(t, "applied acks", take(t, &in, parcels[0]), 0)
	judged("another second, whose acks were applied", wire.ParcelHead{Number: 2, ID: id(2, 2, 0), Before: id(1, 1, 0)}, channel.Stray)
	judged("the second", parcels[1].ParcelHead, channel.Next)
	want(t, "applied acks", take(t, &in, parcels[1:3]...), 1)
	wantAll(t, "what is left", drawn(&in), 101, 200, 300)
}

// R28: an event that failed is drawn again, before those behind it.
func TestUndraw(t *testing.T) {
	t.Parallel()
	parcels := sent(t, 3, 1, 2)
	var in channel.In
	take(t, &in, parcels[:2]...)
	wantAll(t, "at first", drawn(&in), 100, 101, 102, 200)
	in.Applied()
	in.Position().Attempt = 2
	in.Undraw()
	wantAll(t, "again", drawn(&in), 101, 102, 200)
	in.Undraw()
	take(t, &in, parcels[2])
	wantAll(t, "with what came meanwhile", drawn(&in), 101, 102, 200, 300, 301)
	in.Applied()
	want(t, "the attempt of the next", in.Position().Attempt, 0)
	in.Undraw()
	wantAll(t, "the rest", drawn(&in), 102, 200, 300, 301)
}

// R26: what a former owner sent and is not applied is forgotten; what is applied stays.
func TestForget(t *testing.T) {
	t.Parallel()
	parcels := sent(t, 2, 2, 1)
	var in channel.In
	take(t, &in, parcels...)
	for range 3 {
		drawn(&in)
		in.Applied()
	}
	in.Forget()
	want(t, "nothing waits", in.Waiting(), 0)
	want(t, "bytes of nothing", in.Bytes(), 0)
	want(t, "acks that come again", take(t, &in, parcels[1:]...), 0)
	wantAll(t, "what is left", drawn(&in), 201, 300)
}

// A position within a parcel that has fewer events is an error: the parcel has the id
// of the one that was partly applied, and cannot be another.
func TestPositionBehindTheParcel(t *testing.T) {
	t.Parallel()
	var in channel.In
	in.Load(wire.InPosition{Index: 2, PartID: id(1, 1, 0)})
	_, err := in.Put(sent(t, 1)[0])
	if err == nil || !strings.Contains(err.Error(), "parcel 1 has 1 events, and 2 are applied") {
		t.Errorf("taken in: %v", err)
	}
}
