package wire

import (
	"encoding/binary"
	"fmt"
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
	Returns   []Returned
}

// Returned is what a topology returned for a record: one value of each ack.
type Returned struct {
	Topology string
	Values   []Return // in the order of their acks
}

// Flags of an answer.
const (
	willRetry = 1 << iota
	notOwner
)

// AppendAnswer appends the stored form of an answer.
func AppendAnswer(dst []byte, a *Answer) []byte {
	dst = slices.Grow(dst, answerBytes+len(a.Topology)+len(a.Text)+len(a.Address))
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
	for _, r := range a.Returns {
		dst = appendReturns(appendText(dst, r.Topology), r.Values)
	}
	return dst
}

// answerBytes is room for what most answers have beside their texts.
const answerBytes = 64

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
		a.Returns = make([]Returned, n)
		for i := range a.Returns {
			a.Returns[i] = Returned{Topology: p.text(), Values: p.returns()}
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
