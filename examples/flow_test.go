package main

import (
	"errors"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/examples/ackreturn"
	"github.com/coppice-run/coppice/examples/bank"
	"github.com/coppice-run/coppice/examples/basic"
	"github.com/coppice-run/coppice/examples/components"
	"github.com/coppice-run/coppice/examples/componentsexact"
	"github.com/coppice-run/coppice/examples/eventtree"
	"github.com/coppice-run/coppice/examples/internal/exampletest"
	"github.com/coppice-run/coppice/examples/regions"
	"github.com/coppice-run/coppice/examples/streams"
	"github.com/coppice-run/coppice/examples/sum"
	"github.com/coppice-run/coppice/examples/wordcount"
	"github.com/coppice-run/coppice/localcluster/clustertest"
	"github.com/coppice-run/coppice/pstate"
)

// What is written twice, with handlers and as dataflow, sets off the same trees of events.

// twice compares the two layers of each example of a stream, by its name on the page.
var twice = map[string]func(*testing.T){
	"wordcount": wordCount, "basic": basics, "eventtree": eventTree, "ackreturn": ackReturn, "sum": sums, "regions": clicks,
}

// promise 3.02, 3.09, 3.10, 3.11, 3.12, 3.13, 3.14, 3.20, 3.35, 3.78, 3.82: every example of the page
// of streams is there in both layers, and does the same, event for event.
func TestStreamsAsDataflow(t *testing.T) {
	t.Parallel()
	for _, p := range streams.Page.Programs {
		compare := twice[p.Name]
		if compare == nil {
			t.Errorf("%s is not written as dataflow, or nothing compares its layers", p.Name)
			continue
		}
		t.Run(p.Name, func(t *testing.T) {
			t.Parallel()
			compare(t)
		})
	}
}

// As dataflow it does the same, event for event.
func wordCount(t *testing.T) {
	t.Helper()
	handlers, flow := &wordcount.Words{}, &wordcount.Flow{}
	exampletest.SameEvents(t, handlers, flow, &flow.Words, func(m *wordcount.Words, kit *clustertest.Kit) error {
		acks, err := m.Sentences.Append(t.Context(), kit, "to be or not to be")
		if total, _ := m.Total.From(acks); total != 6 {
			t.Errorf("the append returned %d", total)
		}
		for word, want := range map[string]int{"to": 2, "be": 2, "or": 1, "not": 1} {
			if n, err := m.Counts.Key(word).Get(kit); n != want || err != nil {
				t.Errorf("%s was counted %d times, error %v", word, n, err)
			}
		}
		return err
	}, "sentences")
}

// As dataflow it does the same, event for event, and its second source prints its records with their task.
func basics(t *testing.T) {
	t.Helper()
	flow := &basic.Flow{}
	exampletest.SameEvents(t, &basic.Module{}, flow, &flow.Module, func(m *basic.Module, kit *clustertest.Kit) error {
		var out lines
		m.Out = &out
		for _, p := range []basic.Pair{{First: "a", Second: "b"}, {First: "b", Second: "c"}, {First: "a", Second: "a"}} {
			if _, err := m.Pairs.Append(t.Context(), kit, p); err != nil {
				return err
			}
		}
		for _, w := range []string{"X", "Y"} {
			if _, err := m.Words.Append(t.Context(), kit, w); err != nil {
				return err
			}
		}
		if !regexp.MustCompile(`^From words: [0-3] X\nFrom words: [0-3] Y\n$`).MatchString(out.String()) {
			t.Errorf("printed %q", out.String())
		}
		if n, err := m.Beside.Key("b").Key("c").Get(kit); n != 1 || err != nil {
			t.Errorf("b was %d times beside c, error %v", n, err)
		}
		return nil
	}, "words")
}

// As dataflow, in the words of the page, it does the same, event for event.
func eventTree(t *testing.T) {
	t.Helper()
	flow := &eventtree.Flow{}
	exampletest.SameEvents(t, &eventtree.Module{}, flow, &flow.Module, func(m *eventtree.Module, kit *clustertest.Kit) error {
		for _, key := range []string{"A", "B"} {
			if _, err := m.Keys.Append(t.Context(), kit, key); err != nil {
				return err
			}
		}
		for i := range 2 {
			if key, err := m.Leaves.Key(i).Get(kit); key != "A" || err != nil {
				t.Errorf("leaf %d has %q, error %v", i, key, err)
			}
		}
		return nil
	}, "keys", "scatter")
}

// As dataflow it does the same, event for event.
func ackReturn(t *testing.T) {
	t.Helper()
	flow := &ackreturn.Flow{}
	exampletest.SameEvents(t, &ackreturn.Module{}, flow, &flow.Module, func(m *ackreturn.Module, kit *clustertest.Kit) error {
		for i := range int64(3) {
			acks, err := m.Keys.Append(t.Context(), kit, "a")
			if n, _ := m.Count.From(acks); n != i+1 || err != nil {
				t.Errorf("append %d returned %d, error %v", i, n, err)
			}
		}
		return nil
	})
}

// As dataflow it does the same, event for event.
func sums(t *testing.T) {
	t.Helper()
	flow := &sum.Flow{}
	exampletest.SameEvents(t, &sum.Module{}, flow, &flow.Module, func(m *sum.Module, kit *clustertest.Kit) error {
		for _, v := range []int{3, 5, 10} {
			acks, err := m.Numbers.Append(t.Context(), kit, v)
			if total, _ := m.Total.From(acks); total != v*v || err != nil {
				t.Errorf("%d returned %d, error %v", v, total, err)
			}
		}
		return nil
	}, "numbers", "give")
}

