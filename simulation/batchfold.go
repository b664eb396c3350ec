package simulation

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

type batchCase struct {
	m     blocking
	asked []blocked
	last  uint64
}

const batchKeys = 6

func (c *batchCase) Module() module.Module { return &c.m }

func (c *batchCase) Append(a module.Appender, r *rand.Rand, number int) error {
	v := blocked{Number: number, Key: fmt.Sprintf("k%d", r.IntN(batchKeys)), Hops: r.IntN(3) == 0}
	if r.IntN(3) > 0 {
		v.N = 1 + r.IntN(30)
	}
	switch r.IntN(12) {
	case 0:
		v.Fails = 1 + r.IntN(2)
	case 1:
		v.End = rejected
	case 2:
		v.End = parkedAside
	}
	c.asked = append(c.asked, v)
	_, err := c.m.Records.Append(context.Background(), a, v)
	return err
}

func (c *batchCase) Acked(int, module.Acks) error { return nil }

// Watch looks at the snapshot of each microbatch.
func (c *batchCase) Watch(s *State) error {
	r, id, err := s.Snapshot("batch")
	if err != nil || id == c.last {
		return err
	}
	c.last = id
	if _, err = c.fold(r); err != nil {
		return fmt.Errorf("the snapshot at microbatch %d: %w", id, err)
	}
	return nil
}

// Check sees that all records are in a microbatch.
func (c *batchCase) Check(r pstate.Reader, _ func(int) bool) error {
	in, err := c.fold(r)
	for i := range c.asked {
		// A record that sends its row on is in a microbatch whatever becomes of the row.
		if v := &c.asked[i]; (v.End == counted || v.Hops) != (in[i] > 0) {
			err = errors.Join(err, fmt.Errorf("record %d (%+v) is in microbatch %d", i, *v, in[i]))
		}
	}
	return err
}

// sums are what blocks have to say of records.
type sums struct {
	sold         map[string]tallied
	numbers      map[string][]int
	pairs, alone map[string]map[int]int
	blocks       map[int]map[string]int
}

// fold holds what the blocks have made against the records, by the microbatches in which they
// were.
func (c *batchCase) fold(r pstate.Reader) (in []int, err error) {
	fail := func(format string, args ...any) { err = errors.Join(err, fmt.Errorf(format, args...)) }
	in = make([]int, len(c.asked))
	last := 0
	for i := range c.asked {
		n, wrong := c.m.In.Key(c.asked[i].name()).Get(r)
		err = errors.Join(err, wrong)
		in[i] = n
		last = max(last, n)
	}
	want := c.sums(in, last)
	var scores []score
	for i := range batchKeys {
		key := fmt.Sprintf("k%d", i)
		sold, wrong := c.m.Sold.Key(key).Get(r)
		plain, wrong2 := c.m.Plain.Key(key).Get(r)
		if err = errors.Join(err, wrong, wrong2); sold != want.sold[key] || plain != want.sold[key] {
			fail("key %s: %+v in two phases, %+v in one, want %+v", key, sold, plain, want.sold[key])
		}
		for id := 1; id <= last; id++ {
			pairs, wrong := c.m.Pairs.Key(key).Key(id).Get(r)
			alone, wrong2 := c.m.Alone.Key(key).Key(id).Get(r)
			if err = errors.Join(err, wrong, wrong2); pairs != want.pairs[key][id] || alone != want.alone[key][id] {
				fail("key %s, microbatch %d: %d pairs and %d rows alone, want %d and %d", key, id, pairs, alone, want.pairs[key][id], want.alone[key][id])
			}
		}
		numbers, wrong := c.m.Numbers.Key(key).Get(r)
		slices.Sort(numbers)
		if err = errors.Join(err, wrong); !slices.Equal(numbers, want.numbers[key]) {
			fail("key %s has the records %v, want %v", key, numbers, want.numbers[key])
		}
		if sold.Sales > 0 {
			scores = append(scores, score{key, sold.Sold})
		}
		if text, there, wrong := c.m.Wrong.Key(key).Lookup(r); wrong != nil || there {
			fail("a handler saw at key %s: %s (error %v)", key, text, wrong)
		}
	}
	if text, there, wrong := c.m.Wrong.Key("rows").Lookup(r); wrong != nil || there {
		fail("a handler saw: %s (error %v)", text, wrong)
	}
	by := agg.Top(scoresMost, agg.Descending(score.sold))
	best := by.Zero()
	for _, s := range scores {
		best = by.Add(best, s)
	}
	top, wrong := c.m.Top.Get(r)
	if err = errors.Join(err, wrong); !sameScores(top, best) {
		fail("the first are %v, want %v", top, best)
	}
	for id := 1; id <= last; id++ {
		for _, what := range []string{"records", "groups", "kept"} {
			n, there, wrong := c.m.Blocks.Key(id).Key(what).Lookup(r)
			if err = errors.Join(err, wrong); n != want.blocks[id][what] || !there {
				fail("microbatch %d says that %s are %d (there: %t), want %d", id, what, n, there, want.blocks[id][what])
			}
		}
	}
	return in, err
}

// sameScores compares what was sold: of keys that have sold as much, either may be there.
func sameScores(have, want []score) bool {
	sold := func(all []score) (n []int) {
		for _, s := range all {
			n = append(n, s.Sold)
		}
		return n
	}
	return reflect.DeepEqual(sold(have), sold(want))
}

// sums folds the records.
func (c *batchCase) sums(in []int, last int) sums {
	s := sums{sold: map[string]tallied{}, numbers: map[string][]int{}, pairs: map[string]map[int]int{}, alone: map[string]map[int]int{}, blocks: map[int]map[string]int{}}
	type side struct {
		key string
		id  int
	}
	sales, visits, sold := map[side]int{}, map[side]int{}, map[side]int{}
	for i := range c.asked {
		v := &c.asked[i]
		if in[i] == 0 || v.End != counted {
			continue
		}
		at := side{v.Key, in[i]}
		s.numbers[v.Key] = append(s.numbers[v.Key], v.Number)
		if v.N == 0 {
			visits[at]++
		} else {
			t := s.sold[v.Key]
			s.sold[v.Key] = tallied{t.Sales + 1, t.Sold + v.N}
			sales[at]++
			sold[at] += v.N
		}
	}
	for id := 1; id <= last; id++ {
		s.blocks[id] = map[string]int{}
		for k := range batchKeys {
			at := side{fmt.Sprintf("k%d", k), id}
			if s.pairs[at.key] == nil {
				s.pairs[at.key], s.alone[at.key] = map[int]int{}, map[int]int{}
			}
			s.pairs[at.key][id] = sales[at] * visits[at]
			if s.pairs[at.key][id] == 0 {
				s.alone[at.key][id] = sales[at] + visits[at]
			}
			s.blocks[id]["records"] += sales[at] + visits[at]
			s.blocks[id]["kept"] += sold[at]
			if sales[at] > 0 {
				s.blocks[id]["groups"]++
			}
		}
	}
	return s
}
