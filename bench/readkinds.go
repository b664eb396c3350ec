package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/task"
)

// openPoints reads single counts: through the client, and as HGET.
func openPoints(s *servers, in *input, m module.Module, c *client.Client) (mine, bare readOne) {
	counts := m.(*counting).Counts
	mine = func(ctx context.Context, random *rand.Rand, seen map[string]int64) error {
		key := keyName(random.IntN(100_000))
		n, err := counts.Key(key).Get(c.At(ctx))
		if err != nil {
			return err
		}
		return grown(seen, key, n, in.fold[key])
	}
	bare = func(ctx context.Context, random *rand.Rand, seen map[string]int64) error {
		key := keyName(random.IntN(100_000))
		n, err := s.redis.HGet(ctx, in.table("p", task.Of([]byte(key), in.tasks)), key).Int64()
		if err != nil && !errors.Is(err, redis.Nil) {
			return err
		}
		return grown(seen, key, n, in.fold[key])
	}
	return mine, bare
}

// ranking is counting with counts that are kept in the order of their keys.
type ranking struct {
	name   string
	Clicks module.Depot[string]
	Counts pstate.SortedMap[string, int64]
}

func (m *ranking) ModuleName() string { return m.name }

func (m *ranking) Define(b *module.Builder) {
	module.HashDepot(b, &m.Clicks, "clicks", keyOf, module.Text())
	s := b.Stream("count")
	s.PState(&m.Counts, "counts")
	module.DeclareSource(s, m.Clicks, func(ev *module.Event, v string) error {
		agg.Inc(ev, m.Counts.Key(keyOf(v)))
		return nil
	}, module.StartFromBeginning())
}

func newRanking(name string) module.Module { return &ranking{name: name} }

// rangeLength is how many entries a range read brings.
const rangeLength = 100

// rangeByHand reads a range as one would write it by hand, of one moment as ours is.
var rangeByHand = redis.NewScript(`
local keys = redis.call('ZRANGEBYLEX', KEYS[1], ARGV[1], ARGV[2])
return {keys, redis.call('HMGET', KEYS[2], unpack(keys))}`)

// openRanges reads ranges of a sorted map, all of whose keys are there from the start: so each
// range has to be exactly the keys of the input between its bounds.
func openRanges(s *servers, in *input, m module.Module, c *client.Client) (mine, bare readOne) {
	counts, keys := m.(*ranking).Counts, in.sorted()
	mine = func(ctx context.Context, random *rand.Rand, seen map[string]int64) error {
		r, err := drawRange(random, in, keys)
		if err != nil {
			return err
		}
		at := 0
		for e, err := range counts.Range(c.AtTask(ctx, r.task), pstate.Between(r.keys[0], r.end)) {
			if err == nil {
				err = r.entry(at, e.Key, e.Val, seen)
			}
			if err != nil {
				return err
			}
			at++
		}
		return r.ended(at)
	}
	bare = func(ctx context.Context, random *rand.Rand, seen map[string]int64) error {
		r, err := drawRange(random, in, keys)
		if err != nil {
			return err
		}
		reply, err := rangeByHand.RunRO(ctx, s.redis, []string{in.table("i", r.task), in.table("p", r.task)}, "["+r.keys[0], "("+r.end).Slice()
		if err != nil {
			return err
		}
		fields, values := reply[0].([]any), reply[1].([]any)
		for at := range fields {
			n, err := strconv.ParseInt(fmt.Sprint(values[at]), 10, 64)
			if err == nil {
				err = r.entry(at, fields[at].(string), n, seen)
			}
			if err != nil {
				return err
			}
		}
		return r.ended(len(fields))
	}
	return mine, bare
}

// expected is a range of an input: the keys that a task has from the first of them up to, not
// including, an end.
type expected struct {
	in   *input
	task task.ID
	keys []string
	end  string
}

func drawRange(random *rand.Rand, in *input, keys [][]string) (*expected, error) {
	id := random.IntN(in.tasks)
	if len(keys[id]) <= rangeLength {
		return nil, fmt.Errorf("task %d has %d keys, a range has %d: more records are needed", id, len(keys[id]), rangeLength)
	}
	low := random.IntN(len(keys[id]) - rangeLength)
	return &expected{in, task.ID(id), keys[id][low : low+rangeLength], keys[id][low+rangeLength]}, nil
}

// entry voids a range whose entry at a place is another one than the input's: which holds its
// order and its bounds, too. Each count has begun at 1.
func (e *expected) entry(at int, key string, n int64, seen map[string]int64) error {
	if at >= len(e.keys) || key != e.keys[at] {
		return fmt.Errorf("task %d: entry %d of the range from %s to %s is %s", e.task, at, e.keys[0], e.end, key)
	}
	if n < 1 {
		return fmt.Errorf("%s has the count %d, and has begun at 1", key, n)
	}
	return grown(seen, key, n, e.in.fold[key]+1)
}

func (e *expected) ended(entries int) error {
	if entries != len(e.keys) {
		return fmt.Errorf("task %d: the range from %s to %s has %d entries, the input has %d", e.task, e.keys[0], e.end, entries, len(e.keys))
	}
	return nil
}

// sorted are the keys of each task, in order.
func (in *input) sorted() [][]string {
	keys := make([][]string, in.tasks)
	for k := range in.fold {
		id := task.Of([]byte(k), in.tasks)
		keys[id] = append(keys[id], k)
	}
	for _, k := range keys {
		slices.Sort(k)
	}
	return keys
}

// table is where a task has its counts ("p"), or their order ("i").
func (in *input) table(kind string, id task.ID) string {
	return "{" + task.Tag(in.module, id, in.tasks) + "}:" + kind + ":counts"
}
