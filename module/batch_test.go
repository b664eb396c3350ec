package module_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// batched is a topology with one of each part of batch blocks.
type batched struct {
	Words  module.Depot[string]
	Counts pstate.Map[string, int]
	scrap  pstate.SortedMap[string, int]
	words  module.GroupBy[string, int]
	means  module.GroupBy[string, int]
	total  module.Aggregate[int]
	pairs  module.Join[string, int, string]
	rows   module.Rows[string]
}

func (m *batched) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Words, "words")
	mb := b.Microbatch("batch")
	mb.PState(&m.Counts, "counts")
	mb.Temporary(&m.scrap, "scrap")
	module.DeclareSource(mb, m.Words, nothing)
	first := mb.Batch("first")
	module.DeclareGroupBy(first, &m.words, "word", module.AtKey(&m.Counts), agg.Sum[int](), func(*module.Event, string, int) error { return nil })
	module.DeclareAggregate(first, &m.total, "total", agg.Sum[int](), func(*module.Event, int, bool) error { return nil }, module.OnePhase())
	second := mb.Batch("second")
	second.OnBegin(func(*module.Event) error { return nil })
	module.DeclareRows(second, &m.rows, "rows")
	module.DeclareJoin(second, &m.pairs, "pair", module.ByKey[string](), module.LeftJoin, func(*module.Event, module.Joined[string, int, string]) error { return nil })
	module.DeclareGroupBy(second, &m.means, "mean", module.ByKey[string](), agg.SetRemove[int](), func(*module.Event, string, map[int]struct{}) error { return nil })
}

const batchedPlan = `module batched
  depot   words            string, by random, stored as json
  microbatch batch
    pstate  counts         map[string]int
    pstate  scrap          sorted map[string]int, temporary
    source  words          from the end, failed records retried, parked after 10 attempts
    step    word-parts     agg.Pair[string,int], at counts
    step    word           agg.Pair[string,int], on the same task
    step    total-rows     agg.Pair[struct {},int], global
    step    total          module.total[int], global
    step    pair-left      agg.Pair[string,int], by hash
    step    pair-right     agg.Pair[string,string], by hash
    step    pair           module.Joined[string,int,string], on the same task
    step    mean-rows      agg.Pair[string,int], by hash
    step    mean           agg.Pair[string,map[int]struct {}], on the same task
    step    first-parts    struct {}, on the same task
    step    first-results  struct {}, on the same task
    step    second-begin   struct {}, on the same task
    step    second-results struct {}, on the same task
    batch   first          word: int to int in two phases, by string; total: int to int in one phase
    batch   second         rows: rows of string; pair: left join of int and string, by string; mean: int to map[int]struct {} in one phase, by string
    guarantee: exactly once, each microbatch as a whole on all tasks
`

// Batch blocks print with the steps that they consist of, and with their rounds: those of which
// there is nothing are left out.
func TestPlanPrintsBatchBlocks(t *testing.T) {
	t.Parallel()
	plan, err := module.Compile(&batched{})
	if err != nil {
		t.Fatal(err)
	}
	if got := plan.String(); got != batchedPlan {
		t.Errorf("the plan prints\n%s\nwant\n%s", got, batchedPlan)
	}
	if n := len(plan.Streams[0].Rounds); n != 4 {
		t.Errorf("%d rounds, want 4", n)
	}
}

// All that is wrong with the batch blocks of a module is said at once, with its mend.
func TestMistakesInBatchBlocks(t *testing.T) {
	t.Parallel()
	m := &declared{"M", func(b *module.Builder) {
		var d module.Depot[string]
		var undeclared pstate.Map[string, int]
		var twice, group, unplaced, handlerless module.GroupBy[string, int]
		var fields module.GroupBy[string, chan int]
		var aggregate module.Aggregate[int]
		var join module.Join[string, int, int]
		var rows module.Rows[func()]
		then := func(*module.Event, string, int) error { return nil }
		module.RandomDepot(b, &d, "d")
		mb := b.Microbatch("mb")
		module.DeclareSource(mb, d, nothing)
		mb.Batch("empty")
		block := mb.Batch("block")
		block.OnBegin(nil)
		module.DeclareGroupBy(block, &twice, "one", module.ByKey[string](), agg.Sum[int](), then)
		module.DeclareGroupBy(block, &twice, "two", module.ByKey[string](), agg.Sum[int](), then)
		module.DeclareGroupBy(block, &group, "nothing", module.ByKey[string](), agg.Combiner[int]{}, then)
		module.DeclareGroupBy(block, &unplaced, "unplaced", module.AtKey(&undeclared), agg.Sum[int](), then)
		module.DeclareGroupBy(block, &handlerless, "handlerless", module.ByKey[string](), agg.Sum[int](), nil)
		module.DeclareGroupBy(block, &fields, "channels", module.ByKey[string](), agg.List[chan int](), func(*module.Event, string, []chan int) error { return nil })
		module.DeclareAggregate(block, &aggregate, "aggregate", agg.Sum[int](), nil)
		module.DeclareJoin(block, &join, "join", module.ByKey[string](), module.JoinKind(9), func(*module.Event, module.Joined[string, int, int]) error { return nil })
		module.DeclareRows(block, &rows, "rows")
	}}
	_, err := module.Compile(m)
	var wrong *module.DefinitionError
	if !errors.As(err, &wrong) {
		t.Fatalf("compiled with %v", err)
	}
	for _, want := range []string{
		`batch block "empty": has nothing in it; declare a part`,
		`batch block "block": has no handler for its beginning`,
		`part "two" of batch block "block": its handle is that of part "one" of batch block "block" already`,
		`part "nothing" of batch block "block": has no aggregator`,
		`step "unplaced-parts": is placed at a PState that is not declared`,
		`part "handlerless" of batch block "block": has no handler`,
		`part "aggregate" of batch block "block": has no handler`,
		`part "join" of batch block "block": has kind 9; use InnerJoin`,
		`part "rows" of batch block "block": `,
		`step "channels-parts": `,
	} {
		if !strings.Contains(wrong.Error(), want) {
			t.Errorf("not said: %s\nin %v", want, wrong)
		}
	}
}
