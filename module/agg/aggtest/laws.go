// Package aggtest checks the laws of aggregators, in the tests of those who write them.
//
//	func TestLongest(t *testing.T) {
//		aggtest.Check(t, longest, func(r *rand.Rand) string { return words[r.IntN(len(words))] })
//	}
package aggtest

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/coppice-run/coppice/internal/codec"
	"github.com/coppice-run/coppice/module/agg"
)

// Laws are what is checked beside the laws that every aggregator has to keep.
type Laws[A any] struct {
	// Commutes: the order of the parts means nothing. What batch blocks give out then is the
	// same, whichever task's values arrive first.
	Commutes bool
	// Equal says when two results are the same; nil: when their stored forms are. Sums of
	// floating-point numbers need one.
	Equal func(a, b A) bool
	// Runs is how many generated cases are tried; 0: 200.
	Runs int
	// Seed chooses them.
	Seed uint64
}

// Check fails the test where the aggregator breaks a law; value makes values to try. The
// laws are those of agg.Accumulator:
//
//   - associative: parts may be merged in any grouping, and in parts gives what all at once does;
//   - identity: a Zero changes nothing (a combiner with a Start value breaks it, on purpose);
//   - round trip: a result survives its stored form;
//   - deterministic: the same values give the same result.
//
// The first two hold for aggregators that merge. The case that it shows is the smallest
// that it has met.
func Check[V, A any](t testing.TB, by agg.Aggregator[V, A], value func(*rand.Rand) V, laws ...Laws[A]) {
	t.Helper()
	if err := Verify(by, value, laws...); err != nil {
		t.Error(err)
	}
}

// A BrokenLaw says which law an aggregator breaks, and how.
type BrokenLaw struct {
	Law  string // "associative", "identity", "round trip", "deterministic", "commutes", "usable"
	Case string
}

func (e *BrokenLaw) Error() string { return fmt.Sprintf("the aggregator is not %s: %s", e.Law, e.Case) }

// Verify is Check outside of a test: it returns a *BrokenLaw, or nil.
func Verify[V, A any](by agg.Aggregator[V, A], value func(*rand.Rand) V, laws ...Laws[A]) error {
	c := checker[V, A]{a: by.Accumulator()}
	if len(laws) > 0 {
		c.laws = laws[0]
	}
	if !c.a.Valid() {
		return &BrokenLaw{"usable", "it has no Add (or Combine), or neither Zero nor Lift"}
	}
	var err error
	if c.values, err = codec.JSON[V](); err != nil {
		return &BrokenLaw{"round trip", "values: " + err.Error()}
	}
	if c.results, err = codec.JSON[A](); err != nil {
		return &BrokenLaw{"round trip", "results: " + err.Error()}
	}
	runs := c.laws.Runs
	if runs == 0 {
		runs = 200
	}
	random := rand.New(rand.NewPCG(c.laws.Seed, 1))
	var worst *BrokenLaw
	smallest := 0
	for i := range runs {
		all := make([]V, min(i, random.IntN(10)))
		for j := range all {
			all[j] = value(random)
		}
		if worst != nil && len(all) >= smallest {
			continue
		}
		first, second := cut(random, len(all))
		if broken := c.try(all[:first], all[first:second], all[second:]); broken != nil {
			worst, smallest = broken, len(all)
		}
	}
	if worst != nil {
		return worst
	}
	return nil
}

func cut(random *rand.Rand, n int) (first, second int) {
	first, second = random.IntN(n+1), random.IntN(n+1)
	return min(first, second), max(first, second)
}

type checker[V, A any] struct {
	a       agg.Accumulator[V, A]
	laws    Laws[A]
	values  codec.Codec[V]
	results codec.Codec[A]
}

// part is what some values make; there is false where that is nothing.
type part[A any] struct {
	a     A
	there bool
}

