package wire

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/coppice-run/coppice/task"
)

// AwaitVersion opens an await request and its answer.
const AwaitVersion = 1

// AwaitRequest asks the owner of a task how a record of it ended.
type AwaitRequest struct {
	Module string
	Task   task.ID
	Depot  string
	Offset int64
}

// AwaitAnswer says how a record ended, or who owns its task.
type AwaitAnswer struct {
	Kind      uint8  // runtime.AnswerKind
	Topology  string // that failed, rejected or parked it
	Text      string
	Attempt   int
	WillRetry bool
	NotOwner  bool   // the asked worker does not own the task
	Address   string // who does, if known
	Returns   map[string]map[int][]byte
}

// AppendAwaitRequest appends the stored form of a request.
func AppendAwaitRequest(dst []byte, q *AwaitRequest) []byte {
	dst = append(dst, AwaitVersion)
	dst = appendText(dst, q.Module)
	dst = binary.AppendUvarint(dst, uint64(q.Task))
	dst = appendText(dst, q.Depot)
	return binary.AppendVarint(dst, q.Offset)
}

// ParseAwaitRequest reads a request back.
func ParseAwaitRequest(raw []byte) (*AwaitRequest, error) {
	p := parser{rest: raw}
	p.version("await request")
	q := &AwaitRequest{Module: p.text(), Task: p.task(), Depot: p.text(), Offset: p.varint()}
	return q, p.end("await request")
}

// Flags of an answer.
const (
	willRetry = 1 << iota
	notOwner
)

// AppendAwaitAnswer appends the stored form of an answer; equal answers have
// equal bytes.
func AppendAwaitAnswer(dst []byte, a *AwaitAnswer) []byte {
	dst = append(dst, AwaitVersion, a.Kind)
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

// ParseAwaitAnswer reads an answer back.
func ParseAwaitAnswer(raw []byte) (*AwaitAnswer, error) {
	p := parser{rest: raw}
	p.version("await answer")
	a := &AwaitAnswer{Kind: p.byte()}
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
	return a, p.end("await answer")
}

func (p *parser) version(what string) {
	if v := p.byte(); p.err == nil && v != AwaitVersion {
		p.err = fmt.Errorf("%s of format version %d, this program reads %d: %w", what, v, AwaitVersion, ErrMalformed)
		p.rest = nil
	}
}
