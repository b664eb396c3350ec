package wire

import (
	"encoding/binary"
	"fmt"
	"slices"
	"unsafe"

	"github.com/coppice-run/coppice/task"
)

// ParcelVersion opens the stored form of a parcel. Version 1 is read, too.
const ParcelVersion = 2

// Packer cuts what a commit sends to one task into parcels and gives their stored
// form. It keeps its memory.
type Packer struct {
	directory      Directory
	body, tail     []byte   // the events and the acks of the parcel
	payload        []byte   // a long one, while its length is put before it
	names          []string // that the parcel's events refer to by their place
	kin            kin      // of its last event
	events, groups int      // in it
}

// NewPacker returns a packer for the steps of a plan.
func NewPacker(d Directory) *Packer { return &Packer{directory: d} }

// Pack appends the stored form of a parcel with events of f from the given one on
// and acks from the given one on, as many as a parcel takes, and returns the first
// of either that is left. A payload that does not encode is an error.
func (p *Packer) Pack(dst []byte, head ParcelHead, f *Frame, event int, acks []GroupAck, ack int) (out []byte, nextEvent, nextAck int, err error) {
	p.body, p.tail, p.names, p.events, p.groups = p.body[:0], p.tail[:0], p.names[:0], 0, 0
	if err := p.takeEvents(f, event); err != nil {
		return nil, 0, 0, err
	}
	p.takeAcks(acks[ack:])
	dst = append(dst, ParcelVersion)
	dst = binary.AppendUvarint(dst, head.Number)
	dst = appendParcelID(dst, head.ID)
	dst = appendParcelID(dst, head.Before)
	dst = binary.AppendUvarint(dst, uint64(len(p.names)))
	for _, name := range p.names {
		dst = appendText(dst, name)
	}
	dst = binary.AppendUvarint(dst, uint64(p.events))
	dst = append(dst, p.body...)
	dst = binary.AppendUvarint(dst, uint64(p.groups))
	return append(dst, p.tail...), event + p.events, ack + p.groups, nil
}

// takeEvents takes as many events as fit, one at least.
func (p *Packer) takeEvents(f *Frame, first int) error {
	var before *Event
	for i := first; i < len(f.Events) && p.events < ParcelEventsMax; i++ {
		e := &f.Events[i]
		bytes, names := len(p.body), len(p.names)
		if err := p.event(e, before, f.Columns[e.Step]); err != nil {
			return fmt.Errorf("event %d of %d to task %v: %w", i, len(f.Events), f.To, err)
		}
		if p.events > 0 && len(p.body) > ParcelBytesMax {
			p.body, p.names = p.body[:bytes], p.names[:names]
			return nil
		}
		before = e
		p.events++
	}
	return nil
}

// takeAcks takes as many acks as fit beside the events, and one at least where there
// are none.
func (p *Packer) takeAcks(acks []GroupAck) {
	for i := range acks[:min(len(acks), ParcelEventsMax)] {
		bytes := len(p.tail)
		p.tail = appendGroupAck(p.tail, &acks[i])
		if p.events+p.groups > 0 && len(p.body)+len(p.tail) > ParcelBytesMax {
			p.tail = p.tail[:bytes]
			return
		}
		p.groups++
	}
}

// name returns the place of a name in the parcel's list.
func (p *Packer) name(text string) uint64 {
	i := slices.Index(p.names, text)
	if i < 0 {
		i = len(p.names)
		p.names = append(p.names, text)
	}
	return uint64(i)
}

func appendParcelID(dst []byte, id ParcelID) []byte {
	return binary.AppendUvarint(appendMark(dst, id.Mark), uint64(id.Ordinal))
}

