package runtime_test

import (
	"fmt"
	"testing"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime"
)

// R23: what goes along opened with a parcel is what is stored of it, also where there are
// more acks to the task than a parcel takes: the frame is the receiver's then.
func TestOpenedParcelsStayWhole(t *testing.T) {
	t.Parallel()
	const groups = wire.ParcelEventsMax + 50
	m := newBranches()
	w := newTown(t, m, 2, runtime.Options{})
	a, b := w.tasks[0], w.tasks[1]
	for i := range groups { // each record is a group of its own
		b.give(int64(i), node{1, fmt.Sprint("root ", i), []node{leaf(0, fmt.Sprint("end ", i))}})
		b.commit()
	}
	b.give(groups, node{1, "last root", []node{{0, "middle", []node{leaf(1, "back")}}}})
	b.commit()
	w.carry(1, 0)
	opened, acks := 0, 0
	for a.pending != nil {
		a.commit()
		for _, f := range w.mail(0, 1) {
			for i, p := range f.Opened {
				if p == nil {
					continue
				}
				raw, events, n, err := wire.NewPacker(branchNames{}).Pack(nil, p.ParcelHead, p.Frame, 0, p.Acks, 0)
				if err != nil || events != len(p.Frame.Events) || n != len(p.Acks) || string(raw) != f.Parcels[i] {
					t.Errorf("parcel %d came opened with %d events and %d acks, and that is not what is stored: %v", p.Number, len(p.Frame.Events), len(p.Acks), err)
				}
				opened, acks = opened+len(p.Frame.Events), acks+len(p.Acks)
			}
		}
	}
	if opened != 1 || acks < wire.ParcelEventsMax {
		t.Errorf("%d events and %d acks came opened, want one event with more acks than a parcel takes", opened, acks)
	}
}
