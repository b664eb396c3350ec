package main

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/examples/flights"
	"github.com/coppice-run/coppice/examples/internal/exampletest"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/localcluster/clustertest"
)

// fold computes what the module computes, straight from the rows of a file: the
// lines that Report.Plain prints, sorted.
func fold(t *testing.T, file io.Reader) []string {
	t.Helper()
	unzip, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(unzip).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	at := map[string]int{}
	for i, name := range rows[0] {
		at[name] = i
	}
	sums := map[string]int{"flights.total": 0}
	last, where := map[string]string{}, map[string]string{}
	for _, row := range rows[1:] {
		get := func(name string) string { return row[at[name]] }
		sums["flights.total"]++
		hour, err := strconv.Atoi(get("hour"))
		if err != nil {
			t.Fatal(err)
		}
		for _, thing := range []string{
			"carrier." + get("carrier"), "origin." + get("origin"),
			fmt.Sprintf("origin.%s.hour.%02d", get("origin"), hour), "route." + get("origin") + "-" + get("dest"),
		} {
			sums[thing+".flights"]++
			sums[thing+".dep_delay_sum"] += 0
			sums[thing+".dep_delay_missing"] += 0
			if delay := get("dep_delay"); delay == "NA" {
				sums[thing+".dep_delay_missing"]++
			} else if n, err := strconv.Atoi(delay); err != nil {
				t.Fatal(err)
			} else {
				sums[thing+".dep_delay_sum"] += n
			}
		}
		tail := get("tailnum")
		sums["aircraft."+tail+".legs"]++
		if when := get("time_hour"); when >= last[tail] {
			last[tail], where[tail] = when, get("dest")
		}
	}
	var lines []string
	for name, n := range sums {
		lines = append(lines, fmt.Sprintf("%s\t%d", name, n))
	}
	for tail, dest := range where {
		lines = append(lines, fmt.Sprintf("aircraft.%s.at\t%s", tail, dest))
	}
	slices.Sort(lines)
	return lines
}

// Every figure, for January and for a file that is given.
func TestEveryFigureOfTheFlights(t *testing.T) {
	t.Parallel()
	february, err := os.ReadFile("flights/testdata/february.csv.gz")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		input  func() io.Reader
		given  bool
		launch localcluster.LaunchConfig
		total  string
		united string
	}{
		{"january", flights.January, false, localcluster.LaunchConfig{Tasks: 4, Workers: 2}, "flights.total\t27004", "carrier.UA.flights\t4637"},
		{"february", func() io.Reader { return bytes.NewReader(february) }, true, localcluster.LaunchConfig{Tasks: 3}, "flights.total\t2422", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			cluster, err := localcluster.Start(t.Context(), localcluster.Config{})
			if err != nil {
				t.Fatal(err)
			}
			defer cluster.Close()
			o := flights.Options{Launch: c.launch}
			if c.given {
				o.Input = c.input()
			}
			report, err := flights.Run(t.Context(), cluster, o)
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			if err := report.Plain(&out); err != nil {
				t.Fatal(err)
			}
			got := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
			if got[0] != c.total {
				t.Errorf("the first line is %q, want %q", got[0], c.total)
			}
			slices.Sort(got)
			if c.united != "" && !slices.Contains(got, c.united) {
				t.Errorf("no line %q", c.united)
			}
			want := fold(t, c.input())
			if len(got) != len(want) {
				t.Fatalf("%d figures, the fold has %d", len(got), len(want))
			}
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("figure %q, the fold has %q", got[i], want[i])
				}
			}
		})
	}
}

func TestOnlySoManyFlights(t *testing.T) {
	t.Parallel()
	cluster, err := localcluster.Start(t.Context(), localcluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	most := 0
	report, err := flights.Run(t.Context(), cluster, flights.Options{Records: 100, Progress: func(done, total int) {
		if total != 100 {
			t.Errorf("progress of %d in all", total)
		}
		if done == total {
			most = done
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	if report.Total != 100 || most != 100 {
		t.Errorf("%d flights, progress up to %d; want 100", report.Total, most)
	}
	var tables, object strings.Builder
	if err := report.Tables(&tables); err != nil || !strings.Contains(tables.String(), "100 flights") {
		t.Errorf("tables (%v):\n%s", err, tables.String())
	}
	if err := report.JSON(&object); err != nil || !strings.Contains(object.String(), `"total": 100`) {
		t.Errorf("JSON (%v):\n%.200s", err, object.String())
	}
}

// Files that are none: the error says what and where.
func TestBadFilesOfFlights(t *testing.T) {
	t.Parallel()
	const header = "carrier,tailnum,origin,dest,hour,time_hour,dep_delay,arr_delay\n"
	january, err := io.ReadAll(flights.January())
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ text, want string }{
		"empty":          {"", "header"},
		"missing column": {"carrier,origin\nUA,EWR\n", "tailnum"},
		"bad hour":       {header + "UA,N1,EWR,IAH,5,t,1,1\nUA,N1,EWR,IAH,five,t,1,1\n", "line 3: column hour"},
		"bad delay":      {header + "UA,N1,EWR,IAH,5,t,soon,1\n", "line 2: column dep_delay"},
		"short line":     {header + "UA,N1\n", "line 2"},
		"cut gzip":       {string(january[:5000]), "unexpected EOF"},
	} {
		if _, err := flights.Read(strings.NewReader(c.text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an error with %q", name, err, c.want)
		}
	}
}

// As dataflow it does the same, event for event.
func TestFlightsAsDataflow(t *testing.T) {
	t.Parallel()
	all, err := flights.Read(flights.January())
	if err != nil {
		t.Fatal(err)
	}
	flow := &flights.Flow{}
	exampletest.SameEvents(t, &flights.Module{}, flow, &flow.Module, func(m *flights.Module, kit *clustertest.Kit) error {
		for _, f := range all[:300] {
			if _, err := m.Flights.Append(t.Context(), kit, f); err != nil {
				return err
			}
		}
		return nil
	})
}
