package module_test

import (
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/coppice-run/coppice/internal/wire"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// everything is a module with one of each.
type everything struct {
	Keys   module.Depot[string]
	Shapes module.Depot[shape]
	Counts pstate.Map[string, int]
	Last   pstate.Value[time.Time]
	Deep   pstate.MapOf[string, pstate.MapOf[int, pstate.SortedMap[string, square]]]
	Seen   pstate.SortedSet[uint32]
	Total  module.Ack[int]

	count, spread, stay, hash module.Step[string]
	defined                   int
}

func (m *everything) Define(b *module.Builder) {
	m.defined++
	module.HashDepot(b, &m.Keys, "keys", key, module.Text())
	module.RandomDepot(b, &m.Shapes, "shapes", module.Union(module.Variant[square, shape]("square")))
	s := b.Stream("first")
	s.PState(&m.Counts, "counts")
	s.PState(&m.Last, "last")
	s.PState(&m.Deep, "deep")
	module.DeclareAck(s, &m.Total, agg.Sum[int]())
	module.DeclareStep(s, &m.count, "count", module.At(&m.Counts, key), nothing)
	module.DeclareStep(s, &m.spread, "spread", module.Shuffle[string](), nothing)
	module.DeclareStep(s, &m.stay, "stay", module.Stay[string](), nothing)
	module.DeclareStep(s, &m.hash, "hash", module.ByHash(key), nothing)
	module.DeclareSource(s, m.Keys, nothing, module.StartFromBeginning(), module.MaxAttempts(0))
	module.DeclareSource(s, m.Shapes, func(*module.Event, shape) error { return nil }, module.StartFromTimestamp(time.UnixMilli(0)))
	t := b.Stream("second")
	t.PState(&m.Seen, "seen")
	module.DeclareSource(t, m.Keys, nothing)
}

const everythingPlan = `module everything
  depot   keys             string, by hash, stored as text
  depot   shapes           module_test.shape, by random, stored as union
  stream  first
    pstate  counts         map[string]int
    pstate  last           time.Time
    pstate  deep           map[string] of map[int] of sorted map[string]module_test.square
    source  keys           from the beginning, failed records retried for ever
    source  shapes         from after 1970-01-01T00:00:00.000Z, failed records retried, parked after 10 attempts
    step    count          string, at counts
    step    spread         string, shuffled
    step    stay           string, on the same task
    step    hash           string, by hash
    ack     int
    guarantee: exactly once for records that neither hop nor append to depots, at least once for those that do
  stream  second
    pstate  seen           sorted set[uint32]
    source  keys           from the end, failed records retried, parked after 10 attempts
    guarantee: exactly once (no hops), at least once for records that append to depots
`

// promise 3.02 promise 3.03: any number of depots and PStates; the plan prints.
func TestPlanPrints(t *testing.T) {
	t.Parallel()
	plan, err := module.Compile(&everything{})
	if err != nil {
		t.Fatal(err)
	}
	if got := plan.String(); got != everythingPlan {
		t.Errorf("the plan prints\n%s\nwant\n%s", got, everythingPlan)
	}
	raw, err := json.Marshal(plan)
	if err != nil {
		t.Fatal(err)
	}
	var back module.Plan
	if err := json.Unmarshal(raw, &back); err != nil || len(back.Streams) != 2 || len(back.Depots) != 2 || back.Streams[0].Steps[3].Placement != "by hash" {
		t.Errorf("the plan's JSON came back as %+v, %v", back, err)
	}
}

// The plan prints the topics that handlers write to.
func TestPlanPrintsTopics(t *testing.T) {
	t.Parallel()
	plan, err := module.Compile(&declared{"sinks", func(b *module.Builder) {
		var invoices module.Topic[square]
		var letters module.Topic[string]
		module.DeclareKeyedTopic(b, &invoices, "shop.invoices", func(s square) float64 { return s.Side })
		module.DeclareTopic(b, &letters, "letters", module.Text())
		s := b.Stream("s", module.ExactlyOnce())
		source(b, s)
	}})
	if err != nil {
		t.Fatal(err)
	}
	const want = `module sinks
  depot   records          string, by random, stored as json
  topic   shop.invoices    module_test.square, by key, stored as json
  topic   letters          string, at random, stored as text
  stream  s
    source  records        from the end, failed records retried, parked after 10 attempts
    guarantee: exactly once, also over hops and appends
`
	if got := plan.String(); got != want {
		t.Errorf("the plan prints\n%s\nwant\n%s", got, want)
	}
}

// Define runs once per value, whoever asks.
func TestDefineRunsOnce(t *testing.T) {
	t.Parallel()
	m := &everything{}
	first, err := module.Compile(m)
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if again, err := module.Compile(m); err != nil || again != first {
			t.Errorf("another plan, %v", err)
		}
	}
	if m.defined != 1 {
		t.Errorf("Define ran %d times", m.defined)
	}
	if other, err := module.Compile(&everything{}); err != nil || other == first {
		t.Errorf("another value has the same plan, %v", err)
	}
}

