package runtime_test

import (
	"testing"

	"github.com/coppice-run/coppice/runtime"
)

// What is in flight is told for each stream, with the limit that is set for it.
func TestInFlightIsToldForEachStream(t *testing.T) {
	t.Parallel()
	w := newTown(t, &blend{}, 1, runtime.Options{MaxExecutingPerTask: 100})
	c := w.tasks[0]
	c.step(&runtime.OptionsChanged{Module: runtime.Options{MaxExecutingPerTask: 100}, Topologies: map[string]runtime.Options{"once": {MaxExecutingPerTask: 2}}})
	c.giveAll(0, leaf(0, "well"))
	c.giveAll(1, leaf(0, "well"), leaf(0, "well")) // behind the commit of the first
	s := c.engine.Status()
	sum := 0
	for _, stream := range s.Streams {
		want := 100
		if stream.Topology == "once" {
			want = 2
		}
		if stream.Limit != want || stream.InFlight == 0 || stream.InFlight > want {
			t.Errorf("%+v, want some in flight and a limit of %d", stream, want)
		}
		sum += stream.InFlight
	}
	if len(s.Streams) != 2 || sum != s.Pending {
		t.Errorf("streams are %+v, want two with %d records together", s.Streams, s.Pending)
	}
}
