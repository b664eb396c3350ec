package flow_test

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/module/flow"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/task"
)

type number = flow.Var[int]

func plus(by int) func(int) int { return func(n int) int { return n + by } }

// promise 3.10: operations with none, one and several outputs, and those that give many.
func TestEach(t *testing.T) {
	t.Parallel()
	expect(t, 7, func(m *script, b *flow.Block, v number) {
		one := flow.Each(b, flow.F1(plus(1), v))
		tens, ones := flow.Expand2(b, func(n int) (int, int) { return n / 10, n % 10 }, flow.F2(func(a, b int) int { return a*10 + b }, v, one))
		m.say(b, flow.F3(func(a, b, c int) string { return fmt.Sprint(a, b, c) }, one, tens, ones))
		tried := flow.Try2(b, func(_ *module.Event, a, b int) (int, error) { return a * b, nil }, tens, ones)
		m.sayNumber(b, tried)
		i, word := flow.ExplodeIndexed(b, flow.Const([]string{"x", "y"}))
		m.say(b, flow.F2(func(i int, w string) string { return fmt.Sprint(i, w) }, i, word))
	}, "8 7 8", "56", "0x", "1y")
}

// promise 3.36: a range is half open; what is behind it runs once for each number.
func TestManyOutputs(t *testing.T) {
	t.Parallel()
	expect(t, 2, func(m *script, b *flow.Block, v number) {
		i := flow.Range(b, flow.Const(0), v)
		n := flow.ExplodeSeq(b, flow.F1(func(i int) iter.Seq[int] {
			return func(yield func(int) bool) { _ = yield(10*i) && yield(10*i+1) }
		}, i))
		m.sayNumber(b, n)
		key, of := flow.ExplodeMap(b, flow.Const(map[string]int{"b": 2, "a": 1}))
		m.say(b, flow.F2(func(k string, n int) string { return fmt.Sprint(k, n) }, key, of))
	}, "0", "a1", "b2", "1", "a1", "b2", "10", "a1", "b2", "11", "a1", "b2")
}

// promise 3.12, promise 3.13, promise 3.23: the flow goes on behind a condition either way,
// on another event where one of the ways has hopped.
func TestConditions(t *testing.T) {
	t.Parallel()
	build := func(m *script, b *flow.Block, v number) {
		word := flow.Declare[string](b)
		flow.IfElse(b, flow.Less(v, flow.Const(5)), func(b *flow.Block) {
			flow.HopStay(b, flow.Named("hop"))
			flow.Assign(b, word, flow.Const("small"))
		}, func(b *flow.Block) {
			flow.Assign(b, word, flow.Const("large"))
		})
		flow.IfTrue(b, flow.Or(flow.Equal(v, flow.Const(3)), flow.Equal(v, flow.Const(9))), func(b *flow.Block) { m.sayText(b, "odd") })
		flow.Cond(b,
			flow.When(flow.Less(v, flow.Const(4)), func(b *flow.Block) { m.sayText(b, "first") }),
			flow.When(flow.Less(v, flow.Const(6)), func(b *flow.Block) { m.sayText(b, "second"); flow.Stop(b) }))
		m.say(b, word)
		flow.KeepTrue(b, flow.Not(flow.Equal(v, flow.Const(9))))
		m.sayText(b, "end")
	}
	expect(t, 3, build, "odd", "first", "small", "end")
	expect(t, 5, build, "second")
	expect(t, 8, build, "large", "end")
	expect(t, 9, build, "odd", "large")
}

// promise 3.23: branches each run, those in one event in order; what comes together runs
// once for each.
func TestBranchesAndUnify(t *testing.T) {
	t.Parallel()
	expect(t, 1, func(m *script, b *flow.Block, v number) {
		root := b.Anchor()
		flow.Branch(b, func(b *flow.Block) { m.sayText(b, "branch") })
		first := flow.Each(b, flow.Const("first"))
		from := flow.Declare[string](b)
		flow.Assign(b, from, first)

		other := root.Hook()
		flow.HopStay(other, flow.Named("other"))
		flow.Assign(other, from, flow.Const("second"))

		b = flow.Unify(b, other)
		m.say(b, from)
		m.sayNumber(b, v)
	}, "branch", "first", "1", "second", "1")
}

