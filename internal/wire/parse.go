package wire

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/task"
)

// ErrMalformed: the bytes are no message of this format.
var ErrMalformed = errors.New("malformed message")

func appendRef(dst []byte, r acker.Ref) []byte {
	dst = binary.AppendUvarint(dst, uint64(r.Slot))
	return binary.LittleEndian.AppendUint64(dst, r.ID)
}

// ParseFrame reads a frame back. newColumn makes the empty column of a step, or
// says that there is no such step. Payloads stay in raw, which the frame takes
// over.
func ParseFrame(raw []byte, newColumn func(step uint16) (Column, error)) (*Frame, error) {
	p := parser{rest: raw}
	if version := p.byte(); p.err == nil && version != FrameVersion {
		return nil, fmt.Errorf("frame of format version %d, this program reads %d: %w", version, FrameVersion, ErrMalformed)
	}
	f := &Frame{From: p.task(), To: p.task(), Number: p.uvarint()}
	f.Sender, f.Replaced = p.mark(), p.mark()
	f.Lineage = task.Lineage{Run: p.text(), Replication: p.text()}
	p.events(f, newColumn)
	for range p.count(ackBytesMin) {
		f.Acks = append(f.Acks, p.ack())
	}
	p.lasting(f)
	p.micros(f)
	return f, p.end("frame")
}

// lasting reads what exactly-once topologies send.
func (p *parser) lasting(f *Frame) {
	for range p.count(parcelBytesMin) {
		f.Parcels = append(f.Parcels, p.text())
	}
	p.receipt(f)
	for range p.count(noticeBytesMin) {
		f.Notices = append(f.Notices, Notice{Group: p.fixed(), Offset: p.varint(), Attempt: int(p.uint16()), Step: p.text(), Text: p.text()})
	}
}

func (p *parser) receipt(f *Frame) {
	flags := p.byte()
	if flags == 0 {
		return
	}
	if flags&receiptThere == 0 || flags&^(receiptThere|receiptAgain|receiptAcks) != 0 {
		p.fail("receipt flags %d", flags)
	}
	r := &Receipt{Again: flags&receiptAgain != 0, Number: p.uvarint(), ID: p.parcelID()}
	if flags&receiptAcks != 0 {
		if r.AckNumber, r.AckID = p.uvarint(), p.parcelID(); r.AckNumber <= r.Number {
			p.fail("receipt up to parcel %d, with acks up to %d", r.Number, r.AckNumber)
		}
	}
	f.Receipt = r
}

// The least bytes of an entry: they bound what a wrong count may allocate.
const (
	eventBytesMin  = 11
	ackBytesMin    = 26
	returnBytesMin = 2
	parcelBytesMin = 1
	noticeBytesMin = 12
)

func (p *parser) events(f *Frame, newColumn func(step uint16) (Column, error)) {
	var before Origin
	n := p.count(eventBytesMin)
	if n > 0 {
		f.Events = make([]Event, 0, n)
	}
	for range n {
		e := p.event(&before)
		payload := p.bytes()
		if p.err != nil {
			return
		}
		for int(e.Step) >= len(f.Columns) {
			f.Columns = append(f.Columns, nil)
		}
		if f.Columns[e.Step] == nil {
			c, err := newColumn(e.Step)
			if err != nil {
				p.err = err
				return
			}
			f.Columns[e.Step] = c
		}
		e.Index = uint32(f.Columns[e.Step].Len())
		f.Columns[e.Step].Add(payload)
		f.Events = append(f.Events, e)
	}
}

