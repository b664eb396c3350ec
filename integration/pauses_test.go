package integration

import (
	"errors"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
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
		if _, err := c.Client().Await(t.Context(), throttled.Place); !errors.Is(err, client.ErrThrottled) {
			t.Errorf("who asks again is told %v", err)
		}
		if err := c.Client().Resume(t.Context(), m.name, "book"); err != nil {
			t.Fatal(err)
		}
		for {
			err := c.Client().WaitProcessed(t.Context(), throttled.Place)
			if err == nil {
				break
			}
			if !errors.Is(err, client.ErrThrottled) {
				t.Fatal(err)
			}
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
