package channel_test

import (
	"strings"
	"testing"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime/channel"
)

func numbers(parcels []channel.Parcel) (all []uint64) {
	for _, p := range parcels {
		all = append(all, p.Number)
	}
	return all
}

func want[T comparable](t testing.TB, what string, got, wanted T) {
	t.Helper()
	if got != wanted {
		t.Errorf("%s: %v, want %v", what, got, wanted)
	}
}

func wantAll(t testing.TB, what string, got []uint64, wanted ...uint64) {
	t.Helper()
	if len(got) != len(wanted) {
		t.Errorf("%s: %v, want %v", what, got, wanted)
		return
	}
	for i := range got {
		if got[i] != wanted[i] {
			t.Errorf("%s: %v, want %v", what, got, wanted)
			return
		}
	}
}

// R23, R24: parcels are chained; they are for sending once they are committed, until
// they are confirmed, and stay in the outbox until a commit takes them out.
func TestOutbox(t *testing.T) {
	t.Parallel()
	var o channel.Out
	want(t, "the first", o.Next(id(1, 1, 0)), wire.ParcelHead{Number: 1, ID: id(1, 1, 0)})
	for commit := range uint64(4) {
		put(t, &o, 1, commit+1, 1, 0)
	}
	want(t, "the fifth", o.Next(id(1, 9, 2)), wire.ParcelHead{Number: 5, ID: id(1, 9, 2), Before: id(1, 4, 0)})
	wantAll(t, "before any commit", numbers(o.Unconfirmed()))
	o.Commit(3)
	o.Commit(2)
	wantAll(t, "committed", numbers(o.Unconfirmed()), 1, 2, 3)
	want(t, "confirming two is news", o.Confirm(2), true)
	want(t, "confirming two again is news", o.Confirm(2), false)
	want(t, "confirming one is news", o.Confirm(1), false)
	wantAll(t, "not confirmed", numbers(o.Unconfirmed()), 3)
	wantAll(t, "behind the first", numbers(o.Behind(1)), 2, 3)
	wantAll(t, "behind what is not there yet", numbers(o.Behind(7)))
	want(t, "to trim", o.Trimmable(), 2)
	var gone []uint64
	stored := o.Trim(func(n uint64) { gone = append(gone, n) })
	wantAll(t, "trimmed", gone, 1, 2)
	want(t, "empty up to", stored, wire.OutPosition{Number: 2, ID: id(1, 2, 0)})
	want(t, "to trim", o.Trimmable(), 0)
	wantAll(t, "behind what was trimmed", numbers(o.Behind(0)), 3)
	want(t, "trimming again", o.Trim(func(uint64) { t.Error("a parcel is gone twice") }), stored)
	want(t, "the fifth after the trim", o.Next(id(1, 9, 2)).Before, id(1, 4, 0))
	o.Commit(4)
	o.Confirm(4)
	o.Trim(func(uint64) {})
	want(t, "bytes of nothing", o.Bytes(), 0)
	want(t, "behind an empty outbox", o.Next(id(1, 9, 2)), wire.ParcelHead{Number: 5, ID: id(1, 9, 2), Before: id(1, 4, 0)})
}

// R27: a position that the channel never had, or has had under another id, or that
// lies before what was confirmed, is none.
func TestOutboxKnowsItsParcels(t *testing.T) {
	t.Parallel()
	var o channel.Out
	want(t, "the beginning of a new channel", o.Has(0, wire.ParcelID{}), true)
	for commit := range uint64(4) {
		put(t, &o, 1, commit+1, 1, 0)
	}
	o.Commit(3)
	o.Confirm(1)
	o.Trim(func(uint64) {})
	for _, c := range []struct {
		number uint64
		id     wire.ParcelID
		has    bool
	}{
		{0, wire.ParcelID{}, false}, {1, id(1, 1, 0), true}, {1, id(2, 1, 0), false}, {2, id(1, 2, 0), true}, {2, id(1, 2, 1), false}, {3, id(1, 3, 0), true},
		{4, id(1, 4, 0), false}, {5, id(1, 5, 0), false},
	} {
		if got := o.Has(c.number, c.id); got != c.has {
			t.Errorf("has parcel %d (%v): %t, want %t", c.number, c.id, got, c.has)
		}
	}
}

// A new owner finds the outbox as it was committed, in whatever order the store gives
// it, and refuses one with a gap or a break in its chain.
func TestOutboxLoad(t *testing.T) {
	t.Parallel()
	var o channel.Out
	for commit := range uint64(5) {
		put(t, &o, 1, commit+1, 1, 0)
	}
	o.Commit(5)
	o.Confirm(2)
	stored := o.Trim(func(uint64) {})
	shuffled := func(without ...uint64) (all []channel.Parcel) {
		for _, p := range o.Unconfirmed() {
			if len(without) == 0 || p.Number != without[0] {
				all = append([]channel.Parcel{{Number: p.Number, Raw: p.Raw}}, all...)
			}
		}
		return all
	}
	var back channel.Out
	if err := back.Load(stored, shuffled()); err != nil {
		t.Fatal(err)
	}
	wantAll(t, "loaded", numbers(back.Unconfirmed()), 3, 4, 5)
	want(t, "its next", back.Next(id(2, 1, 0)), o.Next(id(2, 1, 0)))
	want(t, "its bytes", back.Bytes(), o.Bytes())
	for number := stored.Number; number <= 5; number++ {
		want(t, "it has the same parcels", back.Has(number, id(1, number, 0)), true)
	}
	head := wire.ParcelHead{Number: 3, ID: id(1, 3, 0), Before: id(7, 2, 0)}
	for name, c := range map[string]struct {
		stored wire.OutPosition
		kept   []channel.Parcel
	}{
		"no third":          {stored, shuffled(3)},
		"no fourth":         {stored, shuffled(4)},
		"another beginning": {wire.OutPosition{Number: 2, ID: id(7, 2, 0)}, shuffled()},
		"another number":    {stored, []channel.Parcel{{Number: 3, Raw: o.Unconfirmed()[1].Raw}}},
		"a broken chain":    {stored, []channel.Parcel{{Number: 3, Raw: parcel(t, head, 1, 1, 1, 0)}}},
		"no parcel":         {stored, []channel.Parcel{{Number: 3, Raw: "x"}}},
		"twice":             {stored, append(shuffled(), shuffled()...)},
	} {
		var bad channel.Out
		if err := bad.Load(c.stored, c.kept); err == nil || !strings.Contains(err.Error(), "parcel") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
