// Package progress says which records of a depot partition a source is done with.
package progress

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Range is the offsets from First to Last, both included.
type Range struct{ First, Last int64 }

// Progress says which records of a partition a source is done with: all below
// Next, and the ranges above it. Keeping the ranges makes a record without hops
// exactly once: one slow tree ahead of it does not have it run again.
type Progress struct {
	Next  int64
	Topic [16]byte // id of the topic that the offsets belong to (T23)
	Epoch int32    // newest leader epoch of the records read until then, -1 if unknown (T20)
	done  []Range  // sorted, apart from each other, all above Next
	// parked are the records among done that were put aside: they stay so when a
	// source goes back (promise 3.60).
	parked []Range
}

// New starts at an offset.
func New(next int64, topic [16]byte) Progress {
	return Progress{Next: next, Topic: topic, Epoch: -1}
}

// Done reports whether an offset is finished.
func (p *Progress) Done(offset int64) bool {
	if offset < p.Next {
		return true
	}
	if len(p.done) == 0 {
		return false
	}
	i := p.search(offset)
	return i < len(p.done) && p.done[i].First <= offset
}

// search finds the first range that ends at or above an offset.
func (p *Progress) search(offset int64) int {
	i, _ := slices.BinarySearchFunc(p.done, offset, func(r Range, o int64) int {
		if r.Last < o {
			return -1
		}
		return 1
	})
	return i
}

// Finish marks one offset as finished.
func (p *Progress) Finish(offset int64) {
	if offset == p.Next && len(p.done) == 0 {
		p.Next++
		return
	}
	p.FinishRange(offset, offset)
}

// FinishRange marks the offsets from first to last as finished: records, or
// gaps in the log where there are none (T25).
func (p *Progress) FinishRange(first, last int64) {
	first = max(first, p.Next)
	if first > last {
		return
	}
	from := p.search(first)
	if from > 0 && p.done[from-1].Last == first-1 {
		from--
	}
	to := from
	for to < len(p.done) && p.done[to].First <= last+1 {
		first = min(first, p.done[to].First)
		last = max(last, p.done[to].Last)
		to++
	}
	p.done = slices.Replace(p.done, from, to, Range{first, last})
	if p.done[0].First == p.Next {
		p.Next = p.done[0].Last + 1
		p.done = slices.Delete(p.done, 0, 1)
		for len(p.parked) > 0 && p.parked[0].Last < p.Next {
			p.parked = slices.Delete(p.parked, 0, 1)
		}
	}
}

// Finished lists what is finished from one offset up to another one, as ranges apart from
// each other.
func (p *Progress) Finished(from, to int64) []Range {
	var all []Range
	if from < p.Next {
		all = append(all, Range{from, min(p.Next, to) - 1})
	}
	for _, r := range p.done {
		if r.First < to && r.Last >= from {
			all = append(all, Range{max(r.First, from), min(r.Last, to-1)})
		}
	}
	return all
}

// Park marks one offset as finished for good: Rewind does not open it again.
func (p *Progress) Park(offset int64) {
	p.Finish(offset)
	if offset < p.Next {
		return
	}
	i, _ := slices.BinarySearchFunc(p.parked, offset, func(r Range, o int64) int {
		if r.Last < o {
			return -1
		}
		return 1
	})
	p.parked = slices.Insert(p.parked, i, Range{offset, offset})
}

// Rewind opens all offsets again from the given one on, but for parked ones.
// Those below Next stay finished.
func (p *Progress) Rewind(offset int64) {
	for i := len(p.done) - 1; i >= 0 && p.done[i].Last >= offset; i-- {
		if p.done[i].First >= offset {
			p.done = p.done[:i]
		} else {
			p.done[i].Last = offset - 1
		}
	}
	for _, r := range p.parked {
		p.FinishRange(r.First, r.Last)
	}
}

// AddOffset adds one offset to ranges in ascending order.
func AddOffset(ranges []Range, offset int64) []Range {
	if n := len(ranges); n > 0 && ranges[n-1].Last == offset-1 {
		ranges[n-1].Last = offset
		return ranges
	}
	i, have := slices.BinarySearchFunc(ranges, offset, func(r Range, o int64) int {
		switch {
		case r.Last < o:
			return -1
		case r.First > o:
			return 1
		}
		return 0
	})
	if have {
		return ranges
	}
	if i > 0 && ranges[i-1].Last == offset-1 {
		ranges[i-1].Last = offset
		if i < len(ranges) && ranges[i].First == offset+1 {
			ranges[i-1].Last = ranges[i].Last
			ranges = slices.Delete(ranges, i, i+1)
		}
		return ranges
	}
	if i < len(ranges) && ranges[i].First == offset+1 {
		ranges[i].First = offset
		return ranges
	}
	return slices.Insert(ranges, i, Range{offset, offset})
}

