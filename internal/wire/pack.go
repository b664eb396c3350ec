package wire

import "encoding/binary"

// SplitEvents moves the events of a frame into one of their own; f keeps the rest.
func (f *Frame) SplitEvents() *Frame {
	events := &Frame{
		From: f.From, To: f.To, Number: f.Number, Sender: f.Sender, Replaced: f.Replaced, Lineage: f.Lineage,
		Events: f.Events, Columns: f.Columns,
	}
	f.Events, f.Columns = nil, nil
	return events
}

// AppendPacked appends a frame with its length before it, so that frames can stand one
// behind the other. An error is that of Frame.Append; dst is then as it was.
func AppendPacked(dst []byte, f *Frame) ([]byte, error) {
	const room = binary.MaxVarintLen32
	start := len(dst)
	out, err := f.Append(append(dst, make([]byte, room)...))
	if err != nil {
		return dst, err
	}
	size := len(out) - start - room
	n := binary.PutUvarint(out[start:], uint64(size))
	copy(out[start+n:], out[start+room:])
	return out[:start+n+size], nil
}

// ParsePacked reads frames that stand one behind the other. They take raw over.
func ParsePacked(raw []byte, newColumn func(step uint16) (Column, error)) ([]*Frame, error) {
	p := parser{rest: raw}
	var frames []*Frame
	for len(p.rest) > 0 {
		body := p.bytes()
		if p.err != nil {
			return nil, p.end("packed frames")
		}
		f, err := ParseFrame(body, newColumn)
		if err != nil {
			return nil, err
		}
		frames = append(frames, f)
	}
	return frames, nil
}
