package sender_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/coppice-run/coppice/internal/sender"
	"github.com/coppice-run/coppice/task"
)

func token(b byte) (t task.Token) {
	for i := range t {
		t[i] = b
	}
	return t
}

// R30: of the numbered appends of a task each is taken once and in order, whatever
// the log holds of them.
func TestJudge(t *testing.T) {
	t.Parallel()
	type step struct {
		append sender.Append
		want   sender.Verdict
	}
	a, b := token(0xaa), token(0xbb)
	of := func(tok task.Token, number, known uint64) sender.Append {
		return sender.Append{Line: 7, Number: number, Known: known, Token: tok}
	}
	for name, steps := range map[string][]step{
		"in order":            {{of(a, 1, 0), sender.Take}, {of(a, 2, 1), sender.Take}, {of(b, 3, 1), sender.Take}},
		"repeated":            {{of(a, 1, 0), sender.Take}, {of(a, 2, 1), sender.Take}, {of(a, 1, 0), sender.Repeated}, {of(a, 2, 1), sender.Repeated}, {of(b, 3, 1), sender.Take}, {of(a, 2, 1), sender.Repeated}},
		"one was lost":        {{of(a, 1, 0), sender.Take}, {of(a, 3, 1), sender.Early}, {of(a, 4, 1), sender.Early}, {of(a, 2, 1), sender.Take}, {of(a, 3, 1), sender.Take}, {of(a, 4, 1), sender.Take}},
		"one is gone":         {{of(a, 1, 0), sender.Take}, {of(a, 3, 2), sender.Missing}},
		"given twice":         {{of(a, 1, 0), sender.Take}, {of(a, 2, 1), sender.Take}, {of(a, 3, 1), sender.Take}, {of(b, 2, 1), sender.Renumbered}},
		"given twice, at end": {{of(a, 1, 0), sender.Take}, {of(a, 2, 1), sender.Take}, {of(b, 2, 1), sender.Renumbered}},
		"begun anew":          {{of(a, 5, 4), sender.Take}, {sender.Append{Line: 8, Number: 1, Token: b}, sender.Renumbered}},
		"middle":              {{of(a, 5, 4), sender.Take}, {of(a, 4, 3), sender.Repeated}, {of(a, 6, 4), sender.Take}},
		"middle, unknown":     {{of(a, 5, 2), sender.Take}, {of(a, 6, 2), sender.Take}, {of(a, 7, 5), sender.Take}, {of(a, 4, 2), sender.Repeated}, {of(a, 8, 5), sender.Take}},
		"middle, one lost":    {{of(a, 5, 2), sender.Take}, {of(a, 6, 2), sender.Take}, {of(a, 4, 3), sender.Take}, {of(a, 5, 3), sender.Repeated}, {of(a, 6, 3), sender.Repeated}, {of(a, 7, 3), sender.Take}, {of(a, 4, 3), sender.Repeated}},
		"middle, two lost":    {{of(a, 5, 2), sender.Take}, {of(a, 3, 2), sender.Take}, {of(a, 5, 2), sender.Repeated}, {of(a, 6, 2), sender.Take}, {of(a, 4, 2), sender.Take}, {of(a, 6, 2), sender.Repeated}, {of(a, 8, 6), sender.Early}},
		"middle, far ahead":   {{of(a, 5, 2), sender.Take}, {of(a, 7, 2), sender.Take}, {of(a, 6, 2), sender.Take}, {of(a, 7, 2), sender.Repeated}, {of(b, 6, 2), sender.Renumbered}},
		"middle, known":       {{of(a, 5, 2), sender.Take}, {of(a, 7, 6), sender.Take}, {of(a, 6, 2), sender.Repeated}, {of(a, 9, 8), sender.Missing}},
		"middle, floor":       {{of(a, 5, 2), sender.Take}, {of(a, 2, 1), sender.Repeated}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var p sender.Position
			for i, s := range steps {
				if got := p.Judge(s.append); got != s.want {
					t.Fatalf("step %d, %+v: %v, want %v; position %s", i, s.append, got, s.want, p.AppendText(nil))
				}
				back, err := sender.Parse(string(p.AppendText(nil)))
				if err != nil || !cmp.Equal(back, p) {
					t.Fatalf("the position came back as %+v, %v; it was %+v", back, err, p)
				}
			}
		})
	}
}

// R31: going on after a lost tail says how many numbers are given again, and counts on
// from there.
func TestRenumber(t *testing.T) {
	t.Parallel()
	var p sender.Position
	for n := range uint64(5) {
		p.Judge(sender.Append{Number: n + 1, Known: n, Token: token(0xaa)})
	}
	again := sender.Append{Number: 3, Known: 2, Token: token(0xbb)}
	if v := p.Judge(again); v != sender.Renumbered {
		t.Fatalf("%v", v)
	}
	if n, missing := p.Renumber(again); n != 3 || missing != 0 {
		t.Errorf("%d numbers are given again, want 3; %d missing", n, missing)
	}
	for _, n := range []uint64{4, 5, 6} {
		if v := p.Judge(sender.Append{Number: n, Known: n - 1, Token: token(0xbb)}); v != sender.Take {
			t.Errorf("number %d: %v", n, v)
		}
	}
	anew := sender.Append{Line: 9, Number: 1, Token: token(0xcc)}
	if v := p.Judge(anew); v != sender.Renumbered {
		t.Fatalf("another line: %v", v)
	}
	if n, missing := p.Renumber(anew); n != 6 || missing != 0 {
		t.Errorf("%d numbers are given again, want 6; %d missing", n, missing)
	}
	if v := p.Judge(sender.Append{Line: 9, Number: 2, Known: 1, Token: token(0xcc)}); v != sender.Take {
		t.Errorf("behind it: %v", v)
	}
}

