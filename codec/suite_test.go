package codec_test

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/coppice-run/coppice/codec"
	"github.com/coppice-run/coppice/codec/codectest"
)

type point struct{ X, Y int }

func TestSuites(t *testing.T) {
	t.Parallel()
	codectest.Suite[point]{Codec: codec.JSON, Values: []point{{1, -2}}}.Run(t)
	codectest.Suite[string]{Codec: codec.Text, Values: []string{"x", "\xff"}}.Run(t)
	codectest.Suite[uint32]{Codec: fixed(), Values: []uint32{1, 1 << 31}}.Run(t)
}

// fixed is a codec as programs write one of their own.
func fixed() codec.Codec {
	return codec.Of("fixed",
		func(dst []byte, n *uint32) ([]byte, error) { return binary.BigEndian.AppendUint32(dst, *n), nil },
		func(raw []byte, n *uint32) error {
			if len(raw) != 4 {
				return errors.New("want four bytes")
			}
			*n = binary.BigEndian.Uint32(raw)
			return nil
		})
}

func FuzzJSON(f *testing.F) {
	codectest.Suite[point]{Codec: codec.JSON, Values: []point{{1, 2}}}.Fuzz(f)
}
