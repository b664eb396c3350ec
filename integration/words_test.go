package integration

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/module/agg"
	"github.com/coppice-run/coppice/pstate"
)

// words counts words at the task of each, and per sentence and position in a
// nested structure; its ack is the number of words.
type words struct {
	name      string
	Sentences module.Depot[string]
	Counts    pstate.Map[string, int]
	Follows   pstate.MapOf[string, pstate.SortedMap[string, int]] // word, next word, times
	Last      pstate.SortedSet[string]
	Words     module.Ack[int]

	count module.Step[pair]
}

type pair struct{ Word, Next string }

func (m *words) ModuleName() string { return m.name }

func (m *words) Define(b *module.Builder) {
	module.HashDepot(b, &m.Sentences, "sentences", func(s string) string { return s })
	s := b.Stream("words")
	s.PState(&m.Counts, "counts")
	s.PState(&m.Follows, "follows")
	s.PState(&m.Last, "last")
	module.DeclareAck(s, &m.Words, agg.Sum[int]())
	module.DeclareStep(s, &m.count, "count", module.At(&m.Counts, func(p pair) string { return p.Word }), m.onWord)
	module.DeclareSource(s, m.Sentences, m.onSentence)
}

func (m *words) onSentence(ev *module.Event, sentence string) error {
	if strings.Contains(sentence, "forbidden") {
		return module.Reject(errors.New("a forbidden word"))
	}
	list := strings.Fields(sentence)
	for i, w := range list {
		p := pair{Word: w}
		if i+1 < len(list) {
			p.Next = list[i+1]
		}
		m.count.Send(ev, p)
	}
	return nil
}

func (m *words) onWord(ev *module.Event, p pair) error {
	agg.Inc(ev, m.Counts.Key(p.Word))
	if p.Next != "" {
		agg.Inc(ev, m.Follows.Key(p.Word).Key(p.Next))
	} else {
		m.Last.Add(ev, p.Word)
	}
	m.Words.Return(ev, 1)
	return nil
}

// promise 3.17 promise 3.18 promise 3.80: an append waits until all is processed
// and a read after it sees the effect, on every kind of server.
func TestAnAppendReturnsWhatWasComputed(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &words{name: unique("Words")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 5, Workers: 2}); err != nil {
			t.Fatal(err)
		}
		for range 3 {
			acks, err := m.Sentences.Append(t.Context(), c.Client(), "to be or not to be")
			if err != nil {
				t.Fatal(err)
			}
			if n, ok := m.Words.From(acks); !ok || n != 6 {
				t.Errorf("ack %d, %v; the sentence has 6 words", n, ok)
			}
		}
		r := c.Client().At(t.Context())
		for w, want := range map[string]int{"to": 6, "be": 6, "or": 3, "not": 3, "absent": 0} {
			if got, err := m.Counts.Key(w).Get(r); err != nil || got != want {
				t.Errorf("count of %q is %d, %v; want %d", w, got, err, want)
			}
		}
		var after []string
		for e, err := range m.Follows.Key("to").Range(r, pstate.Span[string]{}) {
			if err != nil {
				t.Fatal(err)
			}
			after = append(after, fmt.Sprint(e.Key, " ", e.Val))
		}
		if got := strings.Join(after, ", "); got != "be 6" {
			t.Errorf("after %q come %q, want %q", "to", got, "be 6")
		}
		if _, err := m.Sentences.Append(t.Context(), c.Client(), "a forbidden thing"); !errors.Is(err, client.ErrRejected) {
			t.Errorf("a rejected record returned %v", err)
		}
	})
}

// Many appends at a time: every one is answered, and the counts are exact.
func TestManyAppendsAtATime(t *testing.T) {
	onAll(t, func(t *testing.T, c *localcluster.Cluster) {
		m := &words{name: unique("Words")}
		if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{Tasks: 4, Workers: 2}); err != nil {
			t.Fatal(err)
		}
		const writers, each = 32, 20
		var group sync.WaitGroup
		for w := range writers {
			group.Go(func() {
				for i := range each {
					acks, err := m.Sentences.Append(t.Context(), c.Client(), fmt.Sprintf("common w%d i%d", w, i))
					if n, ok := m.Words.From(acks); err != nil || !ok || n != 3 {
						t.Errorf("writer %d append %d: %d %v %v", w, i, n, ok, err)
						return
					}
				}
			})
		}
		group.Wait()
		r := c.Client().At(t.Context())
		if n, err := m.Counts.Key("common").Get(r); err != nil || n != writers*each {
			t.Errorf("common was counted %d times, %v; want %d", n, err, writers*each)
		}
		for w := range writers {
			if n, err := m.Counts.Key(fmt.Sprint("w", w)).Get(r); err != nil || n != each {
				t.Errorf("w%d was counted %d times, %v; want %d", w, n, err, each)
			}
		}
	})
}
