package integration

import (
	"errors"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// colocated is a depot that two streams read: one answers at once, the other waits in
// an event on another task until it is let through.
type colocated struct {
	name    string
	Words   module.Depot[string]
	Count   module.Ack[int64]
	Counts  pstate.Map[string, int64]
	Arrived pstate.Map[string, int64]
	arrive  module.Step[string]

	reached chan string
	gate    chan struct{}
}

func (m *colocated) ModuleName() string { return m.name }

func (m *colocated) Define(b *module.Builder) {
	module.HashDepot(b, &m.Words, "words", func(v string) string { return v }, module.Text())
	quick := b.Stream("quick")
	quick.PState(&m.Counts, "counts")
	module.DeclareAck(quick, &m.Count, agg.Last[int64]())
	module.DeclareSource(quick, m.Words, func(ev *module.Event, v string) error {
		agg.Inc(ev, m.Counts.Key(v))
		n, err := m.Counts.Key(v).Get(ev)
		m.Count.Return(ev, n-1) // early, and not the last
		m.Count.Return(ev, n)
		return err
	})
	slow := b.Stream("slow")
	slow.PState(&m.Arrived, "arrived")
	module.DeclareStep(slow, &m.arrive, "arrive", module.At(&m.Arrived, func(v string) string { return v + "'" }), func(ev *module.Event, v string) error {
		m.reached <- v
		<-m.gate
		agg.Inc(ev, m.Arrived.Key(v+"'"))
		return nil
	})
	module.DeclareSource(slow, m.Words, func(ev *module.Event, v string) error {
		m.arrive.Send(ev, v)
		return nil
	})
}

// promise 3.01, promise 3.16, promise 3.26, promise 3.31, promise 3.41, promise 3.74,
// promise 3.77, promise 3x.11, promise 3x.13, promise 0.11, promise 0.14: an acked append is answered when all
// streams of its depot are done with it, down to the last event, with the last value
// that was returned, however early that was; what a stream has committed is seen
// before. A read behind the answer, also of another client, sees everything.
func TestAnAppendWaitsForAllStreams(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &colocated{name: unique("Colocated"), reached: make(chan string, 1), gate: make(chan struct{})}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4}); err != nil {
			t.Fatal(err)
		}
		type answer struct {
			acks module.Acks
			err  error
		}
		answered := make(chan answer, 1)
		go func() {
			acks, err := m.Words.Append(t.Context(), c.Client(), "w")
			answered <- answer{acks, err}
		}()
		<-m.reached
		for { // the other stream commits by itself
			n, err := m.Counts.Key("w").Get(c.Client().At(t.Context()))
			if err != nil {
				t.Fatal(err)
			}
			if n == 1 {
				break
			}
		}
		select {
		case a := <-answered:
			t.Fatalf("answered with %v, %v while an event has not ended", a.acks, a.err)
		default:
		}
		close(m.gate)
		a := <-answered
		if n, ok := m.Count.From(a.acks); a.err != nil || !ok || n != 1 {
			t.Errorf("answered with %v, error %v, want the count 1", a.acks, a.err)
		}
		other, err := c.NewClient()
		if err != nil {
			t.Fatal(err)
		}
		defer other.Close()
		same := &colocated{name: m.name}
		if err := other.Use(t.Context(), same); err != nil {
			t.Fatal(err)
		}
		if n, err := same.Arrived.Key("w'").Get(other.At(t.Context())); n != 1 || err != nil {
			t.Errorf("another client reads %d behind the answer: %v", n, err)
		}
	})
}

// stumbling fails behind its hop, once, in the way that the record says.
type stumbling struct {
	name   string
	Ways   module.Depot[string]
	Others module.Depot[string]
	Tries  pstate.Map[string, int64]                      // a counter at the root
	Names  pstate.MapOf[string, pstate.SortedSet[string]] // a set at the root
	Lost   pstate.Map[string, int64]                      // written by the event that fails
	leaf   module.Step[string]
}

func (m *stumbling) ModuleName() string { return m.name }

func (m *stumbling) Define(b *module.Builder) {
	module.HashDepot(b, &m.Ways, "ways", func(v string) string { return v }, module.Text())
	module.HashDepot(b, &m.Others, "others", func(v string) string { return v }, module.Text())
	s := b.Stream("stumbling")
	s.PState(&m.Tries, "tries")
	s.PState(&m.Names, "names")
	s.PState(&m.Lost, "lost")
	module.DeclareStep(s, &m.leaf, "leaf", module.At(&m.Lost, func(v string) string { return v + "'" }), func(ev *module.Event, v string) error {
		if ev.Attempt() > 1 {
			return nil
		}
		m.Lost.Key(v+"'").Set(ev, 1)
		if v == "panic" {
			panic("as asked")
		}
		return errors.New("as asked")
	})
	root := func(ev *module.Event, v string) error {
		agg.Inc(ev, m.Tries.Key(v))
		m.Names.Key(v).Add(ev, v)
		return nil
	}
	module.DeclareSource(s, m.Ways, func(ev *module.Event, v string) error {
		m.leaf.Send(ev, v)
		return root(ev, v)
	})
	module.DeclareSource(s, m.Others, root)
}

// promise 3.24, promise 3.51, promise 3.54, promise 3.56, promise 3.65, promise 3x.06: an error and a
// panic behind a hop fail the record, which runs again from its root: what the root
// counted is counted twice, what it put into a set is there once, and nothing is left
// of the event that failed. Another source writes to the same PStates.
func TestARetryBeginsAtTheRoot(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &stumbling{name: unique("Stumbling")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4}); err != nil {
			t.Fatal(err)
		}
		r := c.Client().At(t.Context())
		for _, way := range []string{"error", "panic"} {
			_, err := m.Ways.Append(t.Context(), c.Client(), way)
			for failed := (*client.FailedError)(nil); errors.As(err, &failed) && failed.WillRetry; {
				_, err = c.Client().Await(t.Context(), failed.Place)
			}
			if err != nil {
				t.Fatal(err)
			}
			if n, err := m.Tries.Key(way).Get(r); n != 2 || err != nil {
				t.Errorf("%s: the root counted %d times, want 2: %v", way, n, err)
			}
			if n, err := m.Names.Key(way).Len(r); n != 1 || err != nil {
				t.Errorf("%s: the set has %d elements, want 1: %v", way, n, err)
			}
			if n, err := m.Lost.Key(way + "'").Get(r); n != 0 || err != nil {
				t.Errorf("%s: the event that failed left %d: %v", way, n, err)
			}
			if _, err := m.Others.Append(t.Context(), c.Client(), way); err != nil {
				t.Fatal(err)
			}
			if n, err := m.Tries.Key(way).Get(r); n != 3 || err != nil {
				t.Errorf("%s: counted %d times behind the other source, want 3: %v", way, n, err)
			}
		}
	})
}
