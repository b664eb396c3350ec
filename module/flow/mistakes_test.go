package flow_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/module/flow"
	"github.com/coppice-run/coppice/pstate"
)

type declared struct{ define func(*module.Builder) }

func (m *declared) Define(b *module.Builder) { m.define(b) }

// mistakesOf declares a module and returns what is wrong with it.
func mistakesOf(t *testing.T, define func(*module.Builder)) []module.Mistake {
	t.Helper()
	_, err := module.Compile(&declared{define})
	var wrong *module.DefinitionError
	if err != nil && !errors.As(err, &wrong) {
		t.Fatal(err)
	}
	if wrong == nil {
		return nil
	}
	return wrong.Mistakes
}

type animal interface{ Sound() string }
type cat struct{ Name string }
type dog struct{ Name string }

func (cat) Sound() string { return "meow" }
func (dog) Sound() string { return "woof" }

func hear(_ *module.Event, _ string) error { return nil }

// promise 3.05, promise 3.22: what the compiler does not see is said when the module is
// declared, with the line that has it and what to do; batch blocks among it.
func TestMistakes(t *testing.T) {
	t.Parallel()
	var kept number // a variable that escapes its source
	for name, c := range map[string]struct {
		build   func(b *flow.Block, v flow.Var[string])
		options []module.StreamOption
		want    string
	}{
		"batch block": {func(b *flow.Block, v flow.Var[string]) { flow.BatchBlock(b, "words", func(*flow.Block) {}) }, nil,
			"flow.BatchBlock: batch blocks are not for streams: each record is processed by itself; aggregate per key"},
		"zero variable": {func(b *flow.Block, v flow.Var[string]) { flow.Do1(b, hear, flow.Var[string]{}) }, nil,
			"flow.Do1: uses a variable that no operation has given; use what an operation returns"},
		"variable of one branch": {func(b *flow.Block, v flow.Var[string]) {
			word := flow.Declare[string](b)
			flow.IfTrue(b, flow.Equal(v, flow.Const("a")), func(b *flow.Block) { flow.Assign(b, word, v) })
			flow.Do1(b, hear, word)
		}, nil, "flow.Do1: uses a variable that is not set on every way there, given at flow/mistakes_test.go:"},
		"variable set twice": {func(b *flow.Block, v flow.Var[string]) {
			word := flow.Declare[string](b)
			flow.IfTrue(b, flow.Equal(v, flow.Const("a")), func(b *flow.Block) { flow.Assign(b, word, v) })
			flow.Assign(b, word, v)
		}, nil, "flow.Assign: sets a variable that is set already, given at"},
		"no variable": {func(b *flow.Block, v flow.Var[string]) { flow.Assign(b, flow.Var[string]{}, v) }, nil,
			"flow.Assign: assigns to no variable; declare it"},
		"outer block": {func(b *flow.Block, v flow.Var[string]) {
			flow.IfTrue(b, flow.Equal(v, flow.Const("a")), func(*flow.Block) { flow.Do1(b, hear, v) })
		}, nil, "flow.Do1: is put into the block outside; within a condition"},
		"never reached": {func(b *flow.Block, v flow.Var[string]) { flow.Stop(b); flow.Do1(b, hear, v) }, nil,
			"flow.Do1: is never reached: each way there has ended"},
		"branch never reached": {func(b *flow.Block, v flow.Var[string]) {
			flow.Stop(b)
			flow.Branch(b, func(b *flow.Block) { flow.Do1(b, hear, v) })
		}, nil, "flow.Branch: is never reached"},
		"nil function": {func(b *flow.Block, v flow.Var[string]) { flow.Each(b, flow.F1[string, int](nil, v)) }, nil,
			"flow.Each: has no function; pass a func(string) int"},
		"nil operation": {func(b *flow.Block, v flow.Var[string]) { flow.Do1(b, nil, v) }, nil,
			"flow.Do1: has no function; pass a func(*module.Event, string) error"},
		"nil expression": {func(b *flow.Block, v flow.Var[string]) { flow.Each[string](b, nil) }, nil,
			"flow.Each: has a nil expression; pass a variable"},
		"nil branch": {func(b *flow.Block, v flow.Var[string]) { flow.IfTrue(b, flow.Const(true), nil) }, nil,
			"flow.IfTrue: has no function; pass a func(*flow.Block)"},
		"nil loop": {func(b *flow.Block, v flow.Var[string]) { flow.LoopWith(b, v, nil) }, nil,
			"flow.LoopWith: has no function; pass a func(flow.Loop[string], *flow.Block, flow.Var[string])"},
		"nil loop of two": {func(b *flow.Block, v flow.Var[string]) { flow.LoopWith2(b, v, flow.Const(1), nil) }, nil,
			"flow.LoopWith: has no function; pass a func(flow.Loop2[string, int], *flow.Block, flow.Var[string], flow.Var[int])"},
		"case behind otherwise": {func(b *flow.Block, v flow.Var[string]) {
			flow.Cond(b, flow.Otherwise(func(*flow.Block) {}), flow.When(flow.Const(true), func(*flow.Block) {}))
		}, nil, "flow.Cond: has cases behind Otherwise, which are never taken; put Otherwise last"},
		"dispatch of a type": {func(b *flow.Block, v flow.Var[string]) {
			flow.Dispatch(b, v, flow.OnOther[string](func(*flow.Block) {}))
		}, nil, "flow.Dispatch: is of string, which is one type; dispatch values of an interface"},
		"case of another type": {func(b *flow.Block, v flow.Var[string]) {
			a := flow.Each(b, flow.Const[animal](cat{}))
			flow.Dispatch(b, a, flow.On[animal](func(*flow.Block, number) {}))
		}, nil, "flow.Dispatch: has a case for int, which is no flow_test.animal; leave the case out"},
		"two cases": {func(b *flow.Block, v flow.Var[string]) {
			a := flow.Each(b, flow.Const[animal](cat{}))
			flow.Dispatch(b, a, flow.On[animal](func(*flow.Block, flow.Var[cat]) {}), flow.On[animal](func(*flow.Block, flow.Var[cat]) {}))
		}, nil, "flow.Dispatch: has two cases for one type; leave the second one out"},
		"interface travels": {func(b *flow.Block, v flow.Var[string]) {
			a := flow.Each(b, flow.Const[animal](cat{}))
			flow.HopStay(b)
			flow.Each(b, flow.F1(animal.Sound, a))
		}, nil, "flow.HopStay: carries the variable that flow/mistakes_test.go:"},
		"continue outside": {func(b *flow.Block, v flow.Var[string]) {
			var loop flow.Loop[string]
			flow.LoopWith(b, v, func(l flow.Loop[string], b *flow.Block, v flow.Var[string]) { loop = l; l.Emit(b) })
			loop.Continue(b, flow.Const("again"))
		}, nil, "flow.Continue: is put behind its loop; continue and emit within the body"},
		"hop name twice": {func(b *flow.Block, v flow.Var[string]) {
			flow.HopStay(b, flow.Named("h"))
			flow.HopStay(b, flow.Named("h"))
		}, nil, `step "h": declared twice; give each step a name of its own`},
		"hop at no PState": {func(b *flow.Block, v flow.Var[string]) {
			var counts pstate.Map[string, int]
			flow.HopAt(b, &counts, v, flow.Named("h"))
		}, nil, `step "h": is placed at a PState that is not declared; declare it with Stream.PState`},
		"undeclared PState": {func(b *flow.Block, v flow.Var[string]) {
			var counts pstate.Map[string, int]
			flow.Agg(b, flow.Key(&counts, v), flow.Count[int]())
		}, nil, "flow.Agg: leads into a PState that is not declared; declare it"},
		"hop at a nil PState": {func(b *flow.Block, v flow.Var[string]) { flow.HopAt(b, (*pstate.Map[string, int])(nil), v) }, nil,
			`step "words-1": is placed at a PState whose handle is nil; pass the address`},
		"nil PState": {func(b *flow.Block, v flow.Var[string]) { flow.Get(b, flow.Key((*pstate.Map[string, int])(nil), v)) }, nil,
			"flow.Get: leads into a PState that is not declared"},
		"nil value": {func(b *flow.Block, v flow.Var[string]) { flow.Get(b, flow.OfValue[int](nil)) }, nil,
			"flow.Get: leads into a PState that is not declared"},
		"nil option": {func(b *flow.Block, v flow.Var[string]) { flow.HopStay(b, nil) }, nil,
			"flow.HopStay: its option 0 is nil; leave it out"},
		"undeclared ack": {func(b *flow.Block, v flow.Var[string]) { flow.AckReturn(b, module.Ack[string]{}, v) }, nil,
			"flow.AckReturn: returns an ack that is not declared; declare it before"},
		"undeclared depot": {func(b *flow.Block, v flow.Var[string]) { flow.Append(b, module.Depot[string]{}, v) }, nil,
			"flow.Append: appends to a depot that is not declared"},
		"undeclared step": {func(b *flow.Block, v flow.Var[string]) { flow.Send(b, &module.Step[string]{}, v) }, nil,
			"flow.Send: sends to a step that this topology does not declare; declare it"},
		"undeclared topic": {func(b *flow.Block, v flow.Var[string]) { flow.Write(b, module.Topic[string]{}, v) }, nil,
			"flow.Write: writes to a topic that is not declared"},
		"aggregator of nothing": {func(b *flow.Block, v flow.Var[string]) {
			var counts pstate.Map[string, int]
			flow.Agg(b, flow.F1(counts.Key, v), flow.Combine(agg.Combiner[int]{}, flow.Const(1)))
		}, nil, "flow.Agg: has an aggregator without a function; take flow.Count"},
		"exactly once without a name": {func(b *flow.Block, v flow.Var[string]) { flow.HopStay(b) }, []module.StreamOption{module.ExactlyOnce()},
			"flow.HopStay: has no name, in an exactly-once stream; its events outlive updates of the module by it: give it flow.Named"},
		"exactly once, twins": {func(b *flow.Block, v flow.Var[string]) {
			w := flow.Each(b, flow.F1(strings.ToUpper, v))
			flow.HopStay(b, flow.Named("h"))
			flow.Each(b, flow.F2(func(v, w string) string { return v + w }, v, w))
		}, []module.StreamOption{module.ExactlyOnce()}, "flow.HopStay: carries two variables of type string, given at"},
		"one label twice": {func(b *flow.Block, v flow.Var[string]) {
			w := flow.Each(b, flow.F1(strings.ToUpper, v.Label("v"))).Label("v")
			flow.HopStay(b)
			flow.Each(b, flow.F2(func(v, w string) string { return v + w }, v, w))
		}, nil, `flow.HopStay: carries two variables with the label "v", given at`},
		"yield, exactly once": {func(b *flow.Block, v flow.Var[string]) { flow.YieldIfOvertime(b, flow.Named("rest")) }, []module.StreamOption{module.ExactlyOnce()},
			"flow.YieldIfOvertime: yields, in a topology that is not at least once; cut the event with flow.HopStay"},
		"another source": {func(b *flow.Block, v flow.Var[string]) { flow.Each(b, kept) }, nil,
			"flow.Each: uses a variable of another source, given at flow/mistakes_test.go:"},
		"call that does not survive": {func(b *flow.Block, v flow.Var[string]) {
			flow.EachAsync(b, func(context.Context, string) (animal, error) { return cat{}, nil }, v)
		}, nil, "flow.EachAsync: returns a flow_test.animal: "},
	} {
		t.Run(name, func(t *testing.T) {
			got := mistakesOf(t, func(b *module.Builder) {
				var numbers module.Depot[int]
				var words module.Depot[string]
				module.RandomDepot(b, &numbers, "numbers")
				module.RandomDepot(b, &words, "words")
				s := b.Stream("s", c.options...)
				flow.Source(s, numbers, func(_ *flow.Block, v number) { kept = v })
				flow.Source(s, words, c.build)
			})
			if len(got) != 1 {
				t.Fatalf("%d mistakes: %v", len(got), got)
			}
			text := got[0].String()
			if !strings.HasPrefix(text, "flow/mistakes_test.go:") || !strings.Contains(text, ": "+c.want) {
				t.Errorf("the mistake is\n%s\nwant, behind the line,\n%s", text, c.want)
			}
		})
	}
}

