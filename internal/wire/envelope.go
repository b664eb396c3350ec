package wire

import (
	"encoding/binary"
	"errors"

	"github.com/coppice-run/coppice/task"
)

// AppendEnvelope opens a message between workers: the module that the frame
// behind it belongs to.
func AppendEnvelope(dst []byte, module string) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(module)))
	return append(dst, module...)
}

// movedByte opens what is said, in place of a frame, of a task that is not here. It
// is no version of a frame.
const movedByte = 0xff

// AppendMoved says that a task is not at the worker that a frame was sent to.
func AppendMoved(dst []byte, id task.ID) []byte {
	return binary.AppendUvarint(append(dst, movedByte), uint64(id))
}

// ParseMoved reads which task is not there; not ok if it is something else.
func ParseMoved(body []byte) (id task.ID, ok bool) {
	if len(body) < 2 || body[0] != movedByte {
		return 0, false
	}
	p := parser{rest: body[1:]}
	id = p.task()
	return id, p.end("moved") == nil && id >= 0
}

// ParseEnvelope splits a message into the module's name and the frame.
func ParseEnvelope(raw []byte) (module string, frame []byte, err error) {
	size, n := binary.Uvarint(raw)
	if n <= 0 || size > uint64(len(raw)-n) {
		return "", nil, errors.New("message between workers has no module name")
	}
	return string(raw[n : n+int(size)]), raw[n+int(size):], nil
}
