package microbatch

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/task"
)

// State is what the coordinator's slot says of the latest microbatch. The zero State:
// there was none.
type State struct {
	Version int `json:"version"`
	Name
	Attempt int     `json:"attempt"`           // 1 for the first
	Ranges  []Range `json:"ranges"`            // those that are not empty
	Blames  []Blame `json:"blames,omitempty"`  // records whose events have failed
	Decided bool    `json:"decided,omitempty"` // the attempt is the one that counts
	// Before is the token that was decided for the microbatch before this one.
	Before task.Token `json:"before"`
}

// Range is the records of one source on one task that belong to a microbatch; or what is put
// aside there of one record, and runs again.
type Range struct {
	Source string  `json:"source"` // by its name: versions of a module number them otherwise
	Task   task.ID `json:"task"`
	From   int64   `json:"from"`
	To     int64   `json:"to"` // offset behind the last
	Parked string  `json:"parked,omitempty"`
}

// Blame counts the attempts that failed by a record.
type Blame struct {
	Record
	Count  int    `json:"count"`
	Reason string `json:"reason"`
	Parks  bool   `json:"parks,omitempty"` // it is put aside and not run any more
}

// Record names a record of a source, or what was put aside of one and runs again: a range of
// it says which. The two may have one offset, since events are put aside on other tasks than
// that of their record.
type Record struct {
	Source string  `json:"source"`
	Task   task.ID `json:"task"`
	Offset int64   `json:"offset"`
	Parked string  `json:"parked,omitempty"`
}

// record is the first of a range, or the only one.
func (r *Range) record() Record { return Record{r.Source, r.Task, r.From, r.Parked} }

// againMax bounds what a microbatch runs again of what was put aside: events carry the
// number of it in 16 bits.
const againMax = 1<<16 - 1

// Numbers are the numbers by which events say what runs again, from 1 in the order of the
// ranges; 0 of the others.
func (s *State) Numbers() []uint16 {
	numbers, last := make([]uint16, len(s.Ranges)), uint16(0)
	for i := range s.Ranges {
		if s.Ranges[i].Parked != "" {
			last++
			numbers[i] = last
		}
	}
	return numbers
}

// Again finds by its number what runs again.
func (s *State) Again(number uint16) (r Record, ok bool) {
	i := slices.Index(s.Numbers(), number)
	if number == 0 || i < 0 {
		return r, false
	}
	return s.Ranges[i].record(), true
}

const version = 1

// AppendText appends the stored form.
func (s *State) AppendText(dst []byte) []byte {
	s.Version = version
	raw, err := json.Marshal(s)
	if err != nil {
		panic(err) // nothing in it that does not encode
	}
	return append(dst, raw...)
}

// ParseState reads the stored form; the empty text is the zero State.
func ParseState(text string) (s State, err error) {
	if text == "" {
		return s, nil
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("microbatch %q: %w", text, err)
	}
	if s.Version != version {
		return s, fmt.Errorf("microbatch %q: format version %d, this program reads %d", text, s.Version, version)
	}
	return s, nil
}

// Keep leaves out the ranges of sources that are not there any more.
func (s *State) Keep(known func(source string) bool) {
	s.Ranges = slices.DeleteFunc(s.Ranges, func(r Range) bool { return !known(r.Source) })
}

// shorten halves the ranges; false if one record is left.
func (s *State) shorten() bool {
	halved := false
	for i := range s.Ranges {
		if r := &s.Ranges[i]; r.To-r.From > 1 {
			r.To = r.From + (r.To-r.From)/2
			halved = true
		}
	}
	if !halved && len(s.Ranges) > 1 {
		s.Ranges = s.Ranges[:len(s.Ranges)/2]
		halved = true
	}
	return halved
}

// alone is the record that the microbatch consists of, if it is one, and not put aside yet.
func (s *State) alone() (Record, bool) {
	if len(s.Ranges) != 1 || s.Ranges[0].To-s.Ranges[0].From != 1 {
		return Record{}, false
	}
	r := s.Ranges[0].record()
	return r, !slices.ContainsFunc(s.Blames, func(b Blame) bool { return b.Record == r && b.Parks })
}

// attempts is how many a record has: one that was put aside before has a single one.
func (s *State) attempts(r Record, most func(source string) int) int {
	if r.Parked != "" {
		return 1
	}
	return most(r.Source)
}

// anySource is the name of a source that the microbatch has records of.
func (s *State) anySource() string {
	if len(s.Ranges) == 0 {
		return ""
	}
	return s.Ranges[0].Source
}

// blame counts a failure of a record; after so many the record is put aside.
func (s *State) blame(r Record, reason string, most int) {
	for i := range s.Blames {
		if b := &s.Blames[i]; b.Record == r {
			b.Count++
			b.Reason = reason
			b.Parks = b.Parks || most > 0 && b.Count >= most
			return
		}
	}
	s.Blames = append(s.Blames, Blame{Record: r, Count: 1, Reason: reason, Parks: most == 1})
}
