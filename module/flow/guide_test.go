package flow_test

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/internal/guide"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/module/draw"
	"github.com/coppice-run/coppice/module/flow"
	"github.com/coppice-run/coppice/module/nav"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/simulation"
)

// The code of docs/guides/dataflow.md.

type Words struct {
	Sentences module.Depot[string]
	Counts    pstate.Map[string, int]
	Total     module.Ack[int]
}

func (m *Words) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Sentences, "sentences")
	s := b.Stream("words")
	s.PState(&m.Counts, "counts")
	module.DeclareAck(s, &m.Total, agg.Sum[int]())
	flow.Source(s, m.Sentences, func(b *flow.Block, sentence flow.Var[string]) {
		word := flow.Explode(b, flow.F1(strings.Fields, sentence))
		flow.HopAt(b, &m.Counts, word, flow.Named("count"))
		flow.Agg(b, flow.Key(&m.Counts, word), flow.Count[int]())
		flow.AckReturn(b, m.Total, flow.Const(1))
	})
}

func rated(b *flow.Block, amount flow.Var[int]) flow.Var[string] {
	rate := flow.Declare[string](b)
	flow.IfElse(b, flow.Less(amount, flow.Const(100)), func(b *flow.Block) {
		flow.Assign(b, rate, flow.Const("small"))
	}, func(b *flow.Block) {
		flow.HopGlobal(b) // large ones are looked at in one place
		flow.Assign(b, rate, flow.Const("large"))
	})
	return rate
}

func both(b *flow.Block, m *Words, left, right flow.Var[string]) {
	word := flow.Declare[string](b)
	here := b.Anchor()
	flow.Assign(b, word, left)

	other := here.Hook()
	flow.Assign(other, word, right)

	b = flow.Unify(b, other)
	flow.HopAt(b, &m.Counts, word)
	flow.Agg(b, flow.Key(&m.Counts, word), flow.Count[int]())
}

type Staff struct {
	Managers pstate.Map[string, string]
	Asked    module.Depot[string]
	Top      module.Ack[string]

	hired module.Depot[[2]string]
}

// climb goes up a chain of managers, each of whom is known on another task.
func climb(b *flow.Block, m *Staff, employee flow.Var[string]) flow.Var[string] {
	top := flow.Declare[string](b)
	flow.LoopWith(b, employee, func(l flow.Loop[string], b *flow.Block, who flow.Var[string]) {
		flow.HopAt(b, &m.Managers, who, flow.Named("climb"))
		above, has := flow.Lookup(b, flow.Key(&m.Managers, who))
		flow.IfElse(b, has, func(b *flow.Block) {
			l.Continue(b, above)
		}, func(b *flow.Block) {
			flow.Assign(b, top, who)
			l.Emit(b)
		})
	})
	return top
}

type Payment struct {
	From, To string
	Cents    int64
}

type Accounts struct {
	Payments module.Depot[Payment]
	Balances pstate.Map[string, int64]
	Payers   pstate.Map[string, string]
}

func pay(b *flow.Block, m *Accounts, p flow.Var[Payment]) {
	from, to, cents := flow.Expand3(b, func(p Payment) (string, string, int64) { return p.From, p.To, p.Cents }, p)
	from, to = from.Label("from"), to.Label("to")
	flow.Agg(b, flow.Key(&m.Balances, from), flow.Sum(flow.F1(func(c int64) int64 { return -c }, cents)))
	flow.HopAt(b, &m.Balances, to, flow.Named("credit"))
	flow.Agg(b, flow.Key(&m.Balances, to), flow.Sum(cents))
	flow.Set(b, flow.Key(&m.Payers, to), from)
}

func drawn(m module.Module) (text, picture string, err error) {
	plan, err := module.Compile(m)
	if err != nil {
		return "", "", err
	}
	return draw.Text(plan), draw.SVG(plan), nil
}

type Count struct {
	Word  string
	Times int
}

type TopWords struct {
	Lines  module.Depot[string]
	Counts pstate.SortedMap[string, int]
	Latest pstate.Value[[]Count] // of the words of the latest microbatch

	Top module.Query[int, []Count]
}

func (m *TopWords) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Lines, "lines")
	mb := b.Microbatch("words")
	mb.PState(&m.Counts, "counts")
	mb.PState(&m.Latest, "latest", pstate.Global())
	flow.Source(mb, m.Lines, m.counting)
	flow.Query(b, &m.Top, "top", m.top)
}

func (m *TopWords) counting(b *flow.Block, line flow.Var[string]) {
	flow.BatchBlock(b, "count", func(b *flow.Block) {
		word := flow.Explode(b, flow.F1(strings.Fields, line)) // for each record
		word, times := flow.GroupBy(b, word, module.AtKey(&m.Counts), agg.Sum[int](), flow.Const(1))
		flow.Agg(b, flow.Key(&m.Counts, word), flow.Sum(times)) // once for each word, on its task
		top, _ := flow.Aggregate(b, agg.Top(3, byTimes), flow.F2(newCount, word, times))
		flow.Set(b, flow.OfValue(&m.Latest), top) // once, on task 0
	})
}

