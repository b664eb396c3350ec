package flights

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/pstate"
)

// Report is what the module computed, read from its PStates.
type Report struct {
	Total    int                          `json:"total"`
	Carriers map[string]Delays            `json:"carriers"`
	Routes   map[string]map[string]Delays `json:"routes"` // origin, destination
	Hours    map[string]map[int]Delays    `json:"hours"`  // origin, hour
	Origins  map[string]Delays            `json:"origins"`
	Aircraft map[string]Aircraft          `json:"aircraft"`
	Took     time.Duration                `json:"tookNanoseconds"`
}

// collect reads the PStates under the keys that the input has.
func collect(ctx context.Context, c *localcluster.Cluster, m *Module, all []Flight) (*Report, error) {
	reader := c.Client().At(ctx)
	r := &Report{Carriers: map[string]Delays{}, Routes: map[string]map[string]Delays{}, Hours: map[string]map[int]Delays{}, Origins: map[string]Delays{}, Aircraft: map[string]Aircraft{}}
	tails, carriers, origins := map[string]bool{}, map[string]bool{}, map[string]bool{}
	for _, f := range all {
		tails[f.Tail], carriers[f.Carrier], origins[f.Origin] = true, true, true
	}
	for _, carrier := range slices.Sorted(maps.Keys(carriers)) {
		d, err := m.Carriers.Key(carrier).Get(reader)
		if err != nil {
			return nil, err
		}
		r.Carriers[carrier] = d
		r.Total += d.Flights
	}
	for _, origin := range slices.Sorted(maps.Keys(origins)) {
		if err := r.collectOrigin(reader, m, origin); err != nil {
			return nil, err
		}
	}
	for _, tail := range slices.Sorted(maps.Keys(tails)) {
		a, err := m.Aircraft.Key(tail).Get(reader)
		if err != nil {
			return nil, err
		}
		r.Aircraft[tail] = a
	}
	return r, nil
}

func (r *Report) collectOrigin(reader pstate.Reader, m *Module, origin string) error {
	r.Routes[origin], r.Hours[origin] = map[string]Delays{}, map[int]Delays{}
	var sum Delays
	for e, err := range m.Routes.Key(origin).Range(reader, pstate.Span[string]{}) {
		if err != nil {
			return err
		}
		r.Routes[origin][e.Key] = e.Val
		sum = Delays{sum.Flights + e.Val.Flights, sum.Sum + e.Val.Sum, sum.Missing + e.Val.Missing}
	}
	r.Origins[origin] = sum
	for e, err := range m.Hours.Key(origin).Range(reader, pstate.Span[int]{}) {
		if err != nil {
			return err
		}
		r.Hours[origin][e.Key] = e.Val
	}
	return nil
}

// Plain prints one name and value per line, sorted by name within each kind.
func (r *Report) Plain(w io.Writer) error {
	out := bufio.NewWriter(w)
	line := func(value any, format string, args ...any) {
		fmt.Fprintf(out, format, args...)
		fmt.Fprintf(out, "\t%v\n", value)
	}
	delays := func(name string, d Delays) {
		line(d.Flights, "%s.flights", name)
		line(d.Sum, "%s.dep_delay_sum", name)
		line(d.Missing, "%s.dep_delay_missing", name)
	}
	line(r.Total, "flights.total")
	for _, carrier := range slices.Sorted(maps.Keys(r.Carriers)) {
		delays("carrier."+carrier, r.Carriers[carrier])
	}
	for _, origin := range slices.Sorted(maps.Keys(r.Origins)) {
		delays("origin."+origin, r.Origins[origin])
		for _, hour := range slices.Sorted(maps.Keys(r.Hours[origin])) {
			delays(fmt.Sprintf("origin.%s.hour.%02d", origin, hour), r.Hours[origin][hour])
		}
	}
	for _, origin := range slices.Sorted(maps.Keys(r.Routes)) {
		for _, dest := range slices.Sorted(maps.Keys(r.Routes[origin])) {
			delays("route."+origin+"-"+dest, r.Routes[origin][dest])
		}
	}
	for _, tail := range slices.Sorted(maps.Keys(r.Aircraft)) {
		a := r.Aircraft[tail]
		line(a.Legs, "aircraft.%s.legs", tail)
		line(a.At, "aircraft.%s.at", tail)
	}
	return out.Flush()
}

// JSON prints the report as one object.
func (r *Report) JSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}

// tableRows is how many rows a table shows.
const tableRows = 10

// Tables prints what a person wants to see first.
func (r *Report) Tables(w io.Writer) error {
	out := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(out, "CARRIER\tFLIGHTS\tMEAN DELAY\tUNKNOWN\t\n")
	for _, e := range busiest(r.Carriers) {
		e.row(out)
	}
	fmt.Fprintf(out, "\t\t\t\t\nORIGIN\tFLIGHTS\tMEAN DELAY\tUNKNOWN\t\n")
	for _, e := range busiest(r.Origins) {
		e.row(out)
	}
	routes := map[string]Delays{}
	for origin, dests := range r.Routes {
		for dest, d := range dests {
			routes[origin+"-"+dest] = d
		}
	}
	fmt.Fprintf(out, "\t\t\t\t\nROUTE\tFLIGHTS\tMEAN DELAY\tUNKNOWN\t\n")
	for _, e := range head(busiest(routes)) {
		e.row(out)
	}
	fmt.Fprintf(out, "\t\t\t\t\nAIRCRAFT\tLEGS\tLAST SEEN AT\t\t\n")
	for _, tail := range head(r.mostFlown()) {
		fmt.Fprintf(out, "%s\t%d\t%s\t\t\n", tail, r.Aircraft[tail].Legs, r.Aircraft[tail].At)
	}
	if err := out.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%d flights, every one acknowledged, in %.2f s: %.0f per second\n", r.Total, r.Took.Seconds(), float64(r.Total)/max(r.Took.Seconds(), 1e-9))
	return err
}

type entry struct {
	name   string
	delays Delays
}

func (e entry) row(out io.Writer) {
	mean := "-"
	if known := e.delays.Flights - e.delays.Missing; known > 0 {
		mean = fmt.Sprintf("%.1f min", float64(e.delays.Sum)/float64(known))
	}
	fmt.Fprintf(out, "%s\t%d\t%s\t%d\t\n", e.name, e.delays.Flights, mean, e.delays.Missing)
}

func busiest(all map[string]Delays) []entry {
	entries := make([]entry, 0, len(all))
	for name, d := range all {
		entries = append(entries, entry{name, d})
	}
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(b.delays.Flights, a.delays.Flights), cmp.Compare(a.name, b.name))
	})
	return entries
}

// mostFlown lists the aircraft that are known, by their legs.
func (r *Report) mostFlown() []string {
	var tails []string
	for tail := range r.Aircraft {
		if tail != "NA" {
			tails = append(tails, tail)
		}
	}
	slices.SortFunc(tails, func(a, b string) int {
		return cmp.Or(cmp.Compare(r.Aircraft[b].Legs, r.Aircraft[a].Legs), cmp.Compare(a, b))
	})
	return tails
}

func head[T any](all []T) []T { return all[:min(len(all), tableRows)] }
