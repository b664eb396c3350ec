package integration

import (
	"errors"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// promise 3.92: what is set outlives the workers and the client that set it. A worker that
// starts afterwards goes by it from its first record on, and another client reads it.
func TestOptionsOutliveTheWorkersAndTheClient(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &modes{name: unique("Modes"), root: fine, leaf: fine}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4, Options: runtime.Options{MaxExecutingPerTask: 9}}); err != nil {
			t.Fatal(err)
		}
		const executing, paused = "topology.stream.max.executing.per.task", "topology.stream.paused"
		topology := client.OptionScope{Topology: "modes"}
		setter, err := c.NewClient()
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(setter.SetOption(t.Context(), m.name, client.OptionScope{}, executing, "7"), setter.SetOption(t.Context(), m.name, topology, paused, "true"), setter.Close()); err != nil {
			t.Fatal(err)
		}
		for _, w := range c.Workers() {
			if err := w.Stop(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := c.AddWorker(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		reader, err := c.NewClient()
		if err != nil {
			t.Fatal(err)
		}
		defer reader.Close()
		for id := range task.ID(4) {
			if s, err := reader.TaskStatus(t.Context(), m.name, id); err != nil || len(s.Streams) != 1 || s.Streams[0].Limit != 7 {
				t.Errorf("the streams of task %d are at %v (%v), want the limit 7, over the 9 that its worker was started with", id, s.Streams, err)
			}
		}
		for _, want := range []struct {
			scope             client.OptionScope
			name, value, from string
		}{{client.OptionScope{}, executing, "7", "module"}, {topology, executing, "7", "module"}, {topology, paused, "true", "topology modes"}} {
			if v, err := reader.Option(t.Context(), m.name, want.scope, want.name); err != nil || v.Value != want.value || v.From != want.from {
				t.Errorf("%s for %v is %q from %q (%v), want %q from %q", want.name, want.scope, v.Value, v.From, err, want.value, want.from)
			}
		}
		if err := m.append(t, c, 1); !errors.Is(err, client.ErrThrottled) {
			t.Errorf("an append to a topology that was paused before its worker started: %v", err)
		}
	})
}