func (p *parser) event(before *Origin) Event {
	e := Event{Step: p.uint16(), Seed: p.fixed()}
	flags := p.byte()
	if flags == sameOrigin {
		e.Origin = *before
		return e
	}
	if flags&^(tracedEvent|generationEvent) != 0 {
		p.fail("event flags %d", flags)
	}
	if flags&tracedEvent != 0 {
		e.Trace = &Trace{Parent: p.text(), State: p.text()}
	}
	if flags&generationEvent != 0 {
		m := p.mark()
		e.Generation = &m
	}
	e.Tree, e.Root = p.ref(), p.task()
	e.Source, e.Attempt = p.uint16(), p.uint16()
	e.Offset, e.Time = p.varint(), p.varint()
	*before = e.Origin
	return e
}

func (p *parser) ack() Ack {
	a := Ack{Tree: p.ref(), Delta: p.fixed(), Touched: p.fixed()}
	switch p.byte() {
	case 0:
	case 1:
		m := &AckMore{Outcome: Outcome(p.byte()), Text: p.text(), Step: p.text()}
		if m.Outcome > Parked && m.Outcome != Undone {
			p.fail("outcome %d", m.Outcome)
		}
		m.Returns = p.returns()
		a.More = m
	default:
		p.fail("ack flags")
	}
	return a
}

// parser reads the parts of a message one after another. After the first error
// all parts are zero.
type parser struct {
	rest []byte
	err  error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format+": %w", append(args, ErrMalformed)...)
	}
	p.rest = nil
}

func (p *parser) end(what string) error {
	if p.err == nil && len(p.rest) > 0 {
		p.fail("%d bytes behind its end", len(p.rest))
	}
	if p.err != nil {
		return fmt.Errorf("%s: %w", what, p.err)
	}
	return nil
}

func (p *parser) byte() byte {
	if len(p.rest) == 0 {
		p.fail("cut short")
		return 0
	}
	b := p.rest[0]
	p.rest = p.rest[1:]
	return b
}

func (p *parser) uvarint() uint64 {
	v, n := binary.Uvarint(p.rest)
	if n <= 0 {
		p.fail("cut short")
		return 0
	}
	p.rest = p.rest[n:]
	return v
}

func (p *parser) varint() int64 {
	v, n := binary.Varint(p.rest)
	if n <= 0 {
		p.fail("cut short")
		return 0
	}
	p.rest = p.rest[n:]
	return v
}

// count reads the number of entries that follow, each of at least so many bytes.
func (p *parser) count(bytesMin int) int {
	n := p.uvarint()
	if n > uint64(len(p.rest)/bytesMin) {
		p.fail("%d entries in %d bytes", n, len(p.rest))
		return 0
	}
	return int(n)
}

func (p *parser) uint16() uint16 {
	v := p.uvarint()
	if v > 1<<16-1 {
		p.fail("number %d, at most %d", v, 1<<16-1)
		return 0
	}
	return uint16(v)
}

func (p *parser) task() task.ID {
	v := p.uvarint()
	if v >= task.CountMax {
		p.fail("task %d, at most %d", v, task.CountMax-1)
		return 0
	}
	return task.ID(v)
}

func (p *parser) fixed() uint64 {
	if len(p.rest) < 8 {
		p.fail("cut short")
		return 0
	}
	v := binary.LittleEndian.Uint64(p.rest)
	p.rest = p.rest[8:]
	return v
}

func (p *parser) ref() acker.Ref {
	slot := p.uvarint()
	if slot > 1<<32-1 {
		p.fail("tree slot %d", slot)
	}
	return acker.Ref{Slot: uint32(slot), ID: p.fixed()}
}

func (p *parser) mark() task.Mark {
	var m task.Mark
	if len(p.rest) < len(m.Token) {
		p.fail("cut short")
		return m
	}
	copy(m.Token[:], p.rest)
	p.rest = p.rest[len(m.Token):]
	m.Number = p.uvarint()
	return m
}

func (p *parser) text() string { return string(p.bytes()) }

func (p *parser) bytes() []byte {
	n := p.uvarint()
	if n > uint64(len(p.rest)) {
		p.fail("cut short")
		return nil
	}
	b := p.rest[:n:n]
	p.rest = p.rest[n:]
	return b
}
