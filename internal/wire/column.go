package wire

import (
	"unsafe"

	"github.com/coppice-run/coppice/internal/codec"
)

// Column holds the payloads of one step's events in a frame.
type Column interface {
	Len() int
	// AppendEncoded appends the stored form of payload i.
	AppendEncoded(dst []byte, i int) ([]byte, error)
	// Add takes a stored payload; it keeps raw.
	Add(raw []byte)
	// Refuse has Put refuse what does not encode: the payloads are to be stored.
	Refuse()
	Truncate(n int)
	// Bytes is about how much memory the payloads take.
	Bytes() int
	Reset()
}

// ColumnOf holds payloads of type T: as values where the type is plain and the
// frame stays in the process, else in their stored form.
type ColumnOf[T any] struct {
	codec  *codec.Codec[T]
	always bool // payloads are always encoded
	encode bool // those that it holds now are
	check  bool // values are checked before they are kept
	values []T
	raws   [][]byte
	bytes  int // of raws, or of what values hold beside themselves

	slab []byte // that payloads are encoded into, one behind another
	lent bool   // what was decoded may be part of it
	// value is what is being encoded or decoded. A variable of its own would be an
	// allocation for each payload.
	value T
}

// slabBytesMax bounds the memory that an empty column keeps.
const slabBytesMax = 256 << 10

// NewColumn returns an empty column. With encode, payloads are always kept in
// their stored form, as they are between processes.
func NewColumn[T any](c *codec.Codec[T], encode bool) *ColumnOf[T] {
	encode = encode || !c.Plain
	return &ColumnOf[T]{codec: c, always: encode, encode: encode}
}

// Len is the number of payloads.
func (c *ColumnOf[T]) Len() int {
	if c.encode {
		return len(c.raws)
	}
	return len(c.values)
}

// Put adds a payload, or nothing at all if it does not encode.
func (c *ColumnOf[T]) Put(value T) error {
	if !c.encode {
		if c.check && !c.codec.Sure {
			c.value = value
			if err := c.codec.Check(&c.value); err != nil {
				return err
			}
		}
		if c.codec.Size != nil {
			c.value = value
			c.bytes += c.codec.Size(&c.value)
		}
		c.values = append(c.values, value)
		return nil
	}
	var zero T
	c.value = value
	slab, err := c.codec.Append(c.slab, &c.value)
	c.value = zero
	if err != nil {
		return err
	}
	raw := slab[len(c.slab):len(slab):len(slab)]
	c.slab = slab
	c.raws = append(c.raws, raw)
	c.bytes += len(raw)
	return nil
}

// Refuse keeps plain values of which it can be said that they encode, and encodes the rest.
func (c *ColumnOf[T]) Refuse() {
	if c.check = c.codec.Sure || c.codec.Check != nil; !c.check {
		c.always, c.encode = true, true
	}
}

// Get returns payload i; types with references are decoded anew for each call,
// so that the caller has a copy of its own.
func (c *ColumnOf[T]) Get(i int) (value T, err error) {
	if !c.encode {
		return c.values[i], nil
	}
	var zero T
	c.lent = true
	err = c.codec.Decode(c.raws[i], &c.value)
	value, c.value = c.value, zero
	return value, err
}

func (c *ColumnOf[T]) AppendEncoded(dst []byte, i int) ([]byte, error) {
	if c.encode {
		return append(dst, c.raws[i]...), nil
	}
	return c.codec.Append(dst, &c.values[i])
}

func (c *ColumnOf[T]) Add(raw []byte) {
	c.encode = true
	c.raws = append(c.raws, raw)
	c.bytes += len(raw)
}

func (c *ColumnOf[T]) Truncate(n int) {
	if c.encode {
		for _, raw := range c.raws[n:] {
			c.bytes -= len(raw)
		}
		clear(c.raws[n:])
		c.raws = c.raws[:n]
		return
	}
	if c.codec.Size != nil {
		for i := range c.values[n:] {
			c.bytes -= c.codec.Size(&c.values[n+i])
		}
	}
	clear(c.values[n:])
	c.values = c.values[:n]
}

func (c *ColumnOf[T]) Bytes() int {
	if c.encode {
		return c.bytes
	}
	var value T
	return len(c.values)*int(unsafe.Sizeof(value)) + c.bytes
}

func (c *ColumnOf[T]) Reset() {
	if c.slab = c.slab[:0]; c.lent || cap(c.slab) > slabBytesMax {
		c.slab = nil
	}
	c.bytes, c.lent = 0, false
	clear(c.values)
	clear(c.raws)
	c.values, c.raws, c.encode = c.values[:0], c.raws[:0], c.always
}
