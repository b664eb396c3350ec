package main

import (
	"fmt"
	"strings"
	"testing"
)

// What the books say of an operation, against what its appender was told.
func TestOrdersAreJudged(t *testing.T) {
	t.Parallel()
	gift := order{account: "rich", peer: "poor", id: "g", cents: -5, outcome: acked}
	ann, bob := line{"rich", "rich", "g"}, line{"poor", "rich", "g"}
	with := func(o order, chance chance, outcome outcome) order {
		o.chance, o.outcome = chance, outcome
		return o
	}
	for name, c := range map[string]struct {
		order  order
		lines  map[line]int
		turned int
		want   string // of the verdict
	}{
		"once":               {gift, map[line]int{ann: 1, bob: 1}, 0, ""},
		"not there":          {gift, nil, 0, "lost: is not in the books"},
		"half":               {gift, map[line]int{ann: 1}, 0, "strange: 1 times in its books, and 0 times"},
		"credit alone":       {gift, map[line]int{bob: 1}, 0, "lost: is not in the books strange: 0 times in its books, and 1 times"},
		"twice":              {gift, map[line]int{ann: 2, bob: 2}, 0, "doubled: 2 times in its books"},
		"credit twice":       {gift, map[line]int{ann: 1, bob: 2}, 0, "strange: 1 times in its books, and 2 times"},
		"hopeless":           {with(gift, hopeless, refused), nil, 0, ""},
		"hopeless and there": {with(gift, hopeless, refused), map[line]int{ann: 1, bob: 1}, 0, "strange: never enough"},
		"sure and refused":   {with(gift, sure, refused), map[line]int{ann: 1, bob: 1}, 0, "strange: always enough"},
		"open, refused":      {with(gift, open, refused), nil, 0, ""},
		"open, turned":       {with(gift, open, refused), map[line]int{ann: 1, bob: 1}, 1, ""},
		"open, turned back":  {with(gift, open, acked), nil, 1, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, fold := &verdict{}, map[string]int64{}
			there := c.lines[ann] > 0
			if turned := c.order.judge(v, c.lines, fold); turned != c.turned {
				t.Errorf("turned %d, want %d", turned, c.turned)
			}
			if len(c.lines) > 0 {
				t.Errorf("lines are left: %v", c.lines)
			}
			if there != (fold["rich"] == -5 && fold["poor"] == 5) {
				t.Errorf("the fold is %v", fold)
			}
			got := said("lost", v.lost) + said("doubled", v.doubled)
			for _, err := range v.strange {
				got += said("strange", []string{err.Error()})
			}
			for _, part := range strings.Split(c.want, " strange: ") {
				_, text, _ := strings.Cut(part, ": ")
				if !strings.Contains(got, text) || c.want == "" && got != "" {
					t.Errorf("the verdict is %q, want %q", got, c.want)
				}
			}
		})
	}
}

func said(what string, list []string) (all string) {
	for _, text := range list {
		all += fmt.Sprintf("%s: %s; ", what, text)
	}
	return all
}

func TestBooksAreJudged(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		book             book
		doubled, strange int
	}{
		{book{balance: 5, sum: 5, cash: 7, paid: 7}, 0, 0},
		{book{balance: 10, sum: 5}, 1, 0},
		{book{balance: 5, sum: 5, cash: 7, paid: 14}, 1, 0},
		{book{balance: -5, sum: -5}, 0, 1},
	} {
		v := &verdict{}
		if c.book.judge(v); len(v.doubled) != c.doubled || len(v.strange) != c.strange {
			t.Errorf("%+v: %d doubled and %d strange, want %d and %d", c.book, len(v.doubled), len(v.strange), c.doubled, c.strange)
		}
	}
}

// What is sure is sure, and what is hopeless is: a rich account has enough for hours of a
// thousand operations a second, and all accounts together have too little for a dream.
func TestChancesAreWhatTheyAre(t *testing.T) {
	t.Parallel()
	if hours := fortune / giftMax / 1000 / 3600; hours < 10 {
		t.Errorf("a rich account is empty after %d hours", hours)
	}
	if dream <= int64(richCount)*fortune*1000 {
		t.Error("a dream may come true")
	}
	kinds := map[chance]int{}
	for n := range 2000 {
		o := drawn("0-0", n)
		kinds[o.chance]++
		switch {
		case o.account == o.peer, o.chance == sure && (o.account[:4] != "rich" || o.cents > giftMax || o.cents < -giftMax), o.chance == open && o.account[:4] != "poor":
			t.Errorf("drawn: %+v", o)
		}
		if again := drawn("0-0", n); again != o {
			t.Errorf("number %d is drawn as %+v and as %+v", n, o, again)
		}
	}
	if kinds[sure] < 1000 || kinds[hopeless] < 100 || kinds[open] < 400 {
		t.Errorf("drawn: %v", kinds)
	}
}