// try holds the laws against one case of values in three parts.
func (c *checker[V, A]) try(x, y, z []V) *BrokenLaw {
	all := slices.Concat(x, y, z)
	whole := c.part(all)
	if again := c.part(all); !c.same(whole, again) {
		return c.broken("deterministic", [][]V{all}, whole, again)
	}
	if back, err := c.back(whole); err != nil {
		return &BrokenLaw{"round trip", fmt.Sprintf("the result of %v: %v", all, err)}
	} else if !c.same(whole, back) {
		return c.broken("round trip", [][]V{all}, whole, back)
	}
	if c.a.Merge == nil {
		return nil
	}
	left := c.merge(c.merge(c.part(x), c.part(y)), c.part(z))
	right := c.merge(c.part(x), c.merge(c.part(y), c.part(z)))
	if !c.same(left, right) {
		return c.broken("associative", [][]V{x, y, z}, left, right)
	}
	if !c.same(whole, left) {
		return c.broken("associative", [][]V{x, y, z}, whole, left)
	}
	if c.a.Zero != nil {
		none := func() part[A] { return part[A]{c.a.Zero(), true} }
		for _, with := range []part[A]{c.merge(none(), c.whole(all)), c.merge(c.whole(all), none())} {
			if plain := c.whole(all); !c.same(plain, with) {
				return c.broken("identity", [][]V{all}, plain, with)
			}
		}
	}
	if c.laws.Commutes {
		if one, other := c.merge(c.part(x), c.part(y)), c.merge(c.part(y), c.part(x)); !c.same(one, other) {
			return c.broken("commutes", [][]V{x, y}, one, other)
		}
	}
	return nil
}

func (c *checker[V, A]) broken(law string, of [][]V, one, other part[A]) *BrokenLaw {
	return &BrokenLaw{law, fmt.Sprintf("%v gives %s and %s", of, c.text(one), c.text(other))}
}

// part takes values into a result of their own; it gets copies of them.
func (c *checker[V, A]) part(values []V) (p part[A]) {
	for i := range values {
		v := c.copy(values[i])
		if p.there {
			p.a = c.a.Add(p.a, v)
		} else {
			p = part[A]{c.a.Part(v), true}
		}
	}
	return p
}

// whole is part, and Zero of no values.
func (c *checker[V, A]) whole(values []V) part[A] {
	if len(values) == 0 {
		return part[A]{c.a.Zero(), true}
	}
	return c.part(values)
}

func (c *checker[V, A]) merge(a, b part[A]) part[A] {
	switch {
	case !a.there:
		return b
	case !b.there:
		return a
	}
	return part[A]{c.a.Merge(a.a, b.a), true}
}

func (c *checker[V, A]) copy(v V) (out V) {
	raw, err := c.values.Append(nil, &v)
	if err == nil {
		err = c.values.Decode(raw, &out)
	}
	if err != nil {
		panic(fmt.Sprintf("the value %v does not survive its stored form: %v", v, err))
	}
	return out
}

func (c *checker[V, A]) back(p part[A]) (out part[A], err error) {
	if !p.there {
		return p, nil
	}
	raw, err := c.results.Append(nil, &p.a)
	if err == nil {
		err = c.results.Decode(raw, &out.a)
	}
	out.there = true
	return out, err
}

// same compares what a batch block would give out.
func (c *checker[V, A]) same(a, b part[A]) bool {
	if !a.there || !b.there {
		return a.there == b.there
	}
	if c.a.Finish != nil {
		a, _ = c.back(a)
		b, _ = c.back(b)
		a.a, b.a = c.a.Finish(a.a), c.a.Finish(b.a)
	}
	if c.laws.Equal != nil {
		return c.laws.Equal(a.a, b.a)
	}
	one, err1 := c.results.Append(nil, &a.a)
	other, err2 := c.results.Append(nil, &b.a)
	return err1 == nil && err2 == nil && bytes.Equal(one, other)
}

func (c *checker[V, A]) text(p part[A]) string {
	if !p.there {
		return "nothing"
	}
	raw, err := c.results.Append(nil, &p.a)
	if err != nil {
		return fmt.Sprint(p.a)
	}
	return string(raw)
}
