package wire_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/task"
)

func parcelID(b byte, number uint64, ordinal uint32) wire.ParcelID {
	return wire.ParcelID{Mark: task.Mark{Token: token(b), Number: number}, Ordinal: ordinal}
}

// addressed returns a frame with a column for each step, and a way to add events.
func addressed(t testing.TB, steps int) (f *wire.Frame, send func(o wire.Origin, seed uint64, step uint16, payload string)) {
	t.Helper()
	f = &wire.Frame{From: 1, To: 2, Columns: make([]wire.Column, steps)}
	return f, func(o wire.Origin, seed uint64, step uint16, payload string) {
		if f.Columns[step] == nil {
			f.Columns[step] = wire.NewColumn(texts, true)
		}
		column := f.Columns[step].(*wire.ColumnOf[string])
		if err := column.Put(payload); err != nil {
			t.Fatal(err)
		}
		f.Events = append(f.Events, wire.Event{Origin: o, Seed: seed, Index: uint32(column.Len() - 1), Step: step})
	}
}

// parcelSample is the parcel that docs/formats/frames.md draws.
func parcelSample(t testing.TB) (wire.ParcelHead, *wire.Frame, []wire.GroupAck) {
	t.Helper()
	head := wire.ParcelHead{Number: 17, ID: parcelID(0xaa, 300, 1), Before: parcelID(0xbb, 5, 0)}
	f, send := addressed(t, len(plan.steps))
	origin := wire.Origin{Tree: acker.Ref{ID: 0x1122334455667788}, Root: 3, Source: 0, Offset: 1000, Time: 1700000000000, Trace: &wire.Trace{Parent: "00-p", State: "s"}}
	root := acker.Seed("topology", "lines", 3, 1000)
	send(origin, acker.Child(root, 0), 1, "hello")
	send(origin, acker.Child(root, 20), 1, "")
	send(origin, 3, 2, "x")
	send(origin, acker.Child(acker.Parent(3, 0), 2), 2, "y")
	origin.Offset, origin.Time, origin.Trace = 1001, origin.Time+5, nil
	send(origin, acker.Child(acker.Seed("topology", "lines", 3, 1001), 1), 2, "z")
	origin.Tree.ID, origin.Offset = 10, 998
	send(origin, 4, 1, "")
	send(wire.Origin{Tree: acker.Ref{ID: 9}, Root: 1, Source: 1, Offset: -1}, 5, 1, "world")
	return head, f, parcelSampleAcks
}

var parcelSampleAcks = []wire.GroupAck{
	{Group: 8, Delta: 0xff},
	{Group: 9, Delta: 1, Notes: []wire.Note{
		{Offset: 1000, Returns: []wire.Return{{Ack: 2, Value: []byte("{}")}}},
		{Offset: -1, Outcome: wire.Rejected, Step: "count", Text: "no"},
	}},
}

// As docs/formats/frames.md has them.
const parcelBytes = "02" + "11" +
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" + "ac02" + "01" + "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" + "05" + "00" +
	"04" + "05636f756e74" + "056c696e6573" + "05746f74616c" + "046c617465" + "07" +
	"02" + "00" + "0430302d70" + "0173" + "03" + "01" + "99546557e9be8312" + "8877665544332211" + "d00f" + "80a0abfef962" + "05" + "68656c6c6f" +
	"ed" + "14" + "00" +
	"fc" + "02" + "0300000000000000" + "01" + "78" +
	"2d" + "01" + "79" +
	"19" + "02" + "0a" + "01" + "7a" +
	"f4" + "00" + "0a00000000000000" + "05" + "00" + "0400000000000000" + "00" +
	"f1" + "01" + "03" + "9e916b103c37424a" + "0900000000000000" + "01" + "00" + "0500000000000000" + "05" + "776f726c64" +
	"02" +
	"0800000000000000" + "ff00000000000000" + "00" +
	"0900000000000000" + "0100000000000000" + "02" +
	"d00f" + "00" + "00" + "00" + "01" + "02" + "027b7d" +
	"01" + "02" + "05636f756e74" + "026e6f" + "00"

