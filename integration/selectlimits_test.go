package integration

import (
	"errors"
	"fmt"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
)

// spread has elements on each of its tasks.
type spread struct {
	name string
	Put  module.Depot[int]
	Held pstate.SortedMap[int, int]
}

func (m *spread) ModuleName() string { return m.name }

func (m *spread) Define(b *module.Builder) {
	module.CustomDepot(b, &m.Put, "put", func(n, partitions int) int { return n % partitions })
	s := b.Stream("put")
	s.PState(&m.Held, "held", pstate.PartitionBy(func(n, tasks int) int { return n % tasks }))
	module.DeclareSource(s, m.Put, func(ev *module.Event, n int) error {
		m.Held.Key(n).Set(ev, n)
		return nil
	})
}

// A limit is one of all tasks that are read together, as a step of the path and beside it, in
// selects and in watches.
func TestLimitsOverTasks(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &spread{name: unique("Spread")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4}); err != nil {
			t.Fatal(err)
		}
		for n := range 12 {
			if _, err := m.Put.Append(t.Context(), c.Client(), n); err != nil {
				t.Fatal(err)
			}
		}
		for _, test := range []struct {
			path  string
			limit int
			want  string
		}{
			{"keys", 0, "0 4 8 1 5 9 2 6 10 3 7 11"},
			{"keys", 4, "0 4 8 1"},
			{"keys.limit(2)", 0, "0 4"},
			{"keys.limit(3)", 0, "0 4 8"},
			{"keys.limit(7)", 0, "0 4 8 1 5 9 2"},
			{"keys.limit(7)", 4, "0 4 8 1"},
			{"keys.limit(4)", 7, "0 4 8 1"},
			{"keys.filter(it > 4).limit(3)", 0, "8 5 9"},
			{"keys.page(2).limit(3)", 0, "0 4 8"},
			{"keys.limit(2).count", 0, "2 2 2 2"}, // count counts on each task
			{"keys.count", 3, "3 3 3"},
		} {
			got, err := selected(t.Context(), c.Client(), m.name, "held", test.path, test.limit)
			if err != nil || got != test.want {
				t.Errorf("%s, limit %d, gives %q, %v; want %q", test.path, test.limit, got, err, test.want)
			}
			s := client.Selection{Module: m.name, PState: "held", Path: test.path, Limit: test.limit}
			for change, err := range c.Client().WatchSelection(t.Context(), s, client.WatchOptions{}) {
				if seen := fmt.Sprintf("%s", change.Values); err != nil || seen != "["+test.want+"]" {
					t.Errorf("a watch of %s, limit %d, gives %s, %v; want %q", test.path, test.limit, seen, err, test.want)
				}
				break
			}
		}
		one, err := c.Client().SelectOne(t.Context(), client.Selection{Module: m.name, PState: "held", Path: "keys.limit(1)"})
		if err != nil || fmt.Sprintf("%s", one.Values) != "[0]" {
			t.Errorf("one of all: %s, %v", one.Values, err)
		}
		if _, err := c.Client().SelectOne(t.Context(), client.Selection{Module: m.name, PState: "held", Path: "keys.count"}); !errors.Is(err, nav.ErrMany) {
			t.Error("a count on each of four tasks is one value")
		}
	})
}