func (m *TopWords) top(b *flow.Block, least flow.Var[int], answer flow.Answer[[]Count]) {
	flow.BatchBlock(b, "top", func(b *flow.Block) {
		flow.HopAll(b) // on every task, what it has
		word, times := flow.Expand2(b, entry, flow.LocalSelect(b, flow.Along(nav.MapEntries(nav.From(m.Counts)))))
		flow.KeepTrue(b, flow.Not(flow.Less(times, least)))
		all, _ := flow.Aggregate(b, agg.Top(10, byTimes), flow.F2(newCount, word, times))
		answer(b, all)
	})
}

func newCount(word string, times int) Count { return Count{word, times} }

func byTimes(a, b Count) int {
	return cmp.Or(cmp.Compare(b.Times, a.Times), cmp.Compare(a.Word, b.Word))
}

func entry(e pstate.Entry[string, int]) (string, int) { return e.Key, e.Val }

func prices(b *flow.Block, m *Shops, sale flow.Var[Sale]) {
	flow.BatchBlock(b, "sales", func(b *flow.Block) {
		fruit, pieces := flow.Expand2(b, func(s Sale) (string, int) { return s.Fruit, s.Pieces }, sale)
		priced, price := flow.Expand2(b, func(s Sale) (string, int) { return s.Fruit, s.Price }, sale)
		other := b.Anchor().Hook()
		flow.KeepTrue(b, flow.Less(flow.Const(0), pieces))
		flow.KeepTrue(other, flow.Less(flow.Const(0), price))
		b, pair := flow.Join(flow.SideOf(b, fruit, pieces), flow.SideOf(other, priced, price), module.AtKey(&m.Turnover), module.InnerJoin)
		fruit, turnover := flow.Expand2(b, func(j module.Joined[string, int, int]) (string, int) { return j.Key, j.Left * j.Right }, pair)
		flow.Agg(b, flow.Key(&m.Turnover, fruit), flow.Sum(turnover))
	})
}

type Order struct {
	Customer string
	Stops    []string
}

type Route struct {
	Orders module.Depot[Order]
	Stops  pstate.Map[string, int]
}

func (m *Route) stop(ev *module.Event, o Order, i int) error {
	agg.Inc(ev, m.Stops.Key(o.Customer))
	return nil
}

func deliver(b *flow.Block, m *Route, order flow.Var[Order]) {
	stops := flow.Each(b, flow.F1(func(o Order) int { return len(o.Stops) }, order))
	flow.LoopWith(b, flow.Const(0), func(l flow.Loop[int], b *flow.Block, i flow.Var[int]) {
		flow.KeepTrue(b, flow.Less(i, stops))
		flow.Do2(b, m.stop, order, i)
		flow.YieldIfOvertime(b)
		l.Continue(b, flow.F1(func(i int) int { return i + 1 }, i))
	})
}

func (m *Route) Define(b *module.Builder) {
	module.HashDepot(b, &m.Orders, "orders", func(o Order) string { return o.Customer })
	s := b.Stream("route")
	s.PState(&m.Stops, "stops")
	flow.Source(s, m.Orders, func(b *flow.Block, o flow.Var[Order]) { deliver(b, m, o) })
}

type Sale struct {
	Fruit         string
	Pieces, Price int
}

type Shops struct {
	sales    module.Depot[Sale]
	Turnover pstate.Map[string, int]
}

func (m *Shops) Define(b *module.Builder) {
	module.RandomDepot(b, &m.sales, "sales")
	mb := b.Microbatch("shops")
	mb.PState(&m.Turnover, "turnover")
	flow.Source(mb, m.sales, func(b *flow.Block, s flow.Var[Sale]) { prices(b, m, s) })
}

func (m *Staff) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Asked, "asked")
	s := b.Stream("staff")
	s.PState(&m.Managers, "managers")
	module.DeclareAck(s, &m.Top, agg.Last[string]())
	module.HashDepot(b, &m.hired, "hired", func(h [2]string) string { return h[0] })
	flow.Source(s, m.hired, func(b *flow.Block, h flow.Var[[2]string]) {
		who, by := flow.Expand2(b, func(h [2]string) (string, string) { return h[0], h[1] }, h)
		flow.Set(b, flow.Key(&m.Managers, who), by)
	})
	flow.Source(s, m.Asked, func(b *flow.Block, who flow.Var[string]) {
		flow.AckReturn(b, m.Top, climb(b, m, who))
	})
}

func (m *Accounts) Define(b *module.Builder) {
	module.HashDepot(b, &m.Payments, "payments", func(p Payment) string { return p.From })
	s := b.Stream("accounts", module.ExactlyOnce())
	s.PState(&m.Balances, "balances")
	s.PState(&m.Payers, "payers")
	flow.Source(s, m.Payments, func(b *flow.Block, p flow.Var[Payment]) { pay(b, m, p) })
}

