package integration

import (
	"errors"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
)

// A stream that is paused begins no record, and says so to who waits; resumed it goes on
// with those that have come meanwhile.
func TestAStreamIsPaused(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := launchLedger(t, c)
		if err := c.Client().Pause(t.Context(), m.name, "book"); err != nil {
			t.Fatal(err)
		}
		var throttled *client.ThrottledError
		sum := 0
		for n := 1; throttled == nil; n++ { // until the workers have heard of it
			_, err := m.Book.Append(t.Context(), c.Client(), n)
			sum += n
			if err != nil && !errors.As(err, &throttled) {
				t.Fatal(err)
			}
		}
		if !strings.Contains(throttled.Text, "paused") {
			t.Errorf("who waits is told %q", throttled.Text)
		}
		if !strings.Contains(throttled.Error(), "is in the depot") {
			t.Errorf("who has appended is told %v", throttled)
		}
		if _, err := c.Client().Await(t.Context(), throttled.Place); !errors.Is(err, client.ErrThrottled) || strings.Contains(err.Error(), "in the depot") {
			t.Errorf("who asks again is told %v", err)
		}
		if err := c.Client().Resume(t.Context(), m.name, "book"); err != nil {
			t.Fatal(err)
		}
		if err := c.Client().WaitProcessed(t.Context(), throttled.Place); err != nil {
			t.Fatal(err)
		}
		if got, err := m.Sum.Key("all").Get(c.Client().At(t.Context())); err != nil || got != sum {
			t.Errorf("the sum is %d, %v; want %d", got, err, sum)
		}
		if err := c.Client().Pause(t.Context(), m.name, "nothing"); !errors.Is(err, client.ErrUnknownPlace) {
			t.Errorf("a topology that is not there is paused: %v", err)
		}
		place := throttled.Place
		place.Partition = 2
		if _, err := c.Client().Await(t.Context(), place); !errors.Is(err, client.ErrNoPartition) {
			t.Errorf("a partition that is not there: %v", err)
		}
		place.Depot = "none"
		if _, err := c.Client().Await(t.Context(), place); !errors.Is(err, client.ErrNoDepot) {
			t.Errorf("a depot that is not there: %v", err)
		}
		if _, err := m.Sum.Len(c.Client().AtTask(t.Context(), 2)); !errors.Is(err, client.ErrNoTask) {
			t.Errorf("a task that is not there: %v", err)
		}
	})
}

// A topology that is resumed goes on, whatever held it: its own setting, that of the whole
// module, or what its workers were started with; what does not hold it is left as it is.
func TestResumedWhateverHeldIt(t *testing.T) {
	const stream, microbatch = "topology.stream.paused", "topology.microbatch.paused"
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		for name, test := range map[string]struct {
			started runtime.Options
			whole   bool // the module is paused
			from    string
		}{
			"its own setting":         {from: "default"},
			"the whole module's":      {whole: true, from: "topology "},
			"what workers begin with": {started: runtime.Options{Paused: true, StreamPaused: true}, from: "topology "},
		} {
			t.Run(name, func(t *testing.T) {
				for _, held := range []struct {
					topology, option string
					m                module.Module
					appends          func(module.Module) error
				}{
					{"book", stream, &ledger{name: unique("Held")}, func(m module.Module) error {
						_, err := m.(*ledger).Book.Append(t.Context(), c.Client(), 1)
						return err
					}},
					{"bank", microbatch, &transfers{name: unique("HeldBatches")}, func(m module.Module) error {
						p := &placer{c: c.Client()}
						if _, err := m.(*transfers).Moves.Append(t.Context(), p, transferred{From: "a", To: "b", Cents: 1}); err != nil {
							return err
						}
						return c.Client().WaitProcessed(t.Context(), p.at)
					}},
				} {
					if err := c.Launch(t.Context(), held.m, localcluster.LaunchConfig{Tasks: 2, Options: test.started}); err != nil {
						t.Fatal(err)
					}
					module := held.m.(interface{ ModuleName() string }).ModuleName()
					if test.whole {
						if err := c.Client().SetOption(t.Context(), module, client.OptionScope{}, held.option, "true"); err != nil {
							t.Fatal(err)
						}
					}
					if err := c.Client().Pause(t.Context(), module, held.topology); err != nil {
						t.Fatal(err)
					}
					if err := c.Client().Resume(t.Context(), module, held.topology); err != nil {
						t.Fatal(err)
					}
					s, err := c.Client().TaskStatus(t.Context(), module, 0)
					if err != nil || len(s.Paused) > 0 {
						t.Fatalf("%s: after it was resumed task 0 holds %v, %v", held.topology, s.Paused, err)
					}
					v, err := c.Client().Option(t.Context(), module, client.OptionScope{Topology: held.topology}, held.option)
					if err != nil || v.Value != "false" || !strings.HasPrefix(v.From, test.from) {
						t.Errorf("%s: %s is %s by %s, %v", held.topology, held.option, v.Value, v.From, err)
					}
					if err := held.appends(held.m); err != nil {
						t.Errorf("%s: %v", held.topology, err)
					}
				}
			})
		}
	})
}
