package wire

import (
	"cmp"
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
	var topologies [few]string
	for _, topology := range inOrder(topologies[:0], a.Returns) {
		values := a.Returns[topology]
		dst = appendText(dst, topology)
		dst = binary.AppendUvarint(dst, uint64(len(values)))
		var acks [few]int
		for _, ack := range inOrder(acks[:0], values) {
			dst = binary.AppendUvarint(dst, uint64(ack))
			dst = binary.AppendUvarint(dst, uint64(len(values[ack])))
			dst = append(dst, values[ack]...)
		}
	}
	return dst
}

// answerBytes is room for what most answers have beside their texts.
const answerBytes = 64

// few is how many keys of a map are put in order without memory of their own.
const few = 4

// inOrder appends the keys of a map, in their order.
func inOrder[K cmp.Ordered, V any](keys []K, of map[K]V) []K {
	for k := range of {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
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