func TestTheCodeOfTheGuide(t *testing.T) {
	t.Parallel()
	staff := &Staff{}
	calm(t, staff, 4, func(p *simulation.Program) error {
		for _, h := range [][2]string{{"ann", "bob"}, {"bob", "cid"}, {"cid", "dot"}} {
			if _, err := staff.hired.Append(p.Context(), p, h); err != nil {
				return err
			}
		}
		acks, err := staff.Asked.Append(p.Context(), p, "ann")
		if top, _ := staff.Top.From(acks); top != "dot" || err != nil {
			return fmt.Errorf("ann works for %q, error %v", top, err)
		}
		return nil
	})

	accounts := &Accounts{}
	calm(t, accounts, 4, func(p *simulation.Program) error {
		if _, err := accounts.Payments.Append(p.Context(), p, Payment{"ann", "bob", 5}); err != nil {
			return err
		}
		ann, err := accounts.Balances.Key("ann").Get(p)
		bob, other := accounts.Balances.Key("bob").Get(p)
		if ann != -5 || bob != 5 || err != nil || other != nil {
			return fmt.Errorf("ann has %d, bob has %d, errors %v, %v", ann, bob, err, other)
		}
		return nil
	})

	route := &Route{}
	calm(t, route, 4, func(p *simulation.Program) error {
		if _, err := route.Orders.Append(p.Context(), p, Order{"ann", make([]string, 50)}); err != nil {
			return err
		}
		if n, err := route.Stops.Key("ann").Get(p); n != 50 || err != nil {
			return fmt.Errorf("%d stops, error %v", n, err)
		}
		return nil
	})

	for amount, want := range map[int]string{99: "small", 100: "large"} {
		expect := func(m *script, b *flow.Block, v number) { m.say(b, rated(b, v)) }
		if got := said(t, amount, expect); len(got) != 1 || got[0] != want {
			t.Errorf("%d is rated %v", amount, got)
		}
	}

	words := &twice{}
	calm(t, words, 4, func(p *simulation.Program) error {
		if _, err := words.Sentences.Append(p.Context(), p, "left right"); err != nil {
			return err
		}
		for _, word := range []string{"left", "right"} {
			if n, err := words.Counts.Key(word).Get(p); n != 1 || err != nil {
				return fmt.Errorf("%s was counted %d times, error %v", word, n, err)
			}
		}
		return nil
	})

	// Examples run such modules: examples/batch, examples/reach.
	for _, m := range []module.Module{&TopWords{}, &Shops{}} {
		text, picture, err := drawn(m)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(text, "═══ all rows of ") || !strings.Contains(picture, "all rows of ") {
			t.Errorf("drawn as %s\n%s", text, picture)
		}
	}
	text, picture, err := drawn(&Words{})
	if !strings.Contains(text, "step    count          variables, at counts, carried as string\n") || !strings.HasPrefix(picture, "<svg ") || err != nil {
		t.Errorf("drawn as %s\n%s\nerror %v", text, picture, err)
	}
}

// twice counts the first two words of a sentence.
type twice struct{ Words }

func (m *twice) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Sentences, "sentences")
	s := b.Stream("words")
	s.PState(&m.Counts, "counts")
	flow.Source(s, m.Sentences, func(b *flow.Block, sentence flow.Var[string]) {
		left, right := flow.Expand2(b, func(s string) (string, string) {
			left, right, _ := strings.Cut(s, " ")
			return left, right
		}, sentence)
		both(b, &m.Words, left, right)
	})
}

func TestTheGuideShowsCodeThatRuns(t *testing.T) {
	t.Parallel()
	guide.Shows(t, "docs/guides/dataflow.md", "guide_test.go")
}

// wrongWords is declared with the mistakes of the guide.
type wrongWords struct{ Sentences module.Depot[string] }

func (m *wrongWords) ModuleName() string { return "Words" }

func (m *wrongWords) Define(b *module.Builder) {
	module.RandomDepot(b, &m.Sentences, "sentences")
	s := b.Stream("words")
	flow.Source(s, m.Sentences, func(b *flow.Block, sentence flow.Var[string]) {
		word := flow.Declare[string](b)
		flow.IfTrue(b, flow.Equal(sentence, flow.Const("be")), func(b *flow.Block) { flow.Assign(b, word, sentence) })
		flow.Do1(b, func(*module.Event, string) error { return nil }, word)
		flow.BatchBlock(b, "count", func(*flow.Block) {})
	})
}

// The guide shows what is printed: of plans, and of mistakes, whose lines are those of another file.
func TestTheGuideShowsWhatIsPrinted(t *testing.T) {
	t.Parallel()
	plan, err := module.Compile(&Words{})
	if err != nil {
		t.Fatal(err)
	}
	_, err = module.Compile(&wrongWords{})
	lines := []string{"31", "24", "36"} // in the order in which they are named
	mistakes := regexp.MustCompile(`flow/guide_test\.go:[0-9]+`).ReplaceAllStringFunc(fmt.Sprint(err), func(at string) string {
		if len(lines) == 0 {
			return at
		}
		line := lines[0]
		lines = lines[1:]
		return "words/module.go:" + line
	})
	guide.Outputs(t, "docs/guides/dataflow.md", plan.String(), mistakes+"\n")
}
