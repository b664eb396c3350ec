package channel

import (
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/internal/wire"
)

// Parcel is a parcel in an outbox.
type Parcel struct {
	Number uint64
	ID     wire.ParcelID
	Raw    string // its stored form
}

// Out is the sending end of a channel: the parcels that the receiver has not
// confirmed, in order.
type Out struct {
	stored    wire.OutPosition // up to which the outbox is empty
	kept      []Parcel         // those behind it
	committed uint64           // up to this one the store has them
	confirmed uint64           // up to this one the receiver has applied them
	bytes     int64            // of kept
}

// Load begins with what a slot holds.
func (o *Out) Load(stored wire.OutPosition, kept []Parcel) error {
	slices.SortFunc(kept, func(a, b Parcel) int {
		if a.Number < b.Number {
			return -1
		}
		return 1
	})
	*o = Out{stored: stored, kept: kept, committed: stored.Number + uint64(len(kept)), confirmed: stored.Number}
	before := stored.ID
	for i := range kept {
		k := &kept[i]
		head, err := wire.ParseParcelHead(k.Raw)
		if err != nil {
			return err
		}
		if k.Number != stored.Number+uint64(i)+1 || head.Number != k.Number || head.Before != before {
			return fmt.Errorf("parcel %d (%v behind %v) is not the one behind %d (%v)", k.Number, head.ID, head.Before, stored.Number+uint64(i), before)
		}
		k.ID, before = head.ID, head.ID
		o.bytes += int64(len(k.Raw))
	}
	return nil
}

// Next is how the next parcel stands in the channel.
func (o *Out) Next(id wire.ParcelID) wire.ParcelHead {
	head := wire.ParcelHead{Number: o.stored.Number + uint64(len(o.kept)) + 1, ID: id, Before: o.stored.ID}
	if n := len(o.kept); n > 0 {
		head.Before = o.kept[n-1].ID
	}
	return head
}

// Put adds a parcel behind all others. It may leave when it is committed.
func (o *Out) Put(head wire.ParcelHead, raw string) Parcel {
	p := Parcel{Number: head.Number, ID: head.ID, Raw: raw}
	o.kept = append(o.kept, p)
	o.bytes += int64(len(raw))
	return p
}

// Commit notes that the store has the parcels up to this one.
func (o *Out) Commit(number uint64) { o.committed = max(o.committed, number) }

// Has reports whether a receiver that says that it has applied the parcels up to
// this one can be right: the channel has had it, and under this id. One below the
// outbox has been confirmed by a commit that the receiver has lost (R27).
func (o *Out) Has(number uint64, id wire.ParcelID) bool {
	switch {
	case number < o.stored.Number || number > o.committed:
		return false
	case number == o.stored.Number:
		return id == o.stored.ID
	}
	return id == o.kept[number-o.stored.Number-1].ID
}

// Confirm notes that the receiver has applied the parcels up to this one. It reports
// whether that is news.
func (o *Out) Confirm(number uint64) bool {
	if number <= o.confirmed {
		return false
	}
	o.confirmed = number
	return true
}

// Trimmable is the number of confirmed parcels that are still in the outbox.
func (o *Out) Trimmable() int { return int(o.confirmed - o.stored.Number) }

// Trim takes the confirmed parcels out and calls gone for each number.
func (o *Out) Trim(gone func(number uint64)) wire.OutPosition {
	n := o.Trimmable()
	for i := range n {
		o.bytes -= int64(len(o.kept[i].Raw))
		gone(o.kept[i].Number)
	}
	if n > 0 {
		o.stored = wire.OutPosition{Number: o.kept[n-1].Number, ID: o.kept[n-1].ID}
		o.kept = slices.Delete(o.kept, 0, n)
	}
	return o.stored
}

// Behind are the committed parcels behind a number, to send again.
func (o *Out) Behind(number uint64) []Parcel {
	number = min(max(number, o.stored.Number), o.committed)
	return o.kept[number-o.stored.Number : o.committed-o.stored.Number]
}

// Unconfirmed are the committed parcels that the receiver has not confirmed.
func (o *Out) Unconfirmed() []Parcel { return o.Behind(o.confirmed) }

// Bytes is about how much memory the outbox takes.
func (o *Out) Bytes() int64 { return o.bytes }