// What comes behind an atomic block runs once, when all is done that the block does in
// the event; what it does behind hops comes later.
func TestAtomicBlock(t *testing.T) {
	t.Parallel()
	expect(t, 3, func(m *script, b *flow.Block, v number) {
		flow.AtomicBlock(b, func(b *flow.Block) {
			i := flow.Range(b, flow.Const(0), v)
			m.sayNumber(b, i)
			flow.HopStay(b, flow.Named("hop"))
			m.say(b, flow.F1(func(i int) string { return fmt.Sprint("late ", i) }, i))
		})
		m.sayText(b, "behind")
	}, "0", "1", "2", "behind", "late 0", "late 1", "late 2")
}

// promise 3.23: a loop within one event; it emits as often as it is asked to.
func TestLoop(t *testing.T) {
	t.Parallel()
	expect(t, 4, func(m *script, b *flow.Block, v number) {
		out := flow.Declare[int](b)
		flow.LoopWith(b, v, func(l flow.Loop[int], b *flow.Block, i number) {
			flow.Branch(b, func(b *flow.Block) {
				flow.KeepTrue(b, flow.Equal(flow.F1(func(n int) int { return n % 2 }, i), flow.Const(0)))
				flow.Assign(b, out, i)
				l.Emit(b)
			})
			flow.Branch(b, func(b *flow.Block) {
				flow.KeepTrue(b, flow.Less(flow.Const(0), i))
				l.Continue(b, flow.F1(plus(-1), i))
			})
			m.say(b, flow.F1(func(i int) string { return fmt.Sprint("body ", i) }, i)) // i is still this turn's
		})
		m.sayNumber(b, out)
	}, "4", "body 4", "body 3", "2", "body 2", "body 1", "0", "body 0")
}

// promise 3.13, promise 3.23: a loop with a partitioner in it, and one within it: each turn
// keeps its variables, although several turns that began in one event are under way.
func TestLoopsOverHops(t *testing.T) {
	t.Parallel()
	expect(t, 2, func(m *script, b *flow.Block, v number) {
		flow.LoopWith(b, v, func(outer flow.Loop[int], b *flow.Block, i number) {
			flow.LoopWith2(b, flow.Const(0), flow.Const("."), func(inner flow.Loop2[int, string], b *flow.Block, j number, dots flow.Var[string]) {
				flow.HopStay(b, flow.Named("turn"))
				m.say(b, flow.F3(func(i, j int, dots string) string { return fmt.Sprint(i, dots, j) }, i.Label("i"), j.Label("j"), dots))
				flow.Branch(b, func(b *flow.Block) {
					flow.KeepTrue(b, flow.And(flow.Equal(j, flow.Const(0)), flow.Less(flow.Const(1), i)))
					outer.Continue(b, flow.F1(plus(-1), i))
				})
				flow.KeepTrue(b, flow.Less(j, flow.Const(2)))
				inner.Continue(b, flow.F1(plus(1), j), flow.F1(func(d string) string { return d + "." }, dots))
			})
		})
	}, "2.0", "1.0", "2..1", "1..1", "2...2", "1...2")
}

// A loop may have very many turns in one event: they are not nested.
func TestALongLoop(t *testing.T) {
	t.Parallel()
	expect(t, 200_000, func(m *script, b *flow.Block, v number) {
		out := flow.Declare[int](b)
		flow.LoopWith2(b, v, flow.Const(0), func(l flow.Loop2[int, int], b *flow.Block, i, sum number) {
			flow.IfElse(b, flow.Equal(i, flow.Const(0)), func(b *flow.Block) {
				flow.Assign(b, out, sum)
				l.Emit(b)
			}, func(b *flow.Block) {
				l.Continue(b, flow.F1(plus(-1), i), flow.F2(func(a, b int) int { return a + b }, i, sum))
			})
		})
		m.sayNumber(b, out)
	}, "20000100000")
}

// Each partitioner leads to a task of the module; what is behind HopAll runs on each.
func TestHops(t *testing.T) {
	t.Parallel()
	expect(t, 1, func(m *script, b *flow.Block, v number) {
		flow.HopByHash(b, v, flow.Named("hash"))
		flow.HopGlobal(b, flow.Named("global"))
		flow.HopShuffle(b, flow.Named("shuffle"))
		flow.HopTo(b, flow.F0((*module.Event).Task), flow.Named("to"))
		flow.HopCustom(b, func(n, tasks int) int { return n % tasks }, v, flow.Named("custom"))
		flow.HopAll(b, flow.Named("all"))
		flow.HopAt(b, &m.Said, flow.Const("all"), flow.Named("at"))
		m.sayNumber(b, v)
	}, "1")
}

