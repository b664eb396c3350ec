package channel_test

import (
	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/runtime/channel"
	"github.com/coppice-run/coppice/task"
)

// nothing is what the events of these tests carry: their seeds tell them apart.
var nothing = &codec.Codec[string]{
	Name:   "nothing",
	Append: func(dst []byte, _ *string) ([]byte, error) { return dst, nil },
	Decode: func([]byte, *string) error { return nil },
}

// step is a plan with one step and one source.
type step struct{}

func (step) StepName(uint16) string               { return "step" }
func (step) SourceName(_, _ uint16) string        { return "source" }
func (step) Step(string) (uint16, bool)           { return 0, true }
func (step) Source(uint16, string) (uint16, bool) { return 0, true }
func (step) Stem(_, _ uint16, _ task.ID) uint64   { return 0 }
func (step) Column(uint16) wire.Column            { return wire.NewColumn(nothing, true) }

const from, to task.ID = 1, 2

func id(owner byte, commit uint64, ordinal uint32) wire.ParcelID {
	return wire.ParcelID{Mark: task.Mark{Token: task.Token{owner}, Number: commit}, Ordinal: ordinal}
}

// tester is a test, or a run of a property.
type tester interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}

// parcel packs events of consecutive seeds, and acks of consecutive groups.
func parcel(t tester, head wire.ParcelHead, seed uint64, events int, group uint64, acks int) string {
	t.Helper()
	column := wire.NewColumn(nothing, true)
	f := &wire.Frame{From: from, To: to, Columns: []wire.Column{column}}
	for i := range events {
		if err := column.Put(""); err != nil {
			t.Fatal(err)
		}
		f.Events = append(f.Events, wire.Event{Origin: wire.Origin{Tree: acker.Ref{ID: 1}}, Seed: seed + uint64(i), Index: uint32(i)})
	}
	var piled []wire.GroupAck
	for i := range acks {
		piled = append(piled, wire.GroupAck{Group: group + uint64(i)})
	}
	raw, _, _, err := wire.NewPacker(step{}).Pack(nil, head, f, 0, piled, 0)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func parsed(t tester, raw string) *wire.Parcel {
	t.Helper()
	p, err := wire.ParseParcel(raw, from, to, step{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// put adds a parcel with so many events and acks to an outbox.
func put(t tester, o *channel.Out, owner byte, commit uint64, events, acks int) channel.Parcel {
	t.Helper()
	head := o.Next(id(owner, commit, 0))
	return o.Put(head, parcel(t, head, 100*head.Number, events, 100*head.Number, acks))
}

// drawn are the seeds of the events that a channel gives now.
func drawn(in *channel.In) (seeds []uint64) {
	for {
		p, event, ok := in.Draw()
		if !ok {
			return seeds
		}
		seeds = append(seeds, p.Frame.Events[event].Seed)
	}
}
