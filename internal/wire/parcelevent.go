package wire

import (
	"encoding/binary"

	"github.com/coppice-run/coppice/acker"
)

// An event of a parcel says what tells it from the one before: most have the step, the
// group and the source in common with it, and many the record. Its seed is one byte or
// less where it follows from that of the event that sent it off (acker.Child), which in
// turn follows from the record where that is the record's root event (acker.Root).

// Flags of an event.
const (
	stepStays    = 1 << 0 // it goes to the step of the event before
	eventTraced  = 1 << 1 // a trace context follows
	originShift  = 2      // the form of its origin, in two bits,
	seedShift    = 4      // and of its seed, in four
	originMask   = 3
	seedCounted  = 14 // the seed's ordinal follows; below, this is it
	seedWhole    = 15 // the seed follows
	originWhole  = 0  // all of the origin follows,
	originGroup  = 1  // or the group and the record: root and source are those of the event before,
	originRecord = 2  // or the record: the group is, too,
	originStays  = 3  // or nothing: it is that of the event before
)

// kin is what the next event of a parcel may have in common with the one before.
type kin struct {
	source uint64 // place of the name of its source
	stem   uint64 // that root seeds of the source's partition grow from
	parent uint64 // seed of the event that is taken to have sent it off
}

func (p *Packer) event(e, before *Event, column Column) error {
	at := len(p.body)
	dst := append(p.body, 0)
	flags, source := byte(0), p.kin.source
	stays := before != nil && before.Step == e.Step
	if stays {
		flags = stepStays
	} else {
		dst = binary.AppendUvarint(dst, p.name(p.directory.StepName(e.Step)))
	}
	if !stays || before.Source != e.Source {
		source = p.name(p.directory.SourceName(e.Step, e.Source))
	}
	form := originForm(e, before)
	if source != p.kin.source {
		form = originWhole
	}
	p.kin.source = source
	flags |= form << originShift
	if form != originStays {
		if e.Trace != nil {
			flags |= eventTraced
		}
		dst = p.origin(dst, e, before, form)
	}
	i, ok := acker.Ordinal(p.kin.parent, e.Seed)
	switch {
	case !ok:
		flags |= seedWhole << seedShift
		dst = binary.LittleEndian.AppendUint64(dst, e.Seed)
		p.kin.parent = acker.Parent(e.Seed, 0)
	case i < seedCounted:
		flags |= byte(i) << seedShift
	default:
		flags |= seedCounted << seedShift
		dst = binary.AppendUvarint(dst, uint64(i))
	}
	dst[at] = flags
	return p.takePayload(dst, e, column)
}

// originForm is how much of an event's origin the one before gives away.
func originForm(e, before *Event) byte {
	switch {
	case before == nil || before.Root != e.Root:
		return originWhole
	case before.Tree.ID != e.Tree.ID:
		return originGroup
	case before.Offset != e.Offset || before.Time != e.Time || before.Trace != e.Trace:
		return originRecord
	}
	return originStays
}

func (p *Packer) origin(dst []byte, e, before *Event, form byte) []byte {
	if e.Trace != nil {
		dst = appendText(dst, e.Trace.Parent)
		dst = appendText(dst, e.Trace.State)
	}
	offset, time := e.Offset, e.Time
	if form == originWhole {
		p.kin.stem = p.directory.Stem(e.Step, e.Source, e.Root)
		dst = binary.AppendUvarint(dst, uint64(e.Root))
		dst = binary.AppendUvarint(dst, p.kin.source)
		dst = binary.LittleEndian.AppendUint64(dst, p.kin.stem)
	} else {
		offset, time = offset-before.Offset, time-before.Time
	}
	if form != originRecord {
		dst = binary.LittleEndian.AppendUint64(dst, e.Tree.ID)
	}
	p.kin.parent = acker.Root(p.kin.stem, e.Offset)
	return binary.AppendVarint(binary.AppendVarint(dst, offset), time)
}

