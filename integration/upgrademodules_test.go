package integration

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/examples/bank"
	"github.com/coppice-run/coppice/examples/bankmicrobatch"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/localcluster/clustertest"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
	"github.com/coppice-run/coppice/task"
)

// upgradeTasks is how many tasks each module has.
const upgradeTasks = 3

// upgradeModules are what is stored: an exactly-once stream, a microbatch, and a stream
// with every kind of PState.
type upgradeModules struct {
	bank  bank.Bank
	micro bankmicrobatch.Bank
	kinds kinds
}

// upgradeDepots are the depots of the modules, by the names under which they are kept.
var upgradeDepots = map[string]string{"Bank": "operations", "BankMicrobatch": "operations", "Kinds": "words"}

// newUpgradeModules names the modules.
func newUpgradeModules(name func(kept string) string) *upgradeModules {
	return &upgradeModules{bank.Bank{Name: name("Bank")}, bankmicrobatch.Bank{Name: name("BankMicrobatch")}, kinds{name: name("Kinds")}}
}

// kinds keeps words in every kind of PState.
type kinds struct {
	name   string
	broken bool // the word "broken" fails

	Words    module.Depot[string]
	Last     pstate.Value[string]
	Counts   pstate.Map[string, int]
	Lengths  pstate.SortedMap[string, int]
	Seen     pstate.Set[string]
	Order    pstate.SortedSet[string]
	Recent   pstate.List[string]
	Letters  pstate.MapOf[string, pstate.SortedSet[string]]
	Profiles pstate.MapOf[string, wordProfile]
}

type wordProfile struct {
	pstate.Fixed[wordProfile]
	Name  pstate.Value[string]
	Notes pstate.List[string]
}

func (m *kinds) ModuleName() string { return m.name }

func (m *kinds) Define(b *module.Builder) {
	module.HashDepot(b, &m.Words, "words", func(w string) string { return w })
	s := b.Stream("kinds")
	s.PState(&m.Last, "last")
	s.PState(&m.Counts, "counts")
	s.PState(&m.Lengths, "lengths")
	s.PState(&m.Seen, "seen")
	s.PState(&m.Order, "order")
	s.PState(&m.Recent, "recent")
	s.PState(&m.Letters, "letters")
	s.PState(&m.Profiles, "profiles")
	module.DeclareSource(s, m.Words, m.onWord, module.StartFromBeginning(), module.MaxAttempts(0))
}

func (m *kinds) onWord(ev *module.Event, w string) error {
	switch {
	case w == "":
		return module.Reject(errors.New("no word"))
	case w == "broken" && m.broken:
		return errors.New("not yet")
	}
	m.Last.Set(ev, w)
	agg.Inc(ev, m.Counts.Key(w))
	m.Lengths.Key(w).Set(ev, len(w))
	m.Seen.Add(ev, w)
	m.Order.Add(ev, w)
	m.Recent.Push(ev, w)
	for letter := range strings.SplitSeq(w, "") {
		m.Letters.Key(w).Add(ev, letter)
	}
	m.Profiles.Key(w).Name.Set(ev, w)
	m.Profiles.Key(w).Notes.Push(ev, "again")
	return nil
}

// upgradeWords are so many that each task has some, and some behind the one that fails.
func upgradeWords() []string { return strings.Fields("to be or not to be that is the question") }

const noOperation = "no operation"

// write has a version do something in all modules, and calls then while a transfer is
// under way, a record fails and others are put aside.
func (m *upgradeModules) write(t *testing.T, w *upgradeWorld, c *localcluster.Cluster, then func()) {
	t.Helper()
	ctx := t.Context()
	m.kinds.broken = true
	m.launch(t, c, &m.micro, &m.kinds)
	kit := clustertest.Start(t, &m.bank, clustertest.Config{Cluster: c, Tasks: upgradeTasks})
	m.operate(t, c, bank.Deposit{ID: "wage", Account: "ann", Cents: 100})
	m.operate(t, c, bank.Transfer{ID: "rent", From: "ann", To: "bob", Cents: 30})
	if _, err := m.bank.Operations.Append(ctx, c.Client(), bank.Withdrawal{ID: "loan", Account: "eve", Cents: 1}); !errors.Is(err, client.ErrRejected) {
		t.Fatalf("a withdrawal from an empty account: %v", err)
	}
	m.pay(t, c, bankmicrobatch.Operation{ID: "wage", To: "cyd", Cents: 50})
	m.pay(t, c, bankmicrobatch.Operation{ID: "rent", From: "cyd", To: "dan", Cents: 20})
	if _, err := m.kinds.Words.Append(ctx, c.Client(), "broken", module.Wait(module.AckAppend)); err != nil {
		t.Fatal(err)
	}
	for _, word := range upgradeWords() {
		if _, err := m.kinds.Words.Append(ctx, c.Client(), word); err != nil {
			t.Fatal(err)
		}
	}
	w.append(t, m.bank.Name, "operations", 0, recordKept{Value: []byte(noOperation)})
	hold := kit.Hold(m.bank.Credits)
	clustertest.Begin(kit, m.bank.Operations, bank.Operation(bank.Transfer{ID: "gift", From: "ann", To: "bob", Cents: 5}))
	hold.Await(1)
	w.await(t, "what is under way is stored", func(s *stored) bool {
		return s.has(":attempts") && s.has(":groups") && s.has(":outbox") && s.has(":p:$$__parked") && s.has(":endings")
	})
	then()
}