// A hop may carry nothing.
func TestAHopThatCarriesNothing(t *testing.T) {
	t.Parallel()
	expect(t, 1, func(m *script, b *flow.Block, v number) {
		flow.HopStay(b, flow.Named("empty"))
		m.sayText(b, "there")
		told := flow.EachAsync(b, func(_ context.Context, word string) (string, error) { return word + "!", nil }, flow.Const("told"), flow.Named("tell"))
		m.say(b, told)
	}, "there", "told!")
}

// promise 3.11: values and parts of values are read, written, aggregated.
func TestState(t *testing.T) {
	t.Parallel()
	expect(t, 5, func(m *script, b *flow.Block, v number) {
		a := flow.Key(&m.Counts, flow.Const("a"))
		m.sayNumber(b, flow.Agg(b, a, flow.Count[int]()))
		m.sayNumber(b, flow.Agg(b, a, flow.Sum(v)))
		m.sayNumber(b, flow.Agg(b, a, flow.Max(flow.Const(3))))
		m.sayNumber(b, flow.Agg(b, a, flow.Min(flow.Const(4))))
		m.sayNumber(b, flow.Agg(b, a, flow.Combine(agg.Last[int](), v)))
		m.sayNumber(b, flow.Agg(b, a, flow.Accumulate(func(have int, word string) int { return have + len(word) }, flow.Const("four"))))
		m.sayNumber(b, flow.Update(b, a, func(have, by int) int { return have * by }, v))
		flow.Set(b, flow.Key(&m.Counts, flow.Const("b")), v)
		m.sayNumber(b, flow.Get(b, flow.Key(&m.Counts, flow.Const("b"))))
		flow.Delete(b, flow.Key(&m.Counts, flow.Const("b")))
		_, there := flow.Lookup(b, flow.Key(&m.Counts, flow.Const("b")))
		m.say(b, flow.F1(func(there bool) string { return fmt.Sprint(there) }, there))
	}, "1", "6", "6", "4", "5", "9", "45", "5", "false")
}

// promise 3.11: several values beneath one key are aggregated at once.
func TestCompoundAgg(t *testing.T) {
	t.Parallel()
	expect(t, 3, func(m *script, b *flow.Block, v number) {
		flow.AtomicBlock(b, func(b *flow.Block) {
			i := flow.Range(b, flow.Const(0), v)
			flow.CompoundAgg(b, flow.Key(&m.Tallies, flow.Const("k")),
				flow.Into(func(t tally) pstate.Value[int] { return t.Times }, flow.Count[int]()),
				flow.Into(func(t tally) pstate.Value[int] { return t.Largest }, flow.Max(flow.F1(plus(10), i))))
		})
		field := func(f func(tally) pstate.Value[int]) flow.Expr[pstate.Value[int]] {
			return flow.F1(f, flow.Key(&m.Tallies, flow.Const("k")))
		}
		m.sayNumber(b, flow.Get(b, field(func(t tally) pstate.Value[int] { return t.Times })))
		m.sayNumber(b, flow.Get(b, field(func(t tally) pstate.Value[int] { return t.Largest })))
	}, "3", "12")
}

// Selects and transforms along paths, here and at the task of a key.
func TestPaths(t *testing.T) {
	t.Parallel()
	expect(t, 2, func(m *script, b *flow.Block, v number) {
		path := func(key flow.Expr[string]) flow.Expr[nav.Path[nav.Root, string, nav.Value]] {
			return flow.Path(func(key string) nav.Path[nav.Root, string, nav.Value] { return nav.All(nav.From(m.Said.Key(key))) }, key)
		}
		flow.AtomicBlock(b, func(b *flow.Block) {
			i := flow.Range(b, flow.Const(0), v)
			m.sayNumber(b, i)
		})
		flow.LocalTransform(b, path(flow.Const("all")), func(have string, by int) string { return have + strings.Repeat("!", by) }, v)
		count := flow.LocalSelectAll(b, path(flow.Const("all")))
		text := flow.Select(b, &m.Said, flow.Const("all"), path(flow.Const("all")), flow.Named("select"))
		flow.KeepTrue(b, flow.Equal(text, flow.Const("1!!")))
		m.say(b, flow.F2(func(all []string, text string) string { return fmt.Sprint(all, text) }, count, text))
		counter := flow.Path(func(key string) nav.Path[nav.Root, int, nav.Value] { return nav.Key(nav.From(m.Counts), key) }, text)
		flow.LocalSet(b, counter, v)
		m.sayNumber(b, flow.LocalSelect(b, counter))
		flow.LocalDelete(b, counter)
		_, there := flow.Lookup(b, flow.Key(&m.Counts, text))
		m.say(b, flow.F1(func(there bool) string { return fmt.Sprint(there) }, there))
	}, "0!!", "1!!", "[0!! 1!!]1!!", "2", "false")
}

