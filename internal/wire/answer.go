package wire

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// Answer says how a record or an order ended, or who owns the task.
type Answer struct {
	Kind      uint8  // runtime.AnswerKind
	Topology  string // that failed, rejected or parked it
	Text      string
	Attempt   int
	WillRetry bool
	NotOwner  bool   // the asked worker does not own the task
	Address   string // who does, if known
	Returns   map[string]map[int][]byte
}

// Flags of an answer.
const (
	willRetry = 1 << iota
	notOwner
)

// AppendAnswer appends the stored form of an answer; equal answers have
// equal bytes.
func AppendAnswer(dst []byte, a *Answer) []byte {
	dst = append(dst, RequestVersion, a.Kind)
	var flags byte
	if a.WillRetry {
		flags |= willRetry
	}
	if a.NotOwner {
		flags |= notOwner
	}
	dst = append(dst, flags)
	dst = appendText(dst, a.Topology)
	dst = appendText(dst, a.Text)
	dst = appendText(dst, a.Address)
	dst = binary.AppendUvarint(dst, uint64(a.Attempt))
	dst = binary.AppendUvarint(dst, uint64(len(a.Returns)))
	for _, topology := range slices.Sorted(maps.Keys(a.Returns)) {
		values := a.Returns[topology]
		dst = appendText(dst, topology)
		dst = binary.AppendUvarint(dst, uint64(len(values)))
		for _, ack := range slices.Sorted(maps.Keys(values)) {
			dst = binary.AppendUvarint(dst, uint64(ack))
			dst = binary.AppendUvarint(dst, uint64(len(values[ack])))
			dst = append(dst, values[ack]...)
		}
	}
	return dst
}

// ParseAnswer reads an answer back.
func ParseAnswer(raw []byte) (*Answer, error) {
	p := parser{rest: raw}
	p.version("answer")
	a := &Answer{Kind: p.byte()}
	flags := p.byte()
	a.WillRetry, a.NotOwner = flags&willRetry != 0, flags&notOwner != 0
	a.Topology, a.Text, a.Address = p.text(), p.text(), p.text()
	a.Attempt = int(p.uint16())
	if n := p.count(returnBytesMin); n > 0 {
		a.Returns = make(map[string]map[int][]byte, n)
		for range n {
			topology := p.text()
			values := map[int][]byte{}
			for range p.count(returnBytesMin) {
				ack := int(p.uint16())
				values[ack] = p.bytes()
			}
			a.Returns[topology] = values
		}
	}
	return a, p.end("answer")
}

func (p *parser) version(what string) {
	if v := p.byte(); p.err == nil && v != RequestVersion {
		p.err = fmt.Errorf("%s of format version %d, this program reads %d: %w", what, v, RequestVersion, ErrMalformed)
		p.rest = nil
	}
}