// takePayload ends an event with its payload.
func (p *Packer) takePayload(dst []byte, e *Event, column Column) error {
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

// parcelEventBytesMin are the least bytes of an event.
const parcelEventBytesMin = 2

// parcelEvents reads the events of a parcel.
type parcelEvents struct {
	*parser
	frame     *Frame
	directory Directory
	names     []string // that the events refer to
	kin       kin
}

// read reads all events into the frame, each by next, and their payloads.
func (p *parcelEvents) read(bytesMin int, next func(before *Event) Event) {
	f, n := p.frame, p.count(bytesMin)
	if n > ParcelEventsMax {
		p.fail("%d events in a parcel", n)
		return
	}
	if n > 0 {
		f.Events = make([]Event, 0, n)
	}
	var before *Event
	for range n {
		e := next(before)
		payload := p.bytes()
		if p.err != nil {
			return
		}
		for int(e.Step) >= len(f.Columns) {
			f.Columns = append(f.Columns, nil)
		}
		if f.Columns[e.Step] == nil {
			f.Columns[e.Step] = p.directory.Column(e.Step)
		}
		e.Index = uint32(f.Columns[e.Step].Len())
		f.Columns[e.Step].Add(payload)
		f.Events = append(f.Events, e)
		before = &f.Events[len(f.Events)-1]
	}
}

// next reads an event without its payload.
func (p *parcelEvents) next(before *Event) (e Event) {
	flags := p.byte()
	form := flags >> originShift & originMask
	switch {
	case before == nil && (flags&stepStays != 0 || form != originWhole), form == originStays && flags&eventTraced != 0:
		p.fail("event flags %d", flags)
		return e
	case before != nil:
		e.Step, e.Origin = before.Step, before.Origin
	}
	if flags&stepStays == 0 {
		e.Step = p.step()
	}
	if form != originStays {
		p.origin(&e, form, flags&eventTraced != 0)
	}
	if flags&stepStays == 0 || form == originWhole {
		e.Source = p.source(e.Step)
	}
	switch seed := flags >> seedShift; seed {
	case seedWhole:
		e.Seed = p.fixed()
		p.kin.parent = acker.Parent(e.Seed, 0)
	case seedCounted:
		i := p.uvarint()
		if i > 1<<32-1 {
			p.fail("ordinal %d", i)
		}
		e.Seed = acker.Child(p.kin.parent, uint32(i))
	default:
		e.Seed = acker.Child(p.kin.parent, uint32(seed))
	}
	return e
}

// origin reads the origin of an event that has that of the one before.
func (p *parcelEvents) origin(e *Event, form byte, traced bool) {
	e.Trace = nil
	if traced {
		e.Trace = &Trace{Parent: p.text(), State: p.text()}
	}
	if form == originWhole {
		e.Root = p.task()
		p.kin.source = p.uvarint()
		p.kin.stem = p.fixed()
		e.Offset, e.Time = 0, 0
	}
	if form != originRecord {
		e.Tree = acker.Ref{ID: p.fixed()}
	}
	e.Offset += p.varint()
	e.Time += p.varint()
	p.kin.parent = acker.Root(p.kin.stem, e.Offset)
}

// listed reads the place of a name in the parcel's list.
func (p *parcelEvents) listed() string { return p.named(p.uvarint()) }

func (p *parcelEvents) named(place uint64) string {
	if place >= uint64(len(p.names)) {
		p.fail("name %d of %d", place, len(p.names))
		return ""
	}
	return p.names[place]
}

func (p *parcelEvents) step() uint16 {
	name := p.listed()
	if p.err != nil {
		return 0
	}
	step, ok := p.directory.Step(name)
	if !ok {
		p.err, p.rest = &UnknownStepError{Step: name}, nil
	}
	return step
}

// source finds the source of the events, as a step's topology numbers it.
func (p *parcelEvents) source(step uint16) uint16 {
	name := p.named(p.kin.source)
	if p.err != nil {
		return 0
	}
	source, ok := p.directory.Source(step, name)
	if !ok {
		p.err, p.rest = &UnknownStepError{Source: name}, nil
	}
	return source
}