// oldParcel is what version 1 wrote.
func oldParcel(t testing.TB) (raw string, f *wire.Frame) {
	t.Helper()
	f, send := addressed(t, len(plan.steps))
	origin := wire.Origin{Tree: acker.Ref{ID: 0x1122334455667788}, Root: 3, Source: 0, Offset: 1000, Time: 1700000000000, Trace: &wire.Trace{Parent: "00-p", State: "s"}}
	send(origin, 1, 1, "hello")
	send(origin, 2, 1, "")
	send(origin, 3, 2, "x")
	send(wire.Origin{Tree: acker.Ref{ID: 9}, Root: 1, Source: 1, Offset: -1}, 4, 1, "world")
	bytes, err := hex.DecodeString(oldParcelBytes)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes), f
}

// Its head, names and acks are those of version 2.
const oldParcelBytes = "01" + "11" +
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" + "ac02" + "01" + "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb" + "05" + "00" +
	"04" + "05636f756e74" + "056c696e6573" + "05746f74616c" + "046c617465" + "04" +
	"00" + "0100000000000000" + "02" + "0430302d70" + "0173" + "8877665544332211" + "03" + "01" + "d00f" + "80a0abfef962" + "05" + "68656c6c6f" +
	"00" + "0200000000000000" + "01" + "00" +
	"02" + "0300000000000000" + "02" + "0430302d70" + "0173" + "8877665544332211" + "03" + "01" + "d00f" + "80a0abfef962" + "01" + "78" +
	"00" + "0400000000000000" + "00" + "0900000000000000" + "01" + "03" + "01" + "00" + "05" + "776f726c64" +
	"02" +
	"0800000000000000" + "ff00000000000000" + "00" +
	"0900000000000000" + "0100000000000000" + "02" +
	"d00f" + "00" + "00" + "00" + "01" + "02" + "027b7d" +
	"01" + "02" + "05636f756e74" + "026e6f" + "00"

func pack(t testing.TB, d wire.Directory, head wire.ParcelHead, f *wire.Frame, acks []wire.GroupAck) string {
	t.Helper()
	raw, events, n, err := wire.NewPacker(d).Pack(nil, head, f, 0, acks, 0)
	if err != nil || events != len(f.Events) || n != len(acks) {
		t.Fatalf("packed %d of %d events and %d of %d acks: %v", events, len(f.Events), n, len(acks), err)
	}
	return string(raw)
}

// sent are the events of a parcel by the names of their steps and sources, with their
// payloads: what a parcel says, whatever the numbers.
type sent struct {
	Step, Source, Payload string
	Seed, Group           uint64
	Root                  task.ID
	Offset, Time          int64
	Trace                 string
}

func said(t testing.TB, d wire.Directory, f *wire.Frame) (all []sent) {
	t.Helper()
	for _, e := range f.Events {
		payload, err := f.Columns[e.Step].AppendEncoded(nil, int(e.Index))
		if err != nil {
			t.Fatal(err)
		}
		s := sent{
			Step: d.StepName(e.Step), Source: d.SourceName(e.Step, e.Source), Payload: string(payload),
			Seed: e.Seed, Group: e.Tree.ID, Root: e.Root, Offset: e.Offset, Time: e.Time,
		}
		if e.Trace != nil {
			s.Trace = e.Trace.Parent + "," + e.Trace.State
		}
		all = append(all, s)
	}
	return all
}

