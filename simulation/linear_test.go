package simulation

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/anishathalye/porcupine"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// tickets hands out numbers by key: an acked append returns the number, and nothing
// hops.
type tickets struct {
	Draws   module.Depot[string]
	Numbers pstate.Map[string, int]
	Number  module.Ack[int]
}

func (m *tickets) Define(b *module.Builder) {
	module.HashDepot(b, &m.Draws, "draws", func(key string) string { return key }, module.Text())
	s := b.Stream("tickets")
	s.PState(&m.Numbers, "numbers")
	module.DeclareAck(s, &m.Number, agg.Last[int]())
	module.DeclareSource(s, m.Draws, func(ev *module.Event, key string) error {
		m.Number.Return(ev, agg.Inc(ev, m.Numbers.Key(key)))
		return nil
	}, module.StartFromBeginning())
}

// linearCase is programs that draw and read, and the history of what they saw.
type linearCase struct {
	m       tickets
	history []porcupine.Operation
}

func (c *linearCase) Module() module.Module                              { return &c.m }
func (c *linearCase) Append(module.Appender, *rand.Rand, int) error      { return nil }
func (c *linearCase) Acked(int, module.Acks) error                       { return nil }
func (c *linearCase) Check(r pstate.Reader, parked func(int) bool) error { return c.linearizable() }

// drawing is what a program does, and number what it is told; 0 where the answer came
// without a number, since the owner that had it is gone.
type drawing struct {
	key  string
	draw bool
}

func (c *linearCase) Programs() (int, func(*Program) error) {
	return 5, func(p *Program) error {
		for range 12 {
			in := drawing{fmt.Sprintf("k%d", p.Random.IntN(3)), p.Random.IntN(2) == 0}
			called := p.Now()
			var number int
			if in.draw {
				acks, err := c.m.Draws.Append(p.Context(), p, in.key)
				if err != nil {
					return err
				}
				number, _ = c.m.Number.From(acks)
			} else {
				var err error
				if number, err = c.m.Numbers.Key(in.key).Get(p); err != nil {
					return err
				}
			}
			c.history = append(c.history, porcupine.Operation{ClientId: p.Number, Input: in, Call: int64(called), Output: number, Return: int64(p.Now())})
		}
		return nil
	}
}

func (c *linearCase) linearizable() error {
	model := porcupine.Model{
		Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
			byKey := map[string][]porcupine.Operation{}
			for _, op := range history {
				byKey[op.Input.(drawing).key] = append(byKey[op.Input.(drawing).key], op)
			}
			var parts [][]porcupine.Operation
			for _, key := range slices.Sorted(func(yield func(string) bool) {
				for key := range byKey {
					if !yield(key) {
						return
					}
				}
			}) {
				parts = append(parts, byKey[key])
			}
			return parts
		},
		Init: func() any { return 0 },
		Step: func(state, input, output any) (bool, any) {
			n, number := state.(int), output.(int)
			if input.(drawing).draw {
				return number == 0 || number == n+1, n + 1
			}
			return number == n, n
		},
	}
	if !porcupine.CheckOperations(model, c.history) {
		return fmt.Errorf("appends and reads of %d operations fit into no order of single steps", len(c.history))
	}
	return nil
}

// linear is the workload. A server that loses a tail takes back what readers have
// seen, at level applied, and also above it what was seen before it was durable.
func linear() Config {
	return Config{
		Workload: Workload{Name: "linear", New: func() Case { return &linearCase{} }},
		Without:  []Fault{Restart, Split, SlotLoss},
	}
}

// promise 3x.13, R7: whatever fails, but for servers that lose what they had, appends
// that return a number and reads of it look as if each had happened at one moment
// between its call and its answer.
func TestAppendsAndReadsAreLinearizable(t *testing.T) {
	t.Parallel()
	faults, draws := 0, 0
	for seed := range uint64(3 * seedsPerTest) {
		config := linear()
		config.Seed = seed
		r := Run(config)
		faults, draws = faults+r.FaultTotal(), draws+r.Acked
		for _, v := range r.Violations {
			t.Errorf("seed %d: %s", seed, v)
		}
	}
	if faults == 0 || draws == 0 {
		t.Errorf("%d faults, %d acknowledged appends", faults, draws)
	}
}

// The check can fail: without the guard a replaced owner writes over its successor.
func TestLostUpdatesAreNotLinearizable(t *testing.T) {
	t.Parallel()
	for seed := range uint64(1000) {
		config := linear()
		config.Seed, config.Plant = seed, NoGuard
		if len(Run(config).Violations) > 0 {
			return
		}
	}
	t.Error("1000 seeds without the guard look linearizable")
}
