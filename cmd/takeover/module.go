package main

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/coppice-run/coppice/internal/fleet"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// beat is a record of the load: it is processed by its task, and hops on to another
// one where To is not its own.
type beat struct {
	Task, To int
}

// load is a record that has its task keep a megabyte more.
type load struct {
	Task, Number int
}

// heart is the module that is measured.
type heart struct {
	worker string // the process that it runs in

	Beats  module.Depot[beat]
	Loads  module.Depot[load]
	Counts pstate.Map[int, int]
	Kept   pstate.Map[string, string]
	Pulse  module.Ack[fleet.Pulse]
	arrive module.Step[beat]
}

// What one load keeps: a megabyte in parts that do not compress to nothing. With their quotes
// they fit 16 KiB: what is a little larger, Redis gives 20.
const (
	loadParts = 66
	loadBytes = 1 << 20
)

func (m *heart) ModuleName() string { return "Heart" }

func (m *heart) Define(b *module.Builder) {
	module.CustomDepot(b, &m.Beats, "beats", func(v beat, _ int) int { return v.Task })
	module.CustomDepot(b, &m.Loads, "loads", func(v load, _ int) int { return v.Task })
	s := b.Stream("heart")
	s.PState(&m.Counts, "counts")
	s.PState(&m.Kept, "kept")
	module.DeclareAck(s, &m.Pulse, agg.Last[fleet.Pulse]())
	module.DeclareStep(s, &m.arrive, "arrive", module.Custom(func(v beat, _ int) int { return v.To }), func(ev *module.Event, v beat) error {
		agg.Inc(ev, m.Counts.Key(v.To))
		return nil
	})
	module.DeclareSource(s, m.Beats, m.onBeat, module.StartFromBeginning(), module.MaxAttempts(1000))
	module.DeclareSource(s, m.Loads, m.onLoad, module.StartFromBeginning(), module.MaxAttempts(1000))
}

func (m *heart) onBeat(ev *module.Event, v beat) error {
	m.Pulse.Return(ev, fleet.Pulse{Worker: m.worker, At: time.Now().UnixNano()})
	agg.Inc(ev, m.Counts.Key(v.Task))
	if v.To != v.Task {
		m.arrive.Send(ev, v)
	}
	return nil
}

func (m *heart) onLoad(ev *module.Event, v load) error {
	random := rand.New(rand.NewPCG(uint64(v.Task), uint64(v.Number)))
	for part := range loadParts {
		text := make([]byte, loadBytes/loadParts)
		for i := range text {
			text[i] = byte('a' + random.IntN(26))
		}
		m.Kept.Key(fmt.Sprint(v.Task, "/", v.Number, "/", part)).Set(ev, string(text))
	}
	return nil
}
