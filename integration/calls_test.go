package integration

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/runtime"
)

// asking asks somebody outside about each number, and keeps the answer where its key
// belongs.
type asking struct {
	name     string
	options  []module.StreamOption
	Numbers  module.Depot[int]
	Answers  pstate.Map[string, int] // how often an answer was kept
	Answered module.Ack[string]

	ask  module.Call[int]
	keep module.Step[string]

	outside func(ctx context.Context, v int) (string, error)
}

func (m *asking) ModuleName() string { return m.name }

func (m *asking) Define(b *module.Builder) {
	module.HashDepot(b, &m.Numbers, "numbers", func(v int) int { return v })
	s := b.Stream("asking", m.options...)
	s.PState(&m.Answers, "answers")
	module.DeclareAck(s, &m.Answered, agg.Last[string]())
	module.DeclareCall(s, &m.ask, "ask", m.outside, &m.keep)
	module.DeclareStep(s, &m.keep, "keep", module.At(&m.Answers, func(v string) string { return v }), func(ev *module.Event, v string) error {
		agg.Inc(ev, m.Answers.Key(v))
		m.Answered.Return(ev, v)
		return nil
	})
	module.DeclareSource(s, m.Numbers, func(ev *module.Event, v int) error {
		m.ask.Start(ev, v)
		return nil
	}, module.MaxAttempts(3))
}

// outsider answers numbers and notes the ids of the calls.
type outsider struct {
	mu    sync.Mutex
	asked map[int][]uuid.UUID
	fails map[int]int // how often it fails at first
}

func (o *outsider) answer(ctx context.Context, v int) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.asked[v] = append(o.asked[v], module.CallID(ctx))
	switch {
	case len(o.asked[v]) <= o.fails[v]:
		return "", errors.New("nobody answers, on purpose")
	case v < 0:
		return "", module.Reject(errors.New("no negative numbers"))
	}
	return fmt.Sprint("answer ", v), nil
}

// A call to the outside is made beside the task, again where it failed, under one id;
// what it returns comes back as an event, and the append waits for it. It may end its
// record as a handler may.
func TestCalls(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		for name, options := range map[string][]module.StreamOption{"at least once": nil, "exactly once": {module.ExactlyOnce()}} {
			o := &outsider{asked: map[int][]uuid.UUID{}, fails: map[int]int{2: 2, 3: 9}}
			m := &asking{name: unique("asking"), options: options, outside: o.answer}
			if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4, Options: runtime.Options{AckFailureOnRetryOnly: true}}); err != nil {
				t.Fatal(err)
			}
			for v := range 3 {
				acks, err := m.Numbers.Append(t.Context(), c.Client(), v)
				answer, ok := m.Answered.From(acks)
				if want := fmt.Sprint("answer ", v); err != nil || !ok || answer != want {
					t.Errorf("%s: number %d: answered %q (%v), error %v", name, v, answer, ok, err)
				}
				if n, err := m.Answers.Key(answer).Get(c.Client().At(t.Context())); err != nil || n != 1 {
					t.Errorf("%s: number %d: its answer was kept %d times, error %v", name, v, n, err)
				}
			}
			if _, err := m.Numbers.Append(t.Context(), c.Client(), 3); !errors.Is(err, client.ErrFailed) {
				t.Errorf("%s: a call that fails as often as it may: %v", name, err)
			}
			if _, err := m.Numbers.Append(t.Context(), c.Client(), -1); !errors.Is(err, client.ErrRejected) {
				t.Errorf("%s: a call that rejects: %v", name, err)
			}
			for v, times := range map[int]int{0: 1, 1: 1, 2: 3, 3: 3, -1: 1} {
				ids := o.asked[v]
				if len(ids) != times {
					t.Errorf("%s: number %d was asked for %d times, want %d", name, v, len(ids), times)
				}
				for _, id := range ids {
					if id != ids[0] || id == uuid.Nil {
						t.Errorf("%s: number %d was asked for under the ids %v", name, v, ids)
					}
				}
			}
			parked, err := c.Client().Parked(t.Context(), m.name)
			if err != nil || len(parked) != 1 {
				t.Fatalf("%s: parked are %+v, error %v", name, parked, err)
			}
			o.mu.Lock()
			o.fails = nil
			o.mu.Unlock()
			if err := c.Client().RetryParked(t.Context(), parked[0].ParkedRef); err != nil {
				t.Errorf("%s: retry of %v: %v", name, parked[0].ParkedRef, err)
			}
		}
	})
}
