package sender

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// version opens the stored form.
const version = "1"

// AppendText appends the stored form, one line that a person can read:
//
//	1 line=1f00aa7c last=57 periods=0b7e…c4:1,93aa…10:40
//
// with " ahead=61-64,66-66" where the source began in the middle.
func (p *Position) AppendText(dst []byte) []byte {
	dst = AppendLine(append(dst, version+" line="...), p.Line)
	dst = strconv.AppendUint(append(dst, " last="...), p.Last, 10)
	for i, r := range p.Ahead {
		if i == 0 {
			dst = append(dst, " ahead="...)
		} else {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, r.First, 10)
		dst = strconv.AppendUint(append(dst, '-'), r.Last, 10)
	}
	dst = append(dst, " periods="...)
	for i, at := range p.Periods {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = hex.AppendEncode(dst, at.Token[:])
		dst = strconv.AppendUint(append(dst, ':'), at.First, 10)
	}
	return dst
}

// AppendLine appends a line's name: eight hexadecimal digits.
func AppendLine(dst []byte, line uint32) []byte { return fmt.Appendf(dst, "%08x", line) }

// ParseLine reads a line's name.
func ParseLine(text string) (uint32, error) {
	line, err := strconv.ParseUint(text, 16, 32)
	if err == nil && len(text) != 8 {
		err = fmt.Errorf("%q: want eight hexadecimal digits", text)
	}
	return uint32(line), err
}

// Parse reads a position back.
func Parse(text string) (p Position, err error) {
	words := strings.Split(text, " ")
	if words[0] != version {
		return p, fmt.Errorf("position %q: format version is not %s", text, version)
	}
	for _, word := range words[1:] {
		key, value, _ := strings.Cut(word, "=")
		switch key {
		case "line":
			p.Line, err = ParseLine(value)
		case "last":
			p.Last, err = strconv.ParseUint(value, 10, 64)
		case "ahead":
			p.Ahead, err = parseRanges(value)
		case "periods":
			p.Periods, err = parsePeriods(value)
		default:
			err = fmt.Errorf("unknown word %q", key)
		}
		if err != nil {
			return Position{}, fmt.Errorf("position %q: %w", text, err)
		}
	}
	last := p.Last
	for _, r := range p.Ahead {
		if r.First <= last+1 || r.Last < r.First {
			return Position{}, fmt.Errorf("position %q: what is ahead is not in order", text)
		}
		last = r.Last
	}
	if len(p.Periods) == 0 {
		return Position{}, fmt.Errorf("position %q: it names no period", text)
	}
	return p, nil
}

func parseRanges(text string) (ranges []Range, err error) {
	for part := range strings.SplitSeq(text, ",") {
		first, last, ok := strings.Cut(part, "-")
		if !ok {
			return nil, errors.New("a range is two numbers")
		}
		var r Range
		if r.First, err = strconv.ParseUint(first, 10, 64); err != nil {
			return nil, err
		}
		if r.Last, err = strconv.ParseUint(last, 10, 64); err != nil {
			return nil, err
		}
		ranges = append(ranges, r)
	}
	return ranges, nil
}

func parsePeriods(text string) (periods []Period, err error) {
	for part := range strings.SplitSeq(text, ",") {
		token, first, ok := strings.Cut(part, ":")
		var at Period
		if !ok || len(token) != 2*len(at.Token) {
			return nil, errors.New("a period is 32 hexadecimal digits, a colon and a number")
		}
		if _, err := hex.Decode(at.Token[:], []byte(token)); err != nil {
			return nil, err
		}
		if at.First, err = strconv.ParseUint(first, 10, 64); err != nil {
			return nil, err
		}
		periods = append(periods, at)
	}
	return periods, nil
}
