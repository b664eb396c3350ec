package integration

import (
	"errors"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/internal/stack"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// fourfold writes two things where its record is, one that a repetition changes and one
// that it does not, and two more behind a hop, where the first attempt fails.
type fourfold struct {
	name    string
	options []module.StreamOption

	Texts  module.Depot[string]
	First  pstate.Map[string, string]                          // W1, set
	Second pstate.MapOf[string, pstate.SortedMap[int, string]] // W2, added at the end
	Third  pstate.Map[string, int]                             // W3, counted
	Fourth pstate.MapOf[string, pstate.SortedMap[int, string]] // W4, added at the end
	there  module.Step[string]
}

func (m *fourfold) ModuleName() string { return m.name }

func (m *fourfold) Define(b *module.Builder) {
	module.HashDepot(b, &m.Texts, "texts", func(v string) string { return v }, module.Text())
	s := b.Stream("fourfold", m.options...)
	s.PState(&m.First, "first")
	s.PState(&m.Second, "second")
	s.PState(&m.Third, "third")
	s.PState(&m.Fourth, "fourth")
	module.DeclareStep(s, &m.there, "there", module.At(&m.Third, func(v string) string { return v + "'" }), func(ev *module.Event, v string) error {
		agg.Inc(ev, m.Third.Key(v+"'"))
		if err := push(ev, m.Fourth.Key(v+"'"), v); err != nil {
			return err
		}
		if ev.Attempt() == 1 {
			return errors.New("on purpose")
		}
		return nil
	})
	module.DeclareSource(s, m.Texts, func(ev *module.Event, v string) error {
		m.First.Key(v).Set(ev, v)
		m.there.Send(ev, v)
		return push(ev, m.Second.Key(v), v)
	})
}

// push adds a value behind the last.
func push(ev *module.Event, list pstate.SortedMap[int, string], v string) error {
	n, err := list.Len(ev)
	list.Key(n).Set(ev, v)
	return err
}

// promise 3.56, promise 3x.06: an event that fails behind a hop takes its own writes
// back. The retry begins at the root in a stream that is at least once, and repeats what
// was committed there: what is set is not harmed, what is added at the end is there
// twice. In an exactly-once stream the event that failed is tried again alone, and
// nothing is there twice.
func TestExactlyOnceRepairsWhatRetriesRepeat(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		for _, mode := range []struct {
			name    string
			options []module.StreamOption
			second  int
		}{
			{"at least once", nil, 2},
			{"exactly once", []module.StreamOption{module.ExactlyOnce()}, 1},
		} {
			m := &fourfold{name: unique("Fourfold"), options: mode.options}
			if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4, Workers: 2}); err != nil {
				t.Fatal(err)
			}
			_, err := m.Texts.Append(t.Context(), c.Client(), "v")
			for failed := (*client.FailedError)(nil); errors.As(err, &failed) && failed.WillRetry; {
				_, err = c.Client().Await(t.Context(), failed.Place)
			}
			if err != nil {
				t.Fatal(err)
			}
			r := c.Client().At(t.Context())
			first, err1 := m.First.Key("v").Get(r)
			second, err2 := m.Second.Key("v").Len(r)
			third, err3 := m.Third.Key("v'").Get(r)
			fourth, err4 := m.Fourth.Key("v'").Len(r)
			if err := errors.Join(err1, err2, err3, err4); err != nil {
				t.Fatal(err)
			}
			if first != "v" || second != mode.second || third != 1 || fourth != 1 {
				t.Errorf("%s: set to %q, added %d times; behind the hop counted %d and added %d times; want v, %d, 1 and 1", mode.name, first, second, third, fourth, mode.second)
			}
		}
	})
}

// R13, R23 to R29, T1: a master that is killed under records that hop, and comes back
// without what it had answered last: state, positions and outboxes went back to one
// moment, the records run again from there, and each counts once everywhere.
func TestExactlyOnceWhenRedisLosesItsTail(t *testing.T) {
	t.Parallel()
	rig, _, c, log := masterAndReplica(t, stack.RigConfig{})
	m := &census{name: unique("Census"), options: []module.StreamOption{module.ExactlyOnce()}}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4, Workers: 2}); err != nil {
		t.Fatal(err)
	}
	const rounds, each = 3, 60
	for round := range rounds {
		tail, err := rig.MarkTail()
		if err != nil {
			t.Fatal(err)
		}
		for i := range each {
			m.append(t, c, round*each+i)
		}
		lost, err := rig.LoseTail(t.Context(), tail)
		if err != nil || lost == 0 {
			t.Fatalf("round %d: %d bytes were lost: %v", round, lost, err)
		}
		if err := rig.Start(t.Context(), rig.Master().Name); err != nil {
			t.Fatal(err)
		}
	}
	log.await(t, "went back")
	const half = rounds * each / 2
	for {
		even, told := m.counted(t, c)
		if even > half || told > half {
			t.Fatalf("counted %d even records and told of %d odd ones, there are %d each", even, told, half)
		}
		if even == half && told == half {
			break
		}
		if t.Context().Err() != nil {
			t.Fatalf("counted %d even records and told of %d odd ones, want %d each", even, told, half)
		}
	}
	// Whatever is still under way would come before this.
	for key := range keysOfCensus {
		m.append(t, c, key)
	}
	if even, told := m.counted(t, c); even != half+keysOfCensus/2 || told != half+keysOfCensus/2 {
		t.Errorf("after one more of each key: counted %d and %d, want %d each", even, told, half+keysOfCensus/2)
	}
}