// goesOn checks what testdata/upgrade has, and that work goes on from there.
func (m *upgradeModules) goesOn(t *testing.T, c *localcluster.Cluster) {
	t.Helper()
	m.launch(t, c, &m.bank, &m.micro, &m.kinds)
	r := c.Client().At(t.Context())
	// A transfer was under way, and a deposit lay in the depot.
	if left := m.operate(t, c, bank.Deposit{ID: "new", Account: "ann", Cents: 1}); left != 100-30-5+7+1 {
		t.Errorf("ann has %d cents after another, want %d", left, 100-30-5+7+1)
	}
	// What was carried out by the version before is not carried out again.
	if left := m.operate(t, c, bank.Transfer{ID: "rent", From: "ann", To: "bob", Cents: 30}); left != 70 {
		t.Errorf("a transfer that was carried out is answered with %d cents, want 70", left)
	}
	m.operate(t, c, bank.Transfer{ID: "last", From: "ann", To: "bob", Cents: 2}) // behind the gift in its channel
	if have, err := m.bank.Balances.Key("bob").Get(r); err != nil || have != 30+5+2 {
		t.Errorf("bob has %d cents, %v; want %d", have, err, 30+5+2)
	}
	lines := 0
	for _, err := range m.bank.History.Key("bob").Range(r, pstate.All[bank.Moment]()) {
		if err != nil {
			t.Fatal(err)
		}
		lines++
	}
	if lines != 3 {
		t.Errorf("bob's history has %d lines, want 3", lines)
	}
	m.pay(t, c, bankmicrobatch.Operation{ID: "new", To: "dan", Cents: 5})
	if have, err := m.micro.Balances.Key("dan").Get(r); err != nil || have != 25 {
		t.Errorf("dan has %d cents, %v; want 25", have, err)
	}
	parked, err := c.Client().Parked(t.Context(), m.bank.Name)
	if err != nil || len(parked) != 1 || string(parked[0].Value) != noOperation {
		t.Errorf("parked are %v, %v; want one", parked, err)
	}
	m.kinds.check(t, c)
}

// check looks at the words: those of before, the one that failed, and one more.
func (m *kinds) check(t *testing.T, c *localcluster.Cluster) {
	t.Helper()
	ctx := t.Context()
	if _, err := m.Words.Append(ctx, c.Client(), "be"); err != nil {
		t.Fatal(err)
	}
	if err := c.Client().WaitProcessed(ctx, client.Place{Module: m.name, Depot: "words", Partition: int32(task.OfString("broken", upgradeTasks))}); err != nil {
		t.Fatal(err)
	}
	for word, want := range map[string]int{"broken": 1, "to": 2, "be": 3, "or": 1, "question": 1} {
		r := c.Client().AtTask(ctx, task.OfString(word, upgradeTasks))
		n, err := m.Counts.Key(word).Get(r)
		length, lengthErr := m.Lengths.Key(word).Get(r)
		seen, seenErr := m.Seen.Has(r, word)
		ordered, orderErr := m.Order.Has(r, word)
		letter, letterErr := m.Letters.Key(word).Has(r, word[:1])
		name, nameErr := m.Profiles.Key(word).Name.Get(r)
		notes, notesErr := m.Profiles.Key(word).Notes.Len(r)
		if err := errors.Join(err, lengthErr, seenErr, orderErr, letterErr, nameErr, notesErr); err != nil {
			t.Fatal(err)
		}
		have := fmt.Sprint(n, length, seen, ordered, letter, name, notes)
		if want := fmt.Sprint(want, len(word), true, true, true, word, want); have != want {
			t.Errorf("of %s there is %s, want %s", word, have, want)
		}
	}
	var recent []string
	for id := range task.ID(upgradeTasks) {
		r := c.Client().AtTask(ctx, id)
		for e, err := range m.Recent.Range(r, pstate.All[int]()) {
			if err != nil {
				t.Fatal(err)
			}
			recent = append(recent, e.Val)
		}
		if last, there, err := m.Last.Lookup(r); err != nil || there && task.OfString(last, upgradeTasks) != id {
			t.Errorf("task %d has last seen %q, %v", id, last, err)
		}
	}
	want := append(upgradeWords(), "broken", "be")
	slices.Sort(recent)
	slices.Sort(want)
	if !slices.Equal(recent, want) {
		t.Errorf("the lists have %v, want %v", recent, want)
	}
}

func (m *upgradeModules) launch(t *testing.T, c *localcluster.Cluster, all ...module.Module) {
	t.Helper()
	for _, one := range all {
		if err := c.Launch(t.Context(), one, localcluster.LaunchConfig{Tasks: upgradeTasks}); err != nil {
			t.Fatal(err)
		}
	}
}

// operate appends an operation to the bank, and returns what was left.
func (m *upgradeModules) operate(t *testing.T, c *localcluster.Cluster, op bank.Operation) int64 {
	t.Helper()
	acks, err := m.bank.Operations.Append(t.Context(), c.Client(), op)
	if err != nil {
		t.Fatal(err)
	}
	left, _ := m.bank.Left.From(acks)
	return left
}

// pay appends an operation to the microbatch, and waits until it is in the books.
func (m *upgradeModules) pay(t *testing.T, c *localcluster.Cluster, op bankmicrobatch.Operation) {
	t.Helper()
	r, err := m.micro.Operations.Record(op)
	if err != nil {
		t.Fatal(err)
	}
	place, err := c.Client().Put(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Client().WaitProcessed(t.Context(), place); err != nil {
		t.Fatal(err)
	}
}
