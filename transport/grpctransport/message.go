package grpctransport

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// version opens the first message of a stream, and every call.
const version = 1

// ErrVersion: the peer speaks another version of this protocol.
var ErrVersion = errors.New("peer speaks another version of the transport")

// errMalformed: the bytes are no message of this protocol.
var errMalformed = errors.New("malformed message")

// incarnation tells one life of a link from the next.
type incarnation [16]byte

type hello struct {
	from    string
	life    incarnation
	session uint64
	fresh   bool
}

const (
	kindHello   = 1
	kindWelcome = 1
	kindUnknown = 2
)

func (h *hello) append(dst []byte) []byte {
	dst = append(dst, version, kindHello)
	dst = appendBytes(dst, []byte(h.from))
	dst = append(dst, h.life[:]...)
	dst = binary.LittleEndian.AppendUint64(dst, h.session)
	if h.fresh {
		return append(dst, 1)
	}
	return append(dst, 0)
}

func parseHello(raw []byte) (h hello, err error) {
	p := parser{rest: raw}
	p.version()
	if p.byte() != kindHello {
		p.fail()
	}
	h.from = string(p.bytes())
	copy(h.life[:], p.take(len(h.life)))
	if s := p.take(8); s != nil {
		h.session = binary.LittleEndian.Uint64(s)
	}
	h.fresh = p.byte() == 1
	return h, p.end("hello")
}

type welcome struct {
	known bool
	life  incarnation
	last  uint64
}

func (w *welcome) append(dst []byte) []byte {
	if !w.known {
		return append(append(dst, version, kindUnknown), w.life[:]...)
	}
	dst = append(append(dst, version, kindWelcome), w.life[:]...)
	return binary.AppendUvarint(dst, w.last)
}

func parseWelcome(raw []byte) (w welcome, err error) {
	p := parser{rest: raw}
	p.version()
	kind := p.byte()
	copy(w.life[:], p.take(len(w.life)))
	switch kind {
	case kindWelcome:
		w.known, w.last = true, p.uvarint()
	case kindUnknown:
	default:
		p.fail()
	}
	return w, p.end("welcome")
}

func appendBytes(dst, b []byte) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(b)))
	return append(dst, b...)
}

// parser reads the parts of a message; after the first error all parts are zero.
type parser struct {
	rest []byte
	err  error
}

func (p *parser) fail() {
	if p.err == nil {
		p.err = errMalformed
	}
	p.rest = nil
}

func (p *parser) end(what string) error {
	if p.err == nil && len(p.rest) > 0 {
		p.fail()
	}
	if p.err != nil {
		return fmt.Errorf("%s: %w", what, p.err)
	}
	return nil
}

func (p *parser) version() {
	if v := p.byte(); p.err == nil && v != version {
		p.err = fmt.Errorf("version %d, this program speaks %d: %w", v, version, ErrVersion)
		p.rest = nil
	}
}

func (p *parser) byte() byte {
	if b := p.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (p *parser) take(n int) []byte {
	if len(p.rest) < n {
		p.fail()
		return nil
	}
	b := p.rest[:n:n]
	p.rest = p.rest[n:]
	return b
}

func (p *parser) uvarint() uint64 {
	v, n := binary.Uvarint(p.rest)
	if n <= 0 {
		p.fail()
		return 0
	}
	p.rest = p.rest[n:]
	return v
}

func (p *parser) bytes() []byte {
	n := p.uvarint()
	if n > uint64(len(p.rest)) {
		p.fail()
		return nil
	}
	return p.take(int(n))
}
