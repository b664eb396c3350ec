package runtime_test

import (
	"fmt"
	"testing"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
)

// twofold is a depot with two sources.
type twofold struct {
	Texts module.Depot[string]
	Seen  pstate.Map[string, int]
}

func (m *twofold) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	s := b.Stream("twofold")
	s.PState(&m.Seen, "seen")
	for _, id := range []string{"live", "late"} {
		module.DeclareSource(s, m.Texts, func(*module.Event, string) error { return nil }, module.SourceID(id), module.StartFromBeginning())
	}
}

// texts makes records of consecutive offsets.
func texts(from, to int64) []depot.Record {
	var all []depot.Record
	for o := from; o < to; o++ {
		all = append(all, depot.Record{Offset: o, Value: fmt.Append(nil, o)})
	}
	return all
}

// promise 3x.01, promise 3.101, promise 3.88: of two sources of a depot one stands at
// the end and one far behind. They are read apart, at their own pace; the one that
// has as many records as it may is paused alone. When the late one is near they are
// read together, from where it stands.
func TestSourcesThatAreFarApart(t *testing.T) {
	t.Parallel()
	engine := taker(t, 1, &twofold{}, runtime.Options{DepotCacheCardinality: 20, MaxExecutingPerTask: 1})
	now := int64(0)
	step := func(in runtime.Input) *runtime.Effects {
		now++
		return engine.Step(now, in)
	}
	step(&runtime.Start{})
	e := step(&runtime.Taken{})
	step(&runtime.ReadDone{Reads: e.Reads})
	step(&runtime.StartsDone{Starts: []runtime.Started{{Offset: 100}, {Offset: 0}}})
	e = step(&runtime.CommitDone{})
	if len(e.Feeds) != 2 || e.Feeds[0].Strand != 0 || e.Feeds[0].Offset != 100 || e.Feeds[1].Strand != 1 || e.Feeds[1].Offset != 0 {
		t.Fatalf("ordered %+v, want the front from 100 on and another strand from 0 on", e.Feeds)
	}
	front, late := e.Feeds[0].Generation, e.Feeds[1].Generation
	e = step(&runtime.Records{Depot: "texts", Generation: front, Records: texts(100, 105)})
	if len(e.Feeds) != 0 {
		t.Errorf("five records for the front led to %+v", e.Feeds)
	}
	e = step(&runtime.Records{Depot: "texts", Generation: late, Records: texts(0, 30)})
	if len(e.Feeds) == 0 || e.Feeds[0].Order != runtime.FeedPause || e.Feeds[0].Strand != 1 {
		t.Errorf("more records than fit led to %+v, want a pause of the late strand alone", e.Feeds)
	}
	e = step(&runtime.Records{Depot: "texts", Generation: late, Records: texts(30, 96)})
	var joined *runtime.Feed
	for i := range e.Feeds {
		if f := &e.Feeds[i]; f.Order == runtime.FeedFrom {
			joined = f
		}
	}
	if joined == nil || joined.Strand != 0 || joined.Offset != 96 {
		t.Fatalf("near the front: ordered %+v, want the front from 96 on", e.Feeds)
	}
}