func appendGroupAck(dst []byte, a *GroupAck) []byte {
	dst = binary.LittleEndian.AppendUint64(dst, a.Group)
	dst = binary.LittleEndian.AppendUint64(dst, a.Delta)
	dst = binary.AppendUvarint(dst, uint64(len(a.Notes)))
	for i := range a.Notes {
		n := &a.Notes[i]
		dst = binary.AppendVarint(dst, n.Offset)
		dst = append(dst, byte(n.Outcome))
		dst = appendText(dst, n.Step)
		dst = appendText(dst, n.Text)
		dst = appendReturns(dst, n.Returns)
	}
	return dst
}

func appendReturns(dst []byte, returns []Return) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(returns)))
	for _, r := range returns {
		dst = binary.AppendUvarint(dst, uint64(r.Ack))
		dst = binary.AppendUvarint(dst, uint64(len(r.Value)))
		dst = append(dst, r.Value...)
	}
	return dst
}

// ParseParcelHead reads only how a parcel stands in its channel.
func ParseParcelHead(raw string) (ParcelHead, error) {
	p := parser{rest: bytesOf(raw)}
	head, _ := p.parcelHead()
	if p.err != nil {
		return head, fmt.Errorf("parcel: %w", p.err)
	}
	return head, nil
}

func (p *parser) parcelHead() (h ParcelHead, version byte) {
	if version = p.byte(); p.err == nil && (version == 0 || version > ParcelVersion) {
		p.fail("parcel of format version %d, this program reads 1 to %d", version, ParcelVersion)
	}
	h = ParcelHead{Number: p.uvarint(), ID: p.parcelID(), Before: p.parcelID()}
	if p.err == nil && (h.Number == 0 || h.ID.IsZero() || (h.Number == 1) != h.Before.IsZero()) {
		p.fail("parcel %d (%v) behind %v", h.Number, h.ID, h.Before)
	}
	return h, version
}

func (p *parser) parcelID() ParcelID {
	id := ParcelID{Mark: p.mark()}
	ordinal := p.uvarint()
	if ordinal > 1<<32-1 {
		p.fail("ordinal %d", ordinal)
	}
	id.Ordinal = uint32(ordinal)
	return id
}

// The least bytes of an entry of a parcel.
const (
	groupAckBytesMin = 17
	noteBytesMin     = 5
)

// bytesOf are the bytes of a string that nobody writes to.
func bytesOf(text string) []byte { return unsafe.Slice(unsafe.StringData(text), len(text)) }

// ParseParcel reads a parcel from one task to another. Payloads stay in raw. An
// event for a step that the directory does not know is an *UnknownStepError.
func ParseParcel(raw string, from, to task.ID, d Directory) (*Parcel, error) {
	p := parser{rest: bytesOf(raw)}
	head, version := p.parcelHead()
	c := &Parcel{ParcelHead: head, Frame: &Frame{From: from, To: to}}
	events := parcelEvents{parser: &p, frame: c.Frame, directory: d, names: make([]string, 0, 8)}
	for range p.count(1) {
		events.names = append(events.names, p.text())
	}
	if version == 1 {
		events.read(eventBytesMinOld, events.old)
	} else {
		events.read(parcelEventBytesMin, events.next)
	}
	for range p.count(groupAckBytesMin) {
		c.Acks = append(c.Acks, p.groupAck())
	}
	return c, p.end("parcel")
}

func (p *parser) groupAck() GroupAck {
	a := GroupAck{Group: p.fixed(), Delta: p.fixed()}
	for range p.count(noteBytesMin) {
		a.Notes = append(a.Notes, p.note())
	}
	return a
}

func (p *parser) note() Note {
	n := Note{Offset: p.varint(), Outcome: Outcome(p.byte()), Step: p.text(), Text: p.text(), Returns: p.returns()}
	if !n.Outcome.ends() {
		p.fail("outcome %d", n.Outcome)
	}
	return n
}

func (p *parser) returns() (all []Return) {
	for range p.count(returnBytesMin) {
		all = append(all, Return{Ack: p.uint16(), Value: p.bytes()})
	}
	return all
}