func TestOutcomes(t *testing.T) {
	t.Parallel()
	cause := errors.New("cause")
	for _, c := range []struct {
		err              error
		rejected, parked bool
	}{
		{module.Reject(cause), true, false}, {module.Park(cause), false, true}, {cause, false, false}, {nil, false, false},
		{errors.Join(errors.New("around"), module.Reject(cause)), true, false},
	} {
		if rejected, parked := module.OutcomeOf(c.err); rejected != c.rejected || parked != c.parked {
			t.Errorf("%v: rejected %v, parked %v", c.err, rejected, parked)
		}
	}
	if !errors.Is(module.Reject(cause), cause) || module.Park(nil).Error() == "" {
		t.Error("an outcome hides its cause")
	}
}

// promise 3.79: acks print as a map from topology to what it returned.
func TestAcksPrint(t *testing.T) {
	t.Parallel()
	for want, acks := range map[string]module.Acks{
		`{}`:                     {},
		`{"s" 1}`:                module.NewAcks(map[string]map[int][]byte{"s": {0: []byte("1")}}),
		`{"a" "x", "s" [1 [2]]}`: module.NewAcks(map[string]map[int][]byte{"s": {1: []byte("[2]"), 0: []byte("1")}, "a": {0: []byte(`"x"`)}}),
	} {
		if got := acks.String(); got != want {
			t.Errorf("printed %s, want %s", got, want)
		}
	}
}

// A topic that others write has a source for each partition of a task, and numbers that stay
// what they are when it grows, also in a plan that does not know of it yet.
func TestSpread(t *testing.T) {
	t.Parallel()
	plan, err := module.Compile(&spreading{})
	if err != nil {
		t.Fatal(err)
	}
	if same, err := plan.Spread(4, nil); err != nil || len(same.Streams[0].Sources) != 2 {
		t.Errorf("spread over nothing: %+v, %v", same, err)
	}
	small, err := plan.Spread(4, map[string]int{"a.b": 3})
	if err != nil {
		t.Fatal(err)
	}
	large, err := plan.Spread(4, map[string]int{"a.b": 9})
	if err != nil {
		t.Fatal(err)
	}
	if len(plan.Streams[0].Sources) != 2 || plan.Streams[0].Sources[1].Depot.TopicPartitions != 0 {
		t.Errorf("spreading changed the plan")
	}
	read := map[int32]string{}
	for _, source := range large.Streams[0].Sources {
		for id := range module.TaskID(4) {
			if partition, ok := source.Depot.Partition(id, 4); ok && source.Depot.Topic == "a.b" {
				if other, twice := read[partition]; twice || int(partition)%4 != int(id) {
					t.Errorf("partition %d is read by %s and %s, task %d", partition, other, source.Name, id)
				}
				read[partition] = source.Name
			}
		}
	}
	if len(read) != 9 || read[3] != "a-b" || read[4] != "a-b.1" || read[8] != "a-b.2" {
		t.Errorf("read are %v", read)
	}
	for _, source := range large.Streams[0].Sources {
		number := uint16(source.ID)
		known, ok := small.Streams[0].Source(number)
		back, found := small.Streams[0].SourceNumber(source.Name)
		switch lane := source.Depot.Topic == "a.b"; {
		case lane != ok && source.ID >= 2, ok && known.MaxAttempts != source.MaxAttempts:
			t.Errorf("source %d, %s, is known as %+v, %t", number, source.Name, known, ok)
		case lane && (!found || back != number || small.Streams[0].SourceName(number) != source.Name):
			t.Errorf("source %s has number %d, %t, and source %d the name %q", source.Name, back, found, number, small.Streams[0].SourceName(number))
		}
	}
	if _, ok := small.Streams[0].SourceNumber("a-b.x"); ok || small.Streams[0].SourceName(wire.NoSource) != "" {
		t.Error("what is no source has a number or a name")
	}
	if _, err := plan.Spread(1, map[string]int{"a.b": 40000}); err == nil {
		t.Error("spread over more sources than there can be")
	}
}

type spreading struct {
	In  module.Depot[int]
	Out module.Topic[int]
}

func (m *spreading) Define(b *module.Builder) {
	module.RandomDepot(b, &m.In, "in")
	module.DeclareTopic(b, &m.Out, "a.b")
	s := b.Stream("s")
	module.DeclareSource(s, m.In, func(*module.Event, int) error { return nil })
	module.DeclareTopicSource(s, m.Out, func(*module.Event, module.TopicRecord[int]) error { return nil }, module.MaxAttempts(3))
}
