package integration

import (
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// promise 3.63, promise 3.92: an event that fails is tried again alone; once
// topology.stream.fail.whole.batch is set on the running module, so are those that it
// shares a batch with. All come through in the end.
func TestFailWholeBatch(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		var repeated atomic.Int64 // attempts at records that never fail by themselves
		m := &modes{root: func(ev *module.Event, v int) error {
			if fails := v%8 == 5; fails && ev.Attempt() == 1 {
				return errOnPurpose
			} else if !fails && ev.Attempt() > 1 {
				repeated.Add(1)
			}
			return nil
		}}
		m.launch(t, c, runtime.Options{AckFailureOnRetryOnly: true})
		next := 0
		burst := func() {
			t.Helper()
			var group sync.WaitGroup
			for range 32 {
				v := next
				next++
				group.Go(func() {
					if err := m.append(t, c, v); err != nil {
						t.Errorf("record %d: %v", v, err)
					}
				})
			}
			group.Wait()
		}
		for range 5 {
			burst()
		}
		if n := repeated.Load(); n != 0 {
			t.Fatalf("%d records were tried again that did not fail", n)
		}
		if err := c.Client().SetOption(t.Context(), m.name, client.OptionScope{Topology: "modes"}, "topology.stream.fail.whole.batch", "true"); err != nil {
			t.Fatal(err)
		}
		for repeated.Load() == 0 && t.Context().Err() == nil && !t.Failed() {
			burst()
		}
		for v := range next { // at least once: a leaf may have been in such a batch, too
			if n, err := m.Leaves.Key(v).Get(c.Client().AtTask(t.Context(), task.ID(v%4))); err != nil || n < 1 {
				t.Errorf("record %d took effect %d times at its leaf (error %v)", v, n, err)
			}
		}
	})
}
