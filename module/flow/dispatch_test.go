package flow_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/module/flow"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/simulation"
)

// zoo is a module of a union depot.
type zoo struct {
	Animals module.Depot[animal]
	Heard   module.Ack[string]
	All     pstate.Map[string, int]
	others  bool
}

type cow struct{}

func (cow) Sound() string { return "moo" }

func (m *zoo) Define(b *module.Builder) {
	module.HashDepot(b, &m.Animals, "animals", animal.Sound, module.Union(
		module.Variant[cat, animal]("cat"), module.Variant[dog, animal]("dog"), module.Variant[cow, animal]("cow")))
	s := b.Stream("s")
	s.PState(&m.All, "all")
	module.DeclareAck(s, &m.Heard, agg.Last[string]())
	flow.Source(s, m.Animals, func(b *flow.Block, a flow.Var[animal]) {
		name := flow.Declare[string](b)
		cases := []flow.TypeCase[animal]{
			flow.On[animal](func(b *flow.Block, c flow.Var[cat]) {
				flow.Assign(b, name, flow.F1(func(c cat) string { return "cat " + c.Name }, c))
			}),
			flow.On[animal](func(b *flow.Block, d flow.Var[dog]) {
				flow.HopByHash(b, flow.Const("dogs"))
				flow.Assign(b, name, flow.F1(func(d dog) string { return "dog " + d.Name }, d))
			}),
		}
		if m.others {
			cases = append(cases, flow.OnOther[animal](func(b *flow.Block) { flow.Assign(b, name, flow.Const("another")) }))
		}
		flow.Dispatch(b, a, cases...)
		flow.HopAt(b, &m.All, name)
		flow.Agg(b, flow.Key(&m.All, name), flow.Count[int]())
		flow.AckReturn(b, m.Heard, name)
	})
}

// promise 3.23: records of a union depot go the way of their type, and come together.
func TestDispatch(t *testing.T) {
	t.Parallel()
	m := &zoo{others: true}
	calm(t, m, 4, func(p *simulation.Program) error {
		for _, c := range []struct {
			animal
			want string
		}{{cat{"tom"}, "cat tom"}, {dog{"rex"}, "dog rex"}, {cow{}, "another"}} {
			acks, err := m.Animals.Append(p.Context(), p, c.animal)
			if got, _ := m.Heard.From(acks); got != c.want || err != nil {
				return fmt.Errorf("%v returned %q, error %v", c.animal, got, err)
			}
			if n, err := m.All.Key(c.want).Get(p); n < 1 || err != nil {
				return fmt.Errorf("%q was counted %d times, error %v", c.want, n, err)
			}
		}
		return nil
	})
}

// A value that no case is for parks its record: nothing is dropped in silence.
func TestNoCase(t *testing.T) {
	t.Parallel()
	m := &zoo{}
	calm(t, m, 4, func(p *simulation.Program) error {
		_, err := m.Animals.Append(p.Context(), p, cow{})
		if failed, ok := errors.AsType[*client.FailedError](err); !ok || !failed.Parked || !strings.Contains(failed.Text, "there is no case for a flow_test.cow") {
			return fmt.Errorf("the append returned %v", err)
		}
		return nil
	})
}

// sums is a microbatch topology as dataflow.
type sums struct {
	Pairs module.Depot[[]string]
	All   pstate.Map[string, int]
}

func (m *sums) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Pairs, "pairs")
	mb := b.Microbatch("m")
	mb.PState(&m.All, "all")
	flow.Source(mb, m.Pairs, func(b *flow.Block, words flow.Var[[]string]) {
		word := flow.Explode(b, words)
		flow.HopAt(b, &m.All, word)
		flow.Agg(b, flow.Key(&m.All, word), flow.Count[int]())
	}, module.StartFromBeginning())
}

// promise 3.24: a flow is the same in a microbatch topology.
func TestMicrobatch(t *testing.T) {
	t.Parallel()
	m := &sums{}
	calm(t, m, 4, func(p *simulation.Program) error {
		for _, words := range [][]string{{"a", "b"}, {"b", "c", "b"}} {
			if _, err := m.Pairs.Append(p.Context(), p, words); err != nil {
				return err
			}
		}
		p.Pause(2 * time.Second)
		for i, want := range []int{1, 3, 1} {
			word := string(rune('a' + i))
			if n, err := m.All.Key(word).Get(p); n != want || err != nil {
				return fmt.Errorf("%s was counted %d times, error %v", word, n, err)
			}
		}
		return nil
	})
}
