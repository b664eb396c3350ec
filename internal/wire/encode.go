package wire

import (
	"encoding/binary"
	"fmt"

	"github.com/coppice-run/coppice/task"
)

// FrameVersion opens the bytes of a frame.
const FrameVersion = 2

// Flags of an event in a frame.
const (
	sameOrigin      = 1 << iota // the origin is that of the event before
	tracedEvent                 // a trace context follows
	generationEvent             // a generation follows
)

// Append appends the stored form of a frame (docs/formats/frames.md). An error
// names the payload that does not encode; dst is then of no use.
func (f *Frame) Append(dst []byte) ([]byte, error) {
	dst = append(dst, FrameVersion)
	dst = binary.AppendUvarint(dst, uint64(f.From))
	dst = binary.AppendUvarint(dst, uint64(f.To))
	dst = binary.AppendUvarint(dst, f.Number)
	dst = appendMark(dst, f.Sender)
	dst = appendMark(dst, f.Replaced)
	dst = appendText(dst, f.Lineage.Run)
	dst = appendText(dst, f.Lineage.Replication)
	dst = binary.AppendUvarint(dst, uint64(len(f.Events)))
	dst, err := f.appendEvents(dst)
	if err != nil {
		return nil, err
	}
	dst = binary.AppendUvarint(dst, uint64(len(f.Acks)))
	for i := range f.Acks {
		dst = appendAck(dst, &f.Acks[i])
	}
	return f.appendMicros(f.appendLasting(dst)), nil
}

// appendLasting appends what exactly-once topologies send.
func (f *Frame) appendLasting(dst []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(f.Parcels)))
	for _, raw := range f.Parcels {
		dst = appendText(dst, raw)
	}
	if r := f.Receipt; r == nil {
		dst = append(dst, 0)
	} else {
		flags := byte(receiptThere)
		if r.Again {
			flags |= receiptAgain
		}
		if r.AckNumber > 0 {
			flags |= receiptAcks
		}
		dst = binary.AppendUvarint(append(dst, flags), r.Number)
		dst = appendParcelID(dst, r.ID)
		if r.AckNumber > 0 {
			dst = binary.AppendUvarint(dst, r.AckNumber)
			dst = appendParcelID(dst, r.AckID)
		}
	}
	dst = binary.AppendUvarint(dst, uint64(len(f.Notices)))
	for i := range f.Notices {
		n := &f.Notices[i]
		dst = binary.LittleEndian.AppendUint64(dst, n.Group)
		dst = binary.AppendVarint(dst, n.Offset)
		dst = binary.AppendUvarint(dst, uint64(n.Attempt))
		dst = appendText(dst, n.Step)
		dst = appendText(dst, n.Text)
	}
	return dst
}

// Flags of a frame's receipt.
const (
	receiptThere = 1 << iota
	receiptAgain
	receiptAcks // are ahead of the events
)

func (f *Frame) appendEvents(dst []byte) ([]byte, error) {
	var scratch []byte
	var before *Event
	for i := range f.Events {
		e := &f.Events[i]
		dst = appendEvent(dst, e, before)
		before = e
		var err error
		scratch, err = f.Columns[e.Step].AppendEncoded(scratch[:0], int(e.Index))
		if err != nil {
			return nil, fmt.Errorf("event %d of the frame, step %d: %w", i, e.Step, err)
		}
		dst = binary.AppendUvarint(dst, uint64(len(scratch)))
		dst = append(dst, scratch...)
	}
	return dst, nil
}

// appendEvent appends an event without its payload. The events of one tree often
// stand side by side: then the origin is written once.
func appendEvent(dst []byte, e, before *Event) []byte {
	dst = binary.AppendUvarint(dst, uint64(e.Step))
	dst = binary.LittleEndian.AppendUint64(dst, e.Seed)
	if before != nil && before.Origin == e.Origin {
		return append(dst, sameOrigin)
	}
	var flags byte
	if e.Trace != nil {
		flags |= tracedEvent
	}
	if e.Generation != nil {
		flags |= generationEvent
	}
	dst = append(dst, flags)
	if e.Trace != nil {
		dst = appendText(dst, e.Trace.Parent)
		dst = appendText(dst, e.Trace.State)
	}
	if e.Generation != nil {
		dst = appendMark(dst, *e.Generation)
	}
	dst = appendRef(dst, e.Tree)
	dst = binary.AppendUvarint(dst, uint64(e.Root))
	dst = binary.AppendUvarint(dst, uint64(e.Source))
	dst = binary.AppendUvarint(dst, uint64(e.Attempt))
	dst = binary.AppendVarint(dst, e.Offset)
	return binary.AppendVarint(dst, e.Time)
}

func appendAck(dst []byte, a *Ack) []byte {
	dst = appendRef(dst, a.Tree)
	dst = binary.LittleEndian.AppendUint64(dst, a.Delta)
	dst = binary.LittleEndian.AppendUint64(dst, a.Touched)
	m := a.More
	if m == nil {
		return append(dst, 0)
	}
	dst = append(dst, 1, byte(m.Outcome))
	dst = appendText(dst, m.Text)
	dst = appendText(dst, m.Step)
	return appendReturns(dst, m.Returns)
}

func appendMark(dst []byte, m task.Mark) []byte {
	dst = append(dst, m.Token[:]...)
	return binary.AppendUvarint(dst, m.Number)
}

func appendText(dst []byte, text string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(text)))
	return append(dst, text...)
}