// As dataflow it does the same, event for event: a join with what a user's task knows, and a
// hop in an exactly-once stream.
func clicks(t *testing.T) {
	t.Helper()
	flow := &regions.Flow{}
	exampletest.SameEvents(t, &regions.Module{}, flow, &flow.Module, func(m *regions.Module, kit *clustertest.Kit) error {
		for _, v := range []regions.Move{{User: "ann", Region: "north"}, {User: "bob", Region: "south"}} {
			if _, err := m.Moves.Append(t.Context(), kit, v); err != nil {
				return err
			}
		}
		for _, user := range []string{"ann", "bob", "nobody", "ann"} {
			if _, err := m.Clicks.Append(t.Context(), kit, regions.Click{User: user, Page: "home"}); err != nil {
				return err
			}
			kit.Settle()
		}
		for region, want := range map[string]int{"north": 2, "south": 1} {
			n := int64(0)
			for e, err := range m.Counts.Key(region).Range(kit, pstate.All[time.Time]()) {
				if err != nil {
					return err
				}
				n += e.Val
			}
			if n != int64(want) {
				t.Errorf("%s has %d clicks, want %d", region, n, want)
			}
		}
		return nil
	})
}

// As dataflow the forest in an exactly-once stream does the same, event for event, with loops
// over tasks and places where several ways come together.
func TestComponentsExactAsDataflow(t *testing.T) {
	t.Parallel()
	flow := &componentsexact.Flow{}
	exampletest.SameEvents(t, &componentsexact.Module{}, flow, &flow.Module, func(m *componentsexact.Module, kit *clustertest.Kit) error {
		create := func(id, parent string) componentsexact.Change {
			return componentsexact.Create{ID: id, Parent: parent, Text: "t"}
		}
		for _, c := range []componentsexact.Change{
			create("a", ""), create("b", "a"), create("c", "b"), create("d", "b"), create("e", "nobody"), create("f", "f"), create("c", "a"),
			componentsexact.Delete{ID: "d"}, componentsexact.Delete{ID: "nobody"}, componentsexact.Delete{ID: "a"}, create("b", "a"), create("a", ""),
		} {
			if _, err := m.Changes.Append(t.Context(), kit, c); err != nil && !errors.Is(err, client.ErrRejected) {
				return err
			}
			kit.Settle()
		}
		return nil
	})
}

// The forest in a stream that is done in small steps does the same as dataflow, too: with what
// is scheduled by appends, and what goes up from the last child.
func TestComponentsAsDataflow(t *testing.T) {
	t.Parallel()
	flow := &components.Flow{}
	exampletest.SameEvents(t, &components.Module{}, flow, &flow.Module, func(m *components.Module, kit *clustertest.Kit) error {
		create := func(id, parent string) components.Change {
			return components.Create{ID: id, Parent: parent, Text: "t"}
		}
		for _, c := range []components.Change{
			create("a", ""), create("b", "a"), create("c", "b"), create("d", "b"), create("e", "nobody"), create("f", "f"), components.Create{ID: "g"},
			create("c", "a"), create("c", "b"), components.Delete{ID: "d"}, components.Delete{ID: "d"}, components.Delete{ID: "nobody"},
			components.Delete{ID: "c", Of: "a"}, create("d", "b"), components.Delete{ID: "a"}, create("b", "a"), create("a", ""),
		} {
			if _, err := m.Changes.Append(t.Context(), kit, c); err != nil && !errors.Is(err, client.ErrRejected) {
				return err
			}
			kit.Settle()
		}
		return nil
	})
}

// The same of the bank: deposits, transfers, what is refused, and what is asked twice.
func TestBankAsDataflow(t *testing.T) {
	t.Parallel()
	flow := &bank.Flow{}
	exampletest.SameEvents(t, &bank.Bank{Remember: 2}, flow, &flow.Bank, func(m *bank.Bank, kit *clustertest.Kit) error {
		m.Remember = 2
		for _, op := range []bank.Operation{
			bank.Deposit{ID: "1", Account: "ann", Cents: 100}, bank.Transfer{ID: "2", From: "ann", To: "bob", Cents: 30},
			bank.Transfer{ID: "2", From: "ann", To: "bob", Cents: 30}, bank.Transfer{ID: "2", From: "ann", To: "cid", Cents: 30},
			bank.Withdrawal{ID: "3", Account: "ann", Cents: 71}, bank.Withdrawal{ID: "3", Account: "ann", Cents: 70},
			bank.Withdrawal{ID: "4", Account: "bob", Cents: -1}, bank.Transfer{ID: "5", From: "bob", To: "bob", Cents: 1},
			bank.Transfer{ID: "6", From: "bob", To: "ann", Cents: 1},
		} {
			if _, err := m.Operations.Append(t.Context(), kit, op); err != nil && !errors.Is(err, client.ErrRejected) {
				return err
			}
			kit.Settle()
		}
		for name, want := range map[string]int64{"ann": 1, "bob": 29} {
			if n, err := m.Balances.Key(name).Get(kit); n != want || err != nil {
				t.Errorf("%s has %d, error %v", name, n, err)
			}
		}
		return nil
	})
}

// lines is a writer for handlers, which run on several tasks.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