// lineHere is the line that calls it, as mistakes have it.
func lineHere(offset int) string {
	_, _, line, _ := runtime.Caller(1)
	return fmt.Sprintf("flow/mistakes_test.go:%d", line+offset)
}

// promise 3.05: all mistakes are said at once, each with its own line.
func TestAllMistakesAtOnce(t *testing.T) {
	t.Parallel()
	var lines []string
	got := mistakesOf(t, func(b *module.Builder) {
		var words module.Depot[string]
		module.RandomDepot(b, &words, "words")
		s := b.Stream("s")
		flow.Source(s, words, func(b *flow.Block, v flow.Var[string]) {
			lines = append(lines, lineHere(1))
			flow.AckReturn(b, module.Ack[string]{}, v)
			flow.IfTrue(b, flow.Const(true), func(b *flow.Block) {
				lines = append(lines, lineHere(1))
				flow.BatchBlock(b, "words", nil)
			})
			lines = append(lines, lineHere(1))
			flow.HopStay(b, flow.Named("no name"))
			lines = append(lines, lineHere(1))
			flow.Source[string](s, words, nil)
			flow.Stop(b)
		})
	})
	text := (&module.DefinitionError{Mistakes: got}).Error()
	if len(got) != len(lines) {
		t.Errorf("%d mistakes, want %d", len(got), len(lines))
	}
	for _, line := range lines {
		if !strings.Contains(text, "\n  "+line+": ") {
			t.Errorf("no mistake of line %s", line)
		}
	}
	if t.Failed() {
		t.Log(text)
	}
}

