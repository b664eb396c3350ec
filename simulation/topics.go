package simulation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/store"
)

// Topics is the workload of topics of others as sources: an exactly-once stream writes to
// one in transactions, and an exactly-once stream, a microbatch topology and a stream read it,
// whose partitions are fewer or more than the tasks. What the topic holds is applied once by
// each, over a hop by the first two. Commits are on a replica before records leave, as in
// EmitOnce.
func Topics() Workload {
	level := store.Replicated(1)
	return Workload{Name: "topics", Hops: true, Exact: true, Fails: true, Durability: &level, RecordsMax: 40, New: func() Case { return &topicsCase{} }}
}

// letter is what is wished for, and written.
type letter struct {
	Number int
	Copy   int
}

type letterRelay struct {
	Wishes  module.Depot[letter]
	Letters module.Topic[letter]
	Once    pstate.Map[string, int] // by letter: how often it was applied
	Batched pstate.Map[string, int]
	Plain   pstate.Map[string, int] // on the task that reads it
	write   module.Step[letter]
	once    module.Step[letter]
	batched module.Step[letter]
}

func (l letter) name() string { return fmt.Sprint(l.Number, "-", l.Copy) }

func (m *letterRelay) Define(b *module.Builder) {
	module.HashDepot(b, &m.Wishes, "wishes", func(l letter) int { return l.Number })
	module.DeclareKeyedTopic(b, &m.Letters, "post.letters", letter.name)
	patient := []module.SourceOption{module.StartFromBeginning(), module.MaxAttempts(1000)}

	in := b.Stream("in", module.ExactlyOnce())
	module.DeclareStep(in, &m.write, "write", module.Custom(func(l letter, tasks int) int { return l.Copy % tasks }), func(ev *module.Event, l letter) error {
		m.Letters.Emit(ev, l)
		return nil
	})
	module.DeclareSource(in, m.Wishes, func(ev *module.Event, l letter) error {
		for l.Copy = range 1 + l.Number%3 {
			m.write.Send(ev, l)
		}
		return nil
	}, patient...)

	out := b.Stream("out", module.ExactlyOnce())
	out.PState(&m.Once, "once")
	m.reads(out, &m.once, "once", &m.Once, patient)
	rows := b.Microbatch("rows")
	rows.PState(&m.Batched, "batched")
	m.reads(rows, &m.batched, "batched", &m.Batched, patient)
	plain := b.Stream("plain")
	plain.PState(&m.Plain, "plain")
	module.DeclareTopicSource(plain, m.Letters, func(ev *module.Event, r module.TopicRecord[letter]) error {
		agg.Inc(ev, m.Plain.Key(r.Value.name()))
		return nil
	}, patient...)
}

// reads has a topology count the topic's letters behind a hop.
func (m *letterRelay) reads(of module.Topology, step *module.Step[letter], name string, counts *pstate.Map[string, int], options []module.SourceOption) {
	module.DeclareStep(of, step, name, module.At(counts, letter.name), func(ev *module.Event, l letter) error {
		agg.Inc(ev, counts.Key(l.name()))
		return nil
	})
	module.DeclareTopicSource(of, m.Letters, func(ev *module.Event, r module.TopicRecord[letter]) error {
		if string(r.Key) != r.Value.name() {
			return module.Park(fmt.Errorf("letter %s has the key %q", r.Value.name(), r.Key))
		}
		step.Send(ev, r.Value)
		return nil
	}, options...)
}

type topicsCase struct {
	m      letterRelay
	wishes int
}

func (c *topicsCase) Module() module.Module { return &c.m }

func (c *topicsCase) Append(a module.Appender, _ *rand.Rand, number int) error {
	c.wishes++
	_, err := c.m.Wishes.Append(context.Background(), a, letter{Number: number})
	return err
}

func (c *topicsCase) Acked(int, module.Acks) error { return nil }

func (c *topicsCase) Check(pstate.Reader, func(int) bool) error { return nil }

// checkRead holds what each topology has applied against what the topic has.
func (c *topicsCase) checkRead(topics map[string][]depot.Record, at []pstate.Reader, exact bool) error {
	var wrong []error
	written := map[string]int{}
	for _, r := range topics["post.letters"] {
		var l letter
		if err := json.Unmarshal(r.Value, &l); err != nil {
			return err
		}
		written[l.name()]++
	}
	for number := range c.wishes {
		for copied := range 1 + number%3 {
			name := letter{number, copied}.name()
			if n := written[name]; n < 1 || n > 1 && exact {
				wrong = append(wrong, fmt.Errorf("letter %s was written %d times", name, n))
			}
			for where, counts := range map[string]pstate.Map[string, int]{"out": c.m.Once, "rows": c.m.Batched, "plain": c.m.Plain} {
				sum := 0
				for _, r := range at {
					n, err := counts.Key(name).Get(r)
					if err != nil {
						wrong = append(wrong, err)
					}
					sum += n
				}
				if sum != written[name] {
					wrong = append(wrong, fmt.Errorf("%s applied letter %s %d times, and the topic has it %d times", where, name, sum, written[name]))
				}
			}
		}
	}
	return errors.Join(wrong...)
}
