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
	values []T
	raws   [][]byte
	bytes  int // of raws
}

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
		c.values = append(c.values, value)
		return nil
	}
	raw, err := c.put(value)
	if err != nil {
		return err
	}
	c.raws = append(c.raws, raw)
	c.bytes += len(raw)
	return nil
}

// put is apart so that value escapes only where it is encoded.
func (c *ColumnOf[T]) put(value T) ([]byte, error) {
	return c.codec.Append(nil, &value)
}

// Get returns payload i; types with references are decoded anew for each call,
// so that the caller has a copy of its own.
func (c *ColumnOf[T]) Get(i int) (value T, err error) {
	if !c.encode {
		return c.values[i], nil
	}
	return c.get(i)
}

func (c *ColumnOf[T]) get(i int) (value T, err error) {
	err = c.codec.Decode(c.raws[i], &value)
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
	clear(c.values[n:])
	c.values = c.values[:n]
}

func (c *ColumnOf[T]) Bytes() int {
	if c.encode {
		return c.bytes
	}
	var value T
	return len(c.values) * int(unsafe.Sizeof(value))
}

func (c *ColumnOf[T]) Reset() {
	c.bytes = 0
	clear(c.values)
	clear(c.raws)
	c.values, c.raws, c.encode = c.values[:0], c.raws[:0], c.always
}
