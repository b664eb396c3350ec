package integration

import (
	"errors"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
	"github.com/coppice-run/coppice/task"
)

// exactly is an exactly-once stream of two hops: a number is counted at the root, at
// its step, and where that hops on.
type exactly struct {
	name    string
	Numbers module.Depot[int]
	Counts  pstate.Map[string, int]
	Sum     module.Ack[int]
	broken  func(ev *module.Event, v int) error

	middle module.Step[int]
	last   module.Step[int]
}

func (m *exactly) ModuleName() string { return m.name }

func (m *exactly) Define(b *module.Builder) {
	module.HashDepot(b, &m.Numbers, "numbers", func(v int) int { return v })
	s := b.Stream("exactly", module.ExactlyOnce())
	s.PState(&m.Counts, "counts")
	module.DeclareAck(s, &m.Sum, agg.Sum[int]())
	next := func(v int) task.ID { return task.ID(v+1) % 4 }
	module.DeclareStep(s, &m.middle, "middle", module.Custom(func(v, _ int) int { return int(next(v)) }), func(ev *module.Event, v int) error {
		agg.Inc(ev, m.Counts.Key("middle"))
		m.last.SendTo(ev, next(v+1), v)
		m.Sum.Return(ev, v)
		return m.broken(ev, v)
	})
	module.DeclareStep(s, &m.last, "last", module.Stay[int](), func(ev *module.Event, v int) error {
		agg.Inc(ev, m.Counts.Key("last"))
		m.Sum.Return(ev, v)
		return nil
	})
	module.DeclareSource(s, m.Numbers, func(ev *module.Event, v int) error {
		agg.Inc(ev, m.Counts.Key("root"))
		m.middle.Send(ev, v)
		return nil
	}, module.MaxAttempts(2))
}

// counts sums what all tasks have counted under a name.
func (m *exactly) counts(t *testing.T, c *localcluster.Cluster, name string) (sum int) {
	t.Helper()
	for id := range 4 {
		n, err := m.Counts.Key(name).Get(c.Client().AtTask(t.Context(), task.ID(id)))
		if err != nil {
			t.Fatal(err)
		}
		sum += n
	}
	return sum
}

// R28: an event of an exactly-once stream that fails as often as it may is parked
// alone: what came before it stays, nothing is counted twice, and retried it goes on
// from there.
func TestParkedEvents(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		broken := true
		m := &exactly{name: unique("exactly"), broken: func(ev *module.Event, v int) error {
			if broken && v%2 == 1 {
				return errors.New("on purpose")
			}
			return nil
		}}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4, Options: runtime.Options{AckFailureOnRetryOnly: true}}); err != nil {
			t.Fatal(err)
		}
		for v := range 4 {
			acks, err := m.Numbers.Append(t.Context(), c.Client(), v)
			if v%2 == 1 {
				if !errors.Is(err, client.ErrFailed) || !strings.Contains(err.Error(), "on purpose") {
					t.Errorf("record %d: %v, want that its event was parked", v, err)
				}
				continue
			}
			if sum, ok := m.Sum.From(acks); err != nil || !ok || sum != 2*v {
				t.Errorf("record %d: returned %d (%v), error %v", v, sum, ok, err)
			}
		}
		parked, err := c.Client().Parked(t.Context(), m.name)
		if err != nil || len(parked) != 2 || parked[0].Step != "middle" || string(parked[0].Value) != "1" || parked[0].Attempts != 2 {
			t.Fatalf("parked are %+v, error %v", parked, err)
		}
		if root, middle, last := m.counts(t, c, "root"), m.counts(t, c, "middle"), m.counts(t, c, "last"); root != 4 || middle != 2 || last != 2 {
			t.Errorf("counted %d at the root, %d in the middle, %d at last; want 4, 2, 2", root, middle, last)
		}
		var failed *client.FailedError
		if err := c.Client().RetryParked(t.Context(), parked[0].ParkedRef); !errors.As(err, &failed) || !failed.Parked {
			t.Errorf("a retry that fails says %v", err)
		}
		broken = false
		if err := c.Client().EditParked(t.Context(), parked[1].ParkedRef, []byte("thirty")); !errors.Is(err, client.ErrWrongRecord) || !strings.Contains(err.Error(), "it does not decode as int") {
			t.Errorf("an edit to what is no event says %v", err)
		}
		if err := c.Client().EditParked(t.Context(), parked[1].ParkedRef, []byte("30")); err != nil {
			t.Errorf("edit: %v", err)
		}
		for _, p := range parked {
			if err := c.Client().RetryParked(t.Context(), p.ParkedRef); err != nil {
				t.Errorf("retry of %v: %v", p.ParkedRef, err)
			}
		}
		if rest, err := c.Client().Parked(t.Context(), m.name); err != nil || len(rest) != 0 {
			t.Errorf("still parked are %+v, error %v", rest, err)
		}
		if root, middle, last := m.counts(t, c, "root"), m.counts(t, c, "middle"), m.counts(t, c, "last"); root != 4 || middle != 4 || last != 4 {
			t.Errorf("counted %d at the root, %d in the middle, %d at last; want 4 each", root, middle, last)
		}
		if err := c.Client().SkipParked(t.Context(), parked[0].ParkedRef); !errors.Is(err, client.ErrNotParked) {
			t.Errorf("skipping what is not parked says %v", err)
		}
	})
}