// A microbatch takes a flow with batch blocks, but no calls to the outside.
func TestMistakesOfMicrobatches(t *testing.T) {
	t.Parallel()
	got := mistakesOf(t, func(b *module.Builder) {
		var words module.Depot[string]
		module.RandomDepot(b, &words, "words")
		flow.Source(b.Microbatch("m"), words, func(b *flow.Block, v flow.Var[string]) {
			flow.BatchBlock(b, "block", func(b *flow.Block) { flow.GroupBy(b, v, module.ByKey[string](), agg.Sum[int](), flow.Const(1)) })
			flow.EachAsync(b, func(context.Context, int) (int, error) { return 0, nil }, flow.Const(1))
		})
	})
	if len(got) != 1 || !strings.Contains(got[0].String(), "calls the outside from a microbatch") {
		t.Errorf("mistakes %v", got)
	}
}

// What is wrong in batch blocks is said with its line, too.
func TestMistakesInBatchBlocks(t *testing.T) {
	t.Parallel()
	count := func(b *flow.Block, v flow.Var[string], options ...flow.HopOption) (flow.Var[string], number) {
		return flow.GroupBy(b, v, module.ByKey[string](), agg.Sum[int](), flow.Const(1), options...)
	}
	for name, c := range map[string]struct {
		build func(b *flow.Block, v flow.Var[string])
		want  string
	}{
		"outside": {func(b *flow.Block, v flow.Var[string]) { count(b, v) },
			"flow.GroupBy: is outside of a batch block; put it into the function of a flow.BatchBlock"},
		"a variable of before": {func(b *flow.Block, v flow.Var[string]) {
			flow.BatchBlock(b, "block", func(b *flow.Block) {
				count(b, v)
				flow.Do1(b, hear, v)
			})
		}, "flow.Do1: uses a variable of before the rows were gathered, given at flow/mistakes_test.go:"},
		"a variable of the block": {func(b *flow.Block, v flow.Var[string]) {
			flow.BatchBlock(b, "block", func(b *flow.Block) { v, _ = count(b, v) })
			flow.Do1(b, hear, v)
		}, "flow.Do1: uses a variable of before the rows were gathered, given at flow/mistakes_test.go:"},
		"a loop over stages": {func(b *flow.Block, v flow.Var[string]) {
			flow.BatchBlock(b, "block", func(b *flow.Block) {
				flow.LoopWith(b, v, func(l flow.Loop[string], b *flow.Block, v flow.Var[string]) {
					word, _ := count(b, v)
					l.Continue(b, word)
				})
			})
		}, "flow.Continue: goes back to before rows were gathered; what a batch block makes"},
		"options of hops": {func(b *flow.Block, v flow.Var[string]) {
			flow.BatchBlock(b, "block", func(b *flow.Block) { count(b, v, flow.Formerly("other")) })
		}, "flow.GroupBy: has an option for hops; it takes Named"},
		"options of rows": {func(b *flow.Block, v flow.Var[string]) { flow.HopStay(b, flow.Grouped(module.OnePhase())) },
			"flow.HopStay: has an option for the rows of a batch block; Grouped is for"},
		"no aggregator": {func(b *flow.Block, v flow.Var[string]) {
			flow.BatchBlock(b, "block", func(b *flow.Block) { flow.Aggregate(b, agg.Combiner[int]{}, flow.Const(1), flow.Named("all")) })
		}, "flow.Aggregate: has no aggregator; use agg.Sum"},
		"a way with itself": {func(b *flow.Block, v flow.Var[string]) {
			flow.BatchBlock(b, "block", func(b *flow.Block) {
				flow.Join(flow.SideOf(b, v, v), flow.SideOf(b, v, v), module.ByKey[string](), module.InnerJoin)
			})
		}, "flow.JoinLeft: joins a way with itself; take another one"},
		"nothing kept": {func(b *flow.Block, v flow.Var[string]) {
			flow.BatchBlock(b, "block", func(b *flow.Block) { flow.ExplodeMaterialized(b, flow.Materialized[int]{}) })
		}, "flow.ExplodeMaterialized: has no rows; keep some"},
	} {
		t.Run(name, func(t *testing.T) {
			got := mistakesOf(t, func(b *module.Builder) {
				var words module.Depot[string]
				module.RandomDepot(b, &words, "words")
				flow.Source(b.Microbatch("m"), words, c.build)
			})
			if len(got) != 1 {
				t.Fatalf("%d mistakes: %v", len(got), got)
			}
			if text := got[0].String(); !strings.HasPrefix(text, "flow/mistakes_test.go:") || !strings.Contains(text, ": "+c.want) {
				t.Errorf("the mistake is\n%s\nwant, behind the line,\n%s", text, c.want)
			}
		})
	}
}

