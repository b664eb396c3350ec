// Package sender says which numbered appends of a task a source has taken (R30).
//
// A log holds the numbers of a task in their order, but for two things: they may be
// repeated, and where one did not get into the log, what was sent behind it may
// stand before it, and then is sent once more. So the next number is taken, and any
// other is dropped.
//
// A source that begins in the middle of a log does not know which numbers are before
// it. Until the sender knows them to be in the log, it takes every number that it has
// not met, in any order: each once.
package sender

import (
	"slices"

	"github.com/coppice-run/coppice/task"
)

// Append is what a numbered append says of itself.
type Append struct {
	Line   uint32     // of numbers: another one begins at 1 again
	Number uint64     // from 1
	Known  uint64     // when it was sent the log had all up to this one; less than Number
	Token  task.Token // of the ownership period of the sender that gave the number
}

// Position is how far a source has got with the appends of one task, as of some
// offset of the log. The zero position has met none.
type Position struct {
	Line uint32
	Last uint64 // the numbers up to this one were taken, or stand before the source's start
	// Ahead are numbers above Last that were taken, sorted and apart from each other;
	// only where the source began in the middle.
	Ahead []Range
	// Periods are the last ownership periods of the sender in which its numbers were
	// given. By them a number that was given twice is told from one that was sent
	// twice.
	Periods []Period
}

// Range is the numbers from First to Last, both included.
type Range struct{ First, Last uint64 }

// Period is an ownership period of a sender, and the first number of it that the
// source took.
type Period struct {
	Token task.Token
	First uint64
}

// periodsMax bounds the periods that are kept: a number of an older one is taken to
// be sent twice.
const periodsMax = 8

// Verdict is what is to be done with a numbered append.
type Verdict uint8

const (
	Take     Verdict = iota // process it
	Repeated                // it was taken before: drop it
	Early                   // one before it is missing, and will come with it once more: drop it
	// Renumbered: another append had its number. The sender's store has lost a tail
	// that the log has, or was emptied (R31).
	Renumbered
	// Missing: the sender says that one before it was in the log, and it was not met.
	// The log has lost it (T20), or the sender's store a tail, and the append is of
	// that tail.
	Missing
)

func (v Verdict) String() string {
	return [...]string{"take", "repeated", "early", "renumbered", "missing"}[v]
}

// Judge decides about the next append of the sender that the log holds, and moves on
// if it is to be processed.
func (p *Position) Judge(a Append) Verdict {
	if len(p.Periods) == 0 {
		p.begin(a)
		return Take
	}
	if a.Line != p.Line {
		return Renumbered
	}
	if len(p.Ahead) > 0 {
		p.reach(a.Known)
	}
	switch middle := len(p.Ahead) > 0; {
	case a.Number <= p.Last || p.took(a.Number):
		return p.judgeAgain(a)
	case middle:
		p.takeAhead(a)
		return Take
	case a.Number == p.Last+1:
		p.Last = a.Number
		p.note(a)
		return Take
	case a.Known > p.Last:
		return Missing
	}
	return Early
}

// begin takes the first append that the source meets.
func (p *Position) begin(a Append) {
	*p = Position{Line: a.Line, Last: a.Known, Periods: []Period{{a.Token, a.Number}}}
	p.takeAhead(a)
}

// took reports whether a number above Last was taken.
func (p *Position) took(n uint64) bool {
	return slices.ContainsFunc(p.Ahead, func(r Range) bool { return r.First <= n && n <= r.Last })
}

// takeAhead takes a number, whatever is missing before it.
func (p *Position) takeAhead(a Append) {
	i, _ := slices.BinarySearchFunc(p.Ahead, a.Number, func(r Range, n uint64) int {
		if r.First < n {
			return -1
		}
		return 1
	})
	p.Ahead = slices.Insert(p.Ahead, i, Range{a.Number, a.Number})
	p.note(a)
	p.reach(p.Last)
}

// reach: the numbers up to n are in the log, and those of them that were not met
// stand before the start.
func (p *Position) reach(n uint64) {
	p.Last = max(p.Last, n)
	joined := p.Ahead[:0]
	for _, r := range p.Ahead {
		switch k := len(joined); {
		case r.First <= p.Last+1:
			p.Last = max(p.Last, r.Last)
		case k > 0 && joined[k-1].Last+1 == r.First:
			joined[k-1].Last = r.Last
		default:
			joined = append(joined, r)
		}
	}
	if p.Ahead = joined; len(joined) == 0 {
		p.Ahead = nil
	}
}

// judgeAgain decides about a number that was taken.
func (p *Position) judgeAgain(a Append) Verdict {
	for i := len(p.Periods) - 1; i >= 0; i-- {
		if at := p.Periods[i]; at.First <= a.Number {
			if at.Token != a.Token {
				return Renumbered
			}
			break
		}
	}
	return Repeated
}

// note notes the period of a number that is above all before.
func (p *Position) note(a Append) {
	last := p.Periods[len(p.Periods)-1]
	if last.Token == a.Token || a.Number <= last.First {
		return
	}
	p.Periods = append(p.Periods, Period{a.Token, a.Number})
	if len(p.Periods) > periodsMax {
		p.Periods = slices.Delete(p.Periods, 0, 1)
	}
}

// Renumber goes on from an append that is Renumbered or Missing. It says how many
// numbers the sender gives a second time, and how many were not met.
func (p *Position) Renumber(a Append) (again, missing uint64) {
	last := p.Last
	if n := len(p.Ahead); n > 0 {
		last = p.Ahead[n-1].Last
	}
	switch {
	case a.Line != p.Line:
		again, missing = last, a.Number-1
	case a.Number <= last:
		again = last - (a.Number - 1)
	default:
		missing = a.Number - 1 - last
	}
	*p = Position{Line: a.Line, Last: a.Number, Periods: slices.DeleteFunc(p.Periods, func(at Period) bool { return a.Line != p.Line || at.First >= a.Number })}
	p.Periods = append(p.Periods, Period{a.Token, a.Number})
	return again, missing
}

// Clone returns a copy that shares nothing.
func (p *Position) Clone() Position {
	c := *p
	c.Ahead, c.Periods = slices.Clone(p.Ahead), slices.Clone(p.Periods)
	return c
}