// The bytes of a parcel do not change without a new version: they stand in slots, and
// outlive every program.
func TestParcelGolden(t *testing.T) {
	t.Parallel()
	head, f, acks := parcelSample(t)
	raw := pack(t, plan, head, f, acks)
	if got := hex.EncodeToString([]byte(raw)); got != parcelBytes {
		t.Errorf("the sample parcel is\n%s\nwant\n%s", got, parcelBytes)
	}
	p, err := wire.ParseParcel(raw, 1, 2, plan)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(said(t, plan, f), said(t, plan, p.Frame)); diff != "" {
		t.Errorf("the events came back changed:\n%s", diff)
	}
	if diff := cmp.Diff(acks, p.Acks); diff != "" {
		t.Errorf("the acks came back changed:\n%s", diff)
	}
	if p.ParcelHead != head || p.Frame.From != 1 || p.Frame.To != 2 {
		t.Errorf("from task %v to %v, %+v; want from 1 to 2, %+v", p.Frame.From, p.Frame.To, p.ParcelHead, head)
	}
	if again := pack(t, plan, p.ParcelHead, p.Frame, p.Acks); again != raw {
		t.Errorf("written back:\n%x\nwant\n%x", again, raw)
	}
	if alone, err := wire.ParseParcelHead(raw); err != nil || alone != head {
		t.Errorf("its head alone: %+v, %v; want %+v", alone, err, head)
	}
}

// What version 1 wrote is read, and written in the present form when it is written again.
func TestParcelOfVersion1(t *testing.T) {
	t.Parallel()
	raw, f := oldParcel(t)
	head, _, acks := parcelSample(t)
	p, err := wire.ParseParcel(raw, 1, 2, plan)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(said(t, plan, f), said(t, plan, p.Frame)); diff != "" {
		t.Errorf("the events are read as others:\n%s", diff)
	}
	if diff := cmp.Diff(acks, p.Acks); diff != "" || p.ParcelHead != head {
		t.Errorf("head %+v, want %+v; the acks are read as others:\n%s", p.ParcelHead, head, diff)
	}
	again, err := wire.ParseParcel(pack(t, plan, head, p.Frame, p.Acks), 1, 2, plan)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(said(t, plan, f), said(t, plan, again.Frame)); diff != "" {
		t.Errorf("written in the present form, the events are others:\n%s", diff)
	}
}

// A parcel outlives the version of the module that wrote it: steps and sources have
// other numbers in the next one, and some have other names.
func TestParcelUnderAnotherPlan(t *testing.T) {
	t.Parallel()
	head, f, acks := parcelSample(t)
	raw := pack(t, plan, head, f, acks)
	next := &names{
		steps: []string{"new", "sum", "other", "count"}, sources: []string{"late", "new", "lines"},
		former: map[string]string{"total": "sum"},
	}
	p, err := wire.ParseParcel(raw, 1, 2, next)
	if err != nil {
		t.Fatal(err)
	}
	want := said(t, plan, f)
	for i := range want {
		want[i].Step = next.present(want[i].Step)
	}
	if diff := cmp.Diff(want, said(t, next, p.Frame)); diff != "" {
		t.Errorf("under the next plan the events are others:\n%s", diff)
	}
}

// What the next version does not have is named, and what to do about it.
func TestParcelForAStepThatIsGone(t *testing.T) {
	t.Parallel()
	head, f, acks := parcelSample(t)
	raw := pack(t, plan, head, f, acks)
	for _, c := range []struct {
		name string
		next names
		want wire.UnknownStepError
		mend string
	}{
		{"step", names{steps: []string{"count"}, sources: plan.sources}, wire.UnknownStepError{Step: "total"}, `module.FormerName("total")`},
		{"source", names{steps: plan.steps, sources: []string{"late"}}, wire.UnknownStepError{Source: "lines"}, "declare the source again"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := wire.ParseParcel(raw, 1, 2, &c.next)
			unknown, ok := errors.AsType[*wire.UnknownStepError](err)
			if !ok || *unknown != c.want {
				t.Fatalf("read: %v; want %+v", err, c.want)
			}
			if !strings.Contains(err.Error(), c.mend) {
				t.Errorf("%q does not say %q", err, c.mend)
			}
		})
	}
}

