package wire

import (
	"encoding/binary"
	"fmt"
	"slices"
	"unsafe"

	"github.com/coppice-run/coppice/acker"
	"github.com/coppice-run/coppice/task"
)

// ParcelVersion opens the stored form of a parcel.
const ParcelVersion = 1

// Packer cuts what a commit sends to one task into parcels and gives their stored
// form. It keeps its memory.
type Packer struct {
	directory      Directory
	body, tail     []byte   // the events and the acks of the parcel
	payload        []byte   // a long one, while its length is put before it
	names          []string // that the parcel's events refer to by their place
	step           uint64   // place of the name of the last event's step
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

func (p *Packer) event(e, before *Event, column Column) error {
	if before == nil || before.Step != e.Step {
		p.step = p.name(p.directory.StepName(e.Step))
	}
	dst := binary.AppendUvarint(p.body, p.step)
	dst = binary.LittleEndian.AppendUint64(dst, e.Seed)
	switch {
	case before != nil && before.Origin == e.Origin && before.Step == e.Step:
		dst = append(dst, sameOrigin)
	default:
		var flags byte
		if e.Trace != nil {
			flags |= tracedEvent
		}
		dst = append(dst, flags)
		if e.Trace != nil {
			dst = appendText(dst, e.Trace.Parent)
			dst = appendText(dst, e.Trace.State)
		}
		dst = binary.LittleEndian.AppendUint64(dst, e.Tree.ID)
		dst = binary.AppendUvarint(dst, uint64(e.Root))
		dst = binary.AppendUvarint(dst, p.name(p.directory.SourceName(e.Step, e.Source)))
		dst = binary.AppendVarint(dst, e.Offset)
		dst = binary.AppendVarint(dst, e.Time)
	}
	// Most payloads are short: their length is one byte, which is filled in behind them.
	at := len(dst)
	dst, err := column.AppendEncoded(append(dst, 0), int(e.Index))
	if err != nil {
		return err
	}
	if n := len(dst) - at - 1; n < 0x80 {
		dst[at] = byte(n)
	} else {
		p.payload = append(p.payload[:0], dst[at+1:]...)
		dst = append(binary.AppendUvarint(dst[:at], uint64(n)), p.payload...)
	}
	p.body = dst
	return nil
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
	head := p.parcelHead()
	if p.err != nil {
		return head, fmt.Errorf("parcel: %w", p.err)
	}
	return head, nil
}

func (p *parser) parcelHead() ParcelHead {
	if v := p.byte(); p.err == nil && v != ParcelVersion {
		p.fail("parcel of format version %d, this program reads %d", v, ParcelVersion)
	}
	h := ParcelHead{Number: p.uvarint(), ID: p.parcelID(), Before: p.parcelID()}
	if p.err == nil && (h.Number == 0 || h.ID.IsZero() || (h.Number == 1) != h.Before.IsZero()) {
		p.fail("parcel %d (%v) behind %v", h.Number, h.ID, h.Before)
	}
	return h
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
	parcelEventBytesMin = 11
	groupAckBytesMin    = 17
	noteBytesMin        = 5
)

// bytesOf are the bytes of a string that nobody writes to.
func bytesOf(text string) []byte { return unsafe.Slice(unsafe.StringData(text), len(text)) }

// ParseParcel reads a parcel from one task to another. Payloads stay in raw. An
// event for a step that the directory does not know is an *UnknownStepError.
func ParseParcel(raw string, from, to task.ID, d Directory) (*Parcel, error) {
	p := parser{rest: bytesOf(raw)}
	c := &Parcel{ParcelHead: p.parcelHead(), Frame: &Frame{From: from, To: to}}
	names := make([]string, 0, 8)
	for range p.count(1) {
		names = append(names, p.text())
	}
	p.parcelEvents(c.Frame, names, d)
	for range p.count(groupAckBytesMin) {
		c.Acks = append(c.Acks, p.groupAck())
	}
	return c, p.end("parcel")
}

func (p *parser) parcelEvents(f *Frame, names []string, d Directory) {
	n := p.count(parcelEventBytesMin)
	if n > 0 {
		f.Events = make([]Event, 0, n)
	}
	var before *Event
	for range n {
		e := p.parcelEvent(before, names, d)
		payload := p.bytes()
		if p.err != nil {
			return
		}
		for int(e.Step) >= len(f.Columns) {
			f.Columns = append(f.Columns, nil)
		}
		if f.Columns[e.Step] == nil {
			f.Columns[e.Step] = d.Column(e.Step)
		}
		e.Index = uint32(f.Columns[e.Step].Len())
		f.Columns[e.Step].Add(payload)
		f.Events = append(f.Events, e)
		before = &f.Events[len(f.Events)-1]
	}
}

func (p *parser) parcelEvent(before *Event, names []string, d Directory) Event {
	e := Event{Step: p.step(names, d), Seed: p.fixed()}
	flags := p.byte()
	switch {
	case flags == sameOrigin && before != nil && before.Step == e.Step:
		e.Origin = before.Origin
		return e
	case flags&^tracedEvent != 0:
		p.fail("event flags %d", flags)
	}
	if flags&tracedEvent != 0 {
		e.Trace = &Trace{Parent: p.text(), State: p.text()}
	}
	e.Tree = acker.Ref{ID: p.fixed()}
	e.Root = p.task()
	source := p.listed(names)
	if p.err == nil {
		var ok bool
		if e.Source, ok = d.Source(e.Step, source); !ok {
			p.err, p.rest = &UnknownStepError{Source: source}, nil
		}
	}
	e.Offset, e.Time = p.varint(), p.varint()
	return e
}

// listed reads the place of a name in the parcel's list.
func (p *parser) listed(names []string) string {
	i := p.uvarint()
	if i >= uint64(len(names)) {
		p.fail("name %d of %d", i, len(names))
		return ""
	}
	return names[i]
}

func (p *parser) step(names []string, d Directory) uint16 {
	name := p.listed(names)
	if p.err != nil {
		return 0
	}
	step, ok := d.Step(name)
	if !ok {
		p.err, p.rest = &UnknownStepError{Step: name}, nil
	}
	return step
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
