package pipe

import (
	"errors"
	"io"
	"net"
	"os"
	"testing"
	"time"
)

// A megabyte is written before a byte is read, both ways.
func TestBufferedHasRoom(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	b := Buffered(near)
	defer b.Close()
	const size = 1 << 20
	if _, err := far.Write(make([]byte, size)); err != nil { // nobody reads b
		t.Fatal(err)
	}
	if n, err := io.ReadFull(b, make([]byte, size)); n != size || err != nil {
		t.Errorf("read %d bytes, %v", n, err)
	}
}

func TestBufferedDeadline(t *testing.T) {
	t.Parallel()
	near, far := net.Pipe()
	b := Buffered(near)
	if err := b.SetDeadline(time.Now().Add(time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read past its deadline: %v", err)
	}
	if err := b.SetDeadline(time.Time{}); err != nil {
		t.Fatal(err)
	}
	go func() { _ = far.Close() }()
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("read after the peer's end: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}