// Going on behind a gap counts what is missing.
func TestRenumberBehindAGap(t *testing.T) {
	t.Parallel()
	var p sender.Position
	p.Judge(sender.Append{Number: 1, Token: token(0xaa)})
	far := sender.Append{Number: 5, Known: 4, Token: token(0xaa)}
	if v := p.Judge(far); v != sender.Missing {
		t.Fatalf("%v", v)
	}
	if again, missing := p.Renumber(far); again != 0 || missing != 3 {
		t.Errorf("%d given again, %d missing, want 0 and 3", again, missing)
	}
	if v := p.Judge(sender.Append{Number: 6, Known: 4, Token: token(0xaa)}); v != sender.Take {
		t.Errorf("behind it: %v", v)
	}
}

// Older forms of a position that do not go together are refused.
func TestParse(t *testing.T) {
	t.Parallel()
	good := "1 line=0000000a last=2 ahead=5-6,9-9 periods=" + token(1).String() + ":5"
	if p, err := sender.Parse(good); err != nil || string(p.AppendText(nil)) != good {
		t.Errorf("%q came back as %q, %v", good, p.AppendText(nil), err)
	}
	for _, bad := range []string{"", "2 last=1", "1 last=1", "1 line=a last=1", "1 last=x", "1 last=1 what=2", "1 last=5 ahead=6-7 periods=" + token(1).String() + ":1",
		"1 last=5 ahead=7 periods=" + token(1).String() + ":1", "1 last=5 ahead=8-7 periods=" + token(1).String() + ":1", "1 last=5 periods=aa:1"} {
		if _, err := sender.Parse(bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}

// A sender that loses appends, sends again what was behind them, and hands over to
// others that send again what they do not know to be there: from the start of the
// log each number is taken once, in order, whenever a source reads.
func TestEachNumberIsTakenOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		log := drawLog(t)
		var p sender.Position
		var took []uint64
		for _, a := range log {
			switch v := p.Judge(a); v {
			case sender.Take:
				took = append(took, a.Number)
			case sender.Renumbered, sender.Missing:
				t.Fatalf("%+v is %v in %+v", a, v, log)
			}
		}
		for i, n := range took {
			if n != uint64(i)+1 {
				t.Fatalf("taken %v of %+v", took, log)
			}
		}
		if most := slices.MaxFunc(log, func(a, b sender.Append) int { return int(a.Number) - int(b.Number) }); p.Last != most.Number {
			t.Fatalf("taken up to %d, sent up to %d: %+v", p.Last, most.Number, log)
		}
		// From the middle: none twice, and none missing of those whose first copy is behind the start.
		start := rapid.IntRange(0, len(log)-1).Draw(t, "start")
		var q sender.Position
		taken := map[uint64]int{}
		for _, a := range log[start:] {
			if q.Judge(a) == sender.Take {
				taken[a.Number]++
			}
		}
		first := map[uint64]int{}
		for i, a := range log {
			if _, ok := first[a.Number]; !ok {
				first[a.Number] = i
			}
		}
		for n, i := range first {
			if taken[n] > 1 || i >= start && taken[n] == 0 {
				t.Fatalf("from %d on number %d was taken %d times of %+v", start, n, taken[n], log)
			}
		}
	})
}

// drawLog draws what a log may hold of one sender: rounds of sending what is not
// known to be there, in order, of which some is lost. The first number goes alone.
func drawLog(t *rapid.T) []sender.Append {
	var log []sender.Append
	known, last, period := uint64(0), uint64(0), byte(1)
	given := map[uint64]task.Token{}
	for round := 0; round < 8 || known < last; round++ {
		if round < 8 {
			last += uint64(rapid.IntRange(0, 3).Draw(t, "new"))
			last = max(last, 1)
		}
		lossy := round < 8
		if rapid.IntRange(0, 3).Draw(t, "hand over") == 0 {
			period++
		}
		base, whole := known, true
		for n := base + 1; n <= last; n++ {
			if _, ok := given[n]; !ok {
				given[n] = token(period)
			}
			a := sender.Append{Line: 1, Number: n, Known: known, Token: given[n]}
			fate := 0
			if lossy {
				fate = rapid.IntRange(0, 4).Draw(t, "fate")
			}
			switch fate {
			case 1: // lost, and the sender learns of it later
				whole = false
			case 2: // there, and the sender does not know
				log = append(log, a)
				whole = false
			case 3: // there twice
				log = append(log, a, a)
			default:
				log = append(log, a)
			}
			if whole && fate != 1 && fate != 2 {
				known = n
			}
			if n == 1 && known == 0 {
				break // the first goes alone until it is there
			}
		}
	}
	return log
}