// A query writes nothing, and has no event; that is said with the line.
func TestMistakesOfQueries(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		build func(b *flow.Block, v flow.Var[string], counts *pstate.Map[string, int], answer flow.Answer[int])
		want  string
	}{
		"no answer": {func(*flow.Block, flow.Var[string], *pstate.Map[string, int], flow.Answer[int]) {},
			"flow.Query: gives no answer; call answer where it is known"},
		"event": {func(b *flow.Block, v flow.Var[string], _ *pstate.Map[string, int], answer flow.Answer[int]) {
			flow.Do1(b, hear, v)
			answer(b, flow.Const(1))
		}, "flow.Do1: needs an event, which a query has not; take flow.Each, or flow.Read1"},
		"expression of the event": {func(b *flow.Block, _ flow.Var[string], _ *pstate.Map[string, int], answer flow.Answer[int]) {
			answer(b, flow.F0((*module.Event).Attempt))
		}, "flow.Answer: needs an event, which a query has not; leave flow.F0 out"},
		"write": {func(b *flow.Block, v flow.Var[string], counts *pstate.Map[string, int], answer flow.Answer[int]) {
			answer(b, flow.Agg(b, flow.Key(counts, v), flow.Count[int]()))
		}, "flow.Agg: writes, in a query; queries read"},
		"undeclared PState": {func(b *flow.Block, v flow.Var[string], _ *pstate.Map[string, int], answer flow.Answer[int]) {
			var other pstate.Map[string, int]
			flow.HopAt(b, &other, v)
			answer(b, flow.Const(1))
		}, "flow.HopAt: is placed at a PState that is not declared"},
	} {
		t.Run(name, func(t *testing.T) {
			var line string
			got := mistakesOf(t, func(b *module.Builder) {
				var counts pstate.Map[string, int]
				var q module.Query[string, int]
				var words module.Depot[string]
				module.RandomDepot(b, &words, "words")
				s := b.Stream("s")
				s.PState(&counts, "counts")
				module.DeclareSource(s, words, hear)
				line = lineHere(1)
				flow.Query(b, &q, "q", func(b *flow.Block, v flow.Var[string], answer flow.Answer[int]) { c.build(b, v, &counts, answer) })
			})
			if len(got) != 1 {
				t.Fatalf("%d mistakes: %v", len(got), got)
			}
			text := got[0].String()
			if !strings.HasPrefix(text, "flow/mistakes_test.go:") || !strings.Contains(text, ": "+c.want) {
				t.Errorf("the mistake is\n%s\nwant, behind the line,\n%s", text, c.want)
			}
			if name == "no answer" && !strings.HasPrefix(text, line+": ") {
				t.Errorf("the mistake is %s, want line %s", text, line)
			}
		})
	}
	if got := mistakesOf(t, func(b *module.Builder) {
		var q module.Query[string, int]
		flow.Query(b, &q, "q", nil)
	}); len(got) != 1 || !strings.Contains(got[0].String(), `flow.Query "q": has no function; pass a func(*flow.Block, flow.Var[string], flow.Answer[int])`) {
		t.Errorf("without a function: %v", got)
	}
}

// A panic while a flow is put together names the line that has it, not one of this package.
func TestAPanicNamesTheLine(t *testing.T) {
	t.Parallel()
	var line string
	got := mistakesOf(t, func(b *module.Builder) {
		var words module.Depot[string]
		module.RandomDepot(b, &words, "words")
		flow.Source(b.Stream("s"), words, func(*flow.Block, flow.Var[string]) {
			line = lineHere(1)
			flow.Anchor{}.Hook()
		})
	})
	if len(got) == 0 || !strings.Contains(got[0].String(), line+": flow: Hook of an Anchor") {
		t.Errorf("the panic is told as %v, want %s in it", got, line)
	}
}