// Appends to depots leave with the commit, and are processed by whoever reads them.
func TestAppends(t *testing.T) {
	t.Parallel()
	expect(t, 2, func(m *script, b *flow.Block, v number) {
		flow.AppendTo(b, m.Others, flow.F0((*module.Event).Task), flow.F1(func(n int) string { return strings.Repeat("x", n) }, v))
		m.sayText(b, "before")
		flow.Append(b, m.Others, flow.Const("y"))
	}, "before", "xx", "y")
}

// A flow and a handler have a step in common.
func TestSend(t *testing.T) {
	t.Parallel()
	got := said(t, 2, func(m *script, b *flow.Block, v number) {
		i := flow.Range(b, flow.Const(0), v)
		flow.Send(b, &m.common, flow.F1(plus(5), i))
		m.sayNumber(b, i)
	})
	if want := []string{"0", "1", "common 5", "common 6"}; !slices.Equal(got, want) {
		t.Errorf("said %q, want %q", got, want)
	}
}

// A call to the outside takes the live variables along, and what is behind it has its
// result.
func TestEachAsync(t *testing.T) {
	t.Parallel()
	expect(t, 6, func(m *script, b *flow.Block, v number) {
		kept := flow.Each(b, flow.Const("kept"))
		squared := flow.EachAsync(b, func(_ context.Context, n int) (int, error) { return n * n, nil }, v, flow.Named("square"))
		m.say(b, flow.F2(func(n int, s string) string { return fmt.Sprint(n, s) }, squared, kept))
	}, "36kept")
}

// What fails says so: an error of a function fails the event, and the record is tried
// again from its root.
func TestFailures(t *testing.T) {
	t.Parallel()
	got := said(t, 1, func(m *script, b *flow.Block, v number) {
		m.sayText(b, "begun")
		flow.Do1(b, func(ev *module.Event, _ int) error {
			if ev.Attempt() < 3 {
				return fmt.Errorf("attempt %d", ev.Attempt())
			}
			return nil
		}, v)
		m.sayText(b, "done")
	})
	if want := []string{"begun", "done"}; !slices.Equal(got, want) {
		t.Errorf("said %q, want %q", got, want)
	}
}

// A task that a function chooses and that there is not fails the event.
func TestAWrongTask(t *testing.T) {
	t.Parallel()
	got := said(t, 1, func(m *script, b *flow.Block, v number) {
		flow.Branch(b, func(b *flow.Block) {
			flow.KeepTrue(b, flow.Equal(flow.F0((*module.Event).Attempt), flow.Const(1)))
			flow.HopTo(b, flow.Const(task.ID(7)))
		})
		flow.Branch(b, func(b *flow.Block) {
			flow.KeepTrue(b, flow.Equal(flow.F0((*module.Event).Attempt), flow.Const(2)))
			flow.HopCustom(b, func(n, tasks int) int { return n + tasks }, v)
		})
		m.say(b, flow.F0(func(ev *module.Event) string { return fmt.Sprint("attempt ", ev.Attempt()) }))
	})
	if want := []string{"attempt 3"}; !slices.Equal(got, want) {
		t.Errorf("said %q, want %q", got, want)
	}
}

// promise 13.01, promise 13.04: every aggregator and compound of package agg aggregates into
// PStates; what becomes void leaves them.
func TestAggregatorsOfPackageAgg(t *testing.T) {
	t.Parallel()
	name := func(n int) string { return fmt.Sprint("n", n%2) }
	expect(t, 3, func(m *script, b *flow.Block, v number) {
		i := flow.Range(b, flow.Const(0), v)
		key := flow.Each(b, flow.F1(name, i))
		sum := flow.Agg(b, flow.Key(&m.Counts, key), flow.By(agg.Sum[int]().VoidIf(func(n int) bool { return n == 0 }), i))
		flow.CompoundBy(b, flow.Of(&m.Counts), agg.Key(func(n int) string { return "all " + name(n) }, agg.Leaf(agg.Largest[int]())), i)
		_, there := flow.Lookup(b, flow.Key(&m.Counts, key))
		most := flow.Get(b, flow.Key(&m.Counts, flow.F1(func(k string) string { return "all " + k }, key)))
		m.say(b, flow.F4(func(k string, sum int, there bool, most int) string { return fmt.Sprint(k, sum, there, most) }, key, sum, there, most))
	}, "n00 false 0", "n11 true 1", "n02 true 2")
}
