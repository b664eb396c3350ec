// Package flights keeps statistics of aircraft, routes, airports and carriers
// from departures, each on the task where it belongs.
package flights

import (
	"cmp"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// Module is the example.
type Module struct {
	Name string // of the module; default Flights

	Flights  module.Depot[Flight]
	Aircraft pstate.Map[string, Aircraft]                           // by tail number
	Routes   pstate.MapOf[string, pstate.SortedMap[string, Delays]] // origin, destination
	Hours    pstate.MapOf[string, pstate.SortedMap[int, Delays]]    // origin, scheduled hour
	Carriers pstate.Map[string, Delays]
	Legs     module.Ack[int] // how many legs the flight's aircraft has flown

	atOrigin  module.Step[Departure]
	atCarrier module.Step[Departure]
}

// Aircraft is what is kept of one tail number.
type Aircraft struct {
	Legs int
	At   string // where its last leg went: that with the greatest time, of equals the one appended last
	Time string // the scheduled hour of that leg
}

func (a Aircraft) flown(f Flight) Aircraft {
	a.Legs++
	if f.TimeHour >= a.Time {
		a.At, a.Time = f.Dest, f.TimeHour
	}
	return a
}

// Delays are a number of flights and their departure delays in minutes.
type Delays struct {
	Flights int
	Sum     int // of those that are known
	Missing int // flights without a known delay; they are not in Sum
}

func (d Delays) with(f *int) Delays {
	d.Flights++
	if f == nil {
		d.Missing++
	} else {
		d.Sum += *f
	}
	return d
}

// Departure is what hops carry.
type Departure struct {
	Origin, Dest, Carrier string
	Hour                  int
	Delay                 *int `json:",omitempty"`
}

// ModuleName names the module.
func (m *Module) ModuleName() string { return cmp.Or(m.Name, "Flights") }

// Define declares it.
func (m *Module) Define(b *module.Builder) {
	module.HashDepot(b, &m.Flights, "flights", func(f Flight) string { return f.Tail })
	s := b.Stream("flights")
	s.PState(&m.Aircraft, "aircraft")
	s.PState(&m.Routes, "routes")
	s.PState(&m.Hours, "hours")
	s.PState(&m.Carriers, "carriers")
	module.DeclareAck(s, &m.Legs, agg.Last[int]())
	module.DeclareStep(s, &m.atOrigin, "origin", module.At(&m.Routes, func(d Departure) string { return d.Origin }), m.onOrigin)
	module.DeclareStep(s, &m.atCarrier, "carrier", module.At(&m.Carriers, func(d Departure) string { return d.Carrier }), m.onCarrier)
	module.DeclareSource(s, m.Flights, m.onFlight)
}

// onFlight runs on the aircraft's task.
func (m *Module) onFlight(ev *module.Event, f Flight) error {
	aircraft := m.Aircraft.Key(f.Tail).Update(ev, func(a Aircraft) Aircraft { return a.flown(f) })
	m.Legs.Return(ev, aircraft.Legs)
	d := Departure{Origin: f.Origin, Dest: f.Dest, Carrier: f.Carrier, Hour: f.Hour, Delay: f.DepDelay}
	m.atOrigin.Send(ev, d)
	m.atCarrier.Send(ev, d)
	return nil
}

// onOrigin runs on the task of the airport that the flight left.
func (m *Module) onOrigin(ev *module.Event, d Departure) error {
	add := func(have Delays) Delays { return have.with(d.Delay) }
	m.Routes.Key(d.Origin).Key(d.Dest).Update(ev, add)
	m.Hours.Key(d.Origin).Key(d.Hour).Update(ev, add)
	return nil
}

// onCarrier runs on the carrier's task.
func (m *Module) onCarrier(ev *module.Event, d Departure) error {
	m.Carriers.Key(d.Carrier).Update(ev, func(have Delays) Delays { return have.with(d.Delay) })
	return nil
}