// R24: at most so many events or bytes of events per parcel; one event alone may be larger.
func TestParcelIsCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name                   string
		events, bytes, acks    int // bytes: of each payload
		wantEvents, wantParcel int
	}{
		{"events", 2*wire.ParcelEventsMax + 1, 1, 0, wire.ParcelEventsMax, 3},
		{"bytes", 5, wire.ParcelBytesMax/2 - 100, 0, 2, 3},
		{"an event too much", 2, wire.ParcelBytesMax/2 + 1, 0, 1, 2},
		{"large events", 3, wire.ParcelBytesMax + 1, 0, 1, 3},
		{"acks", 0, 0, 2*wire.ParcelEventsMax + 1, 0, 3},
		{"acks beside events", wire.ParcelEventsMax + 1, 1, wire.ParcelEventsMax + 1, wire.ParcelEventsMax, 2},
		{"acks beside a large event", 1, wire.ParcelBytesMax, 3, 1, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, send := addressed(t, len(plan.steps))
			payload := strings.Repeat("x", c.bytes)
			for i := range c.events {
				send(wire.Origin{Tree: acker.Ref{ID: 7}}, uint64(i), 1, payload)
			}
			acks := make([]wire.GroupAck, c.acks)
			for i := range acks {
				acks[i].Group = uint64(i)
			}
			packer, parcels := wire.NewPacker(plan), 0
			var seeds, groups int
			for event, ack := 0, 0; event < c.events || ack < c.acks; parcels++ {
				raw, nextEvent, nextAck, err := packer.Pack(nil, wire.ParcelHead{Number: uint64(parcels) + 2, ID: parcelID(1, 1, uint32(parcels)), Before: parcelID(2, 1, 0)}, f, event, acks, ack)
				if err != nil {
					t.Fatal(err)
				}
				p, err := wire.ParseParcel(string(raw), 1, 2, plan)
				if err != nil {
					t.Fatal(err)
				}
				for _, e := range p.Frame.Events {
					if e.Seed != uint64(seeds) {
						t.Fatalf("event %d comes where %d should", e.Seed, seeds)
					}
					seeds++
				}
				for _, a := range p.Acks {
					if a.Group != uint64(groups) {
						t.Fatalf("ack %d comes where %d should", a.Group, groups)
					}
					groups++
				}
				if len(p.Frame.Events) > 1 && len(raw) > wire.ParcelBytesMax+100 {
					t.Errorf("%d events take %d bytes", len(p.Frame.Events), len(raw))
				}
				if parcels == 0 && len(p.Frame.Events) != c.wantEvents {
					t.Errorf("the first parcel has %d events, want %d", len(p.Frame.Events), c.wantEvents)
				}
				event, ack = nextEvent, nextAck
			}
			if parcels != c.wantParcel || seeds != c.events || groups != c.acks {
				t.Errorf("%d parcels with %d events and %d acks, want %d with %d and %d", parcels, seeds, groups, c.wantParcel, c.events, c.acks)
			}
		})
	}
}

// A payload that does not encode is told with its place; it was checked when it was
// sent, so the task halts.
func TestParcelPayloadDoesNotEncode(t *testing.T) {
	t.Parallel()
	f := &wire.Frame{To: 2, Columns: []wire.Column{unwritable{}}, Events: []wire.Event{{Step: 0}}}
	_, _, _, err := wire.NewPacker(plan).Pack(nil, wire.ParcelHead{Number: 1, ID: parcelID(1, 1, 0)}, f, 0, nil, 0)
	if !errors.Is(err, errUnwritable) || !strings.Contains(err.Error(), "event 0 of 1 to task 2") {
		t.Errorf("packed: %v", err)
	}
}

var errUnwritable = fmt.Errorf("unwritable")

type unwritable struct{ wire.Column }

func (unwritable) AppendEncoded([]byte, int) ([]byte, error) { return nil, errUnwritable }