// End is the offset behind the last finished one.
func (p *Progress) End() int64 {
	if n := len(p.done); n > 0 {
		return p.done[n-1].Last + 1
	}
	return p.Next
}

// Ahead is the number of finished offsets above Next.
func (p *Progress) Ahead() (n int64) {
	for _, r := range p.done {
		n += r.Last - r.First + 1
	}
	return n
}

// Above is the number of finished ranges above Next.
func (p *Progress) Above() int { return len(p.done) }

// progressVersion opens the stored form.
const progressVersion = "1"

// AppendText appends the stored form, one line that a person can read:
//
//	1 next=120 epoch=3 topic=5f…c1 done=125-130,140 parked=140
//
// epoch is left out when unknown, topic when zero, done and parked when empty.
func (p *Progress) AppendText(dst []byte) []byte {
	dst = append(dst, progressVersion+" next="...)
	dst = strconv.AppendInt(dst, p.Next, 10)
	if p.Epoch >= 0 {
		dst = append(dst, " epoch="...)
		dst = strconv.AppendInt(dst, int64(p.Epoch), 10)
	}
	if p.Topic != ([16]byte{}) {
		dst = append(dst, " topic="...)
		dst = hex.AppendEncode(dst, p.Topic[:])
	}
	dst = AppendRanges(dst, " done=", p.done)
	return AppendRanges(dst, " parked=", p.parked)
}

// AppendRanges appends ranges behind a name: " done=125-130,140"; nothing if there are
// none.
func AppendRanges(dst []byte, name string, ranges []Range) []byte {
	for i, r := range ranges {
		if i == 0 {
			dst = append(dst, name...)
		} else {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(dst, r.First, 10)
		if r.Last != r.First {
			dst = append(dst, '-')
			dst = strconv.AppendInt(dst, r.Last, 10)
		}
	}
	return dst
}

// Parse reads the stored form.
func Parse(text string) (Progress, error) {
	p := Progress{Epoch: -1, Next: -1}
	bad := func(why string) (Progress, error) {
		return Progress{}, fmt.Errorf("progress %q: %s", text, why)
	}
	words := strings.Split(text, " ")
	if words[0] != progressVersion {
		return bad("format version is not " + progressVersion)
	}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		var err error
		switch key {
		case "next":
			p.Next, err = strconv.ParseInt(value, 10, 64)
		case "epoch":
			var n int64
			n, err = strconv.ParseInt(value, 10, 32)
			p.Epoch = int32(n)
		case "topic":
			if len(value) != 32 {
				return bad("topic id has not 32 digits")
			}
			_, err = hex.Decode(p.Topic[:], []byte(value))
		case "done":
			p.done, err = ParseRanges(value)
		case "parked":
			p.parked, err = ParseRanges(value)
		default:
			return bad("unknown word " + key)
		}
		if err != nil {
			return bad(err.Error())
		}
	}
	if p.Next < 0 {
		return bad("no next offset")
	}
	for i, r := range p.done {
		if r.First <= p.Next || i > 0 && r.First <= p.done[i-1].Last+1 {
			return bad("ranges not apart and above next")
		}
	}
	for i, r := range p.parked {
		if r.First <= p.Next || i > 0 && r.First <= p.parked[i-1].Last || !p.Done(r.First) || !p.Done(r.Last) {
			return bad("parked offsets that are not done, or not in order")
		}
	}
	return p, nil
}

// ParseRanges reads ranges back.
func ParseRanges(text string) ([]Range, error) {
	var ranges []Range
	for part := range strings.SplitSeq(text, ",") {
		firstText, lastText, two := strings.Cut(part, "-")
		first, err := strconv.ParseInt(firstText, 10, 64)
		if err != nil {
			return nil, err
		}
		last := first
		if two {
			if last, err = strconv.ParseInt(lastText, 10, 64); err != nil {
				return nil, err
			}
		}
		if last < first || first < 0 {
			return nil, fmt.Errorf("range %q runs backwards", part)
		}
		ranges = append(ranges, Range{first, last})
	}
	return ranges, nil
}
