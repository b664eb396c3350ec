package wire

import (
	"encoding/binary"

	"github.com/coppice-run/coppice/task"
)

// Micro is what the coordinator of a microbatch topology and a task say to each other
// (R32 to R39). Which fields count depends on the kind.
type Micro struct {
	Topology uint16
	Kind     uint8 // microbatch.Kind
	ID       uint64
	Token    task.Token // with ID: the attempt, or the stamp

	Delta   uint64       // of acks
	Attempt uint16       // of run: 1 for the first
	Round   uint16       // of run: 0 is that of the records, the others are those of batch blocks
	Ranges  []MicroRange // of run: what to read; of has: what lies ready
	Parks   []MicroPark  // of run: records of the ranges that are put aside
	Failure *MicroFailure
}

// MicroRange is the records of one source of the receiver's task, or of the sender's.
type MicroRange struct {
	Source   uint16
	From, To int64
	Parked   string // ParkedWhole, or the event "<step>/<event>": it is put aside there, and runs again
	Again    uint16 // of run: the number that its events go by, from 1 over all tasks; 0: it is not parked
}

// ParkedWhole says of a range that it is a parked record, and not one of its events.
const ParkedWhole = "record"

// MicroPark is a record that is put aside, or what a range named and is to stay there.
type MicroPark struct {
	Source uint16
	Offset int64
	Parked string // as in the range
	Reason string
}

// MicroSlot is what the events of a microbatch carry as the slot of their tree: the task of
// their record, and the number of what was put aside and runs again, 0 if it is none.
func MicroSlot(of task.ID, again uint16) uint32 { return uint32(of)&(1<<16-1) | uint32(again)<<16 }

// MicroPart reads it back.
func MicroPart(slot uint32) (of task.ID, again uint16) {
	return task.ID(slot & (1<<16 - 1)), uint16(slot >> 16)
}

// MicroFailure says why a task cannot go on with an attempt.
type MicroFailure struct {
	Text   string
	Large  bool // the write set is more than one commit may hold
	Block  bool // an event of a batch block has failed, which descends from no record
	Record bool // by the fault of this record:
	Source uint16
	Task   task.ID
	Offset int64
	Again  uint16 // not by that of the depot, but by what runs again under this number
}

// Flags of a failure.
const (
	failureThere = 1 << iota
	failureLarge
	failureRecord
	failureBlock
	failureAgain
)

// appendMicros appends what is said of microbatches; nothing if nothing is.
func (f *Frame) appendMicros(dst []byte) []byte {
	if len(f.Micros) == 0 {
		return dst
	}
	dst = binary.AppendUvarint(dst, uint64(len(f.Micros)))
	for i := range f.Micros {
		dst = f.Micros[i].append(dst)
	}
	return dst
}

func (m *Micro) append(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(m.Topology))
	dst = append(dst, m.Kind)
	dst = binary.AppendUvarint(dst, m.ID)
	dst = append(dst, m.Token[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, m.Delta)
	dst = binary.AppendUvarint(dst, uint64(m.Attempt))
	dst = binary.AppendUvarint(dst, uint64(m.Round))
	dst = binary.AppendUvarint(dst, uint64(len(m.Ranges)))
	for _, r := range m.Ranges {
		dst = binary.AppendUvarint(dst, uint64(r.Source))
		dst = binary.AppendVarint(dst, r.From)
		dst = binary.AppendVarint(dst, r.To)
		dst = appendText(dst, r.Parked)
		if r.Parked != "" {
			dst = binary.AppendUvarint(dst, uint64(r.Again))
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(m.Parks)))
	for i := range m.Parks {
		k := &m.Parks[i]
		dst = binary.AppendUvarint(dst, uint64(k.Source))
		dst = binary.AppendVarint(dst, k.Offset)
		dst = appendText(dst, k.Parked)
		dst = appendText(dst, k.Reason)
	}
	x := m.Failure
	if x == nil {
		return append(dst, 0)
	}
	flags := byte(failureThere)
	if x.Large {
		flags |= failureLarge
	}
	if x.Record {
		flags |= failureRecord
	}
	if x.Block {
		flags |= failureBlock
	}
	if x.Again != 0 {
		flags |= failureAgain
	}
	dst = appendText(append(dst, flags), x.Text)
	dst = binary.AppendUvarint(dst, uint64(x.Source))
	dst = binary.AppendUvarint(dst, uint64(x.Task))
	dst = binary.AppendVarint(dst, x.Offset)
	if x.Again != 0 {
		dst = binary.AppendUvarint(dst, uint64(x.Again))
	}
	return dst
}

// The least bytes of an entry.
const (
	microBytesMin = 31
	rangeBytesMin = 4
	parkBytesMin  = 4
)

// micros reads what is said of microbatches, if anything is.
func (p *parser) micros(f *Frame) {
	if p.err != nil || len(p.rest) == 0 {
		return
	}
	n := p.count(microBytesMin)
	if n == 0 {
		p.fail("no message of microbatches")
	}
	for range n {
		f.Micros = append(f.Micros, p.micro())
	}
}

func (p *parser) micro() Micro {
	m := Micro{Topology: p.uint16(), Kind: p.byte(), ID: p.uvarint(), Token: p.token(), Delta: p.fixed(), Attempt: p.uint16(), Round: p.uint16()}
	for range p.count(rangeBytesMin) {
		r := MicroRange{Source: p.uint16(), From: p.varint(), To: p.varint(), Parked: p.text()}
		if r.Parked != "" {
			r.Again = p.uint16()
		}
		m.Ranges = append(m.Ranges, r)
	}
	for range p.count(parkBytesMin) {
		m.Parks = append(m.Parks, MicroPark{Source: p.uint16(), Offset: p.varint(), Parked: p.text(), Reason: p.text()})
	}
	flags := p.byte()
	if flags == 0 {
		return m
	}
	if flags&failureThere == 0 || flags&^(failureThere|failureLarge|failureRecord|failureBlock|failureAgain) != 0 {
		p.fail("failure flags %d", flags)
	}
	m.Failure = &MicroFailure{Large: flags&failureLarge != 0, Record: flags&failureRecord != 0, Block: flags&failureBlock != 0, Text: p.text(), Source: p.uint16(), Task: p.task(), Offset: p.varint()}
	if flags&failureAgain != 0 {
		m.Failure.Again = p.uint16()
	}
	return m
}
