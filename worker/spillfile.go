package worker

import (
	"errors"
	"fmt"
	"os"
)

// spillFile keeps entries by id, each written once and read once, in files that are
// removed when nothing is left in them. It is not synced: what is in it is lost with the
// process all the same. Not for concurrent use.
type spillFile struct {
	name    func() (string, error) // of a file that does not exist
	files   []*segment             // the last is written to
	entries map[uint64]place
}

// segment is one file.
type segment struct {
	file *os.File
	size int64
	live int // entries
}

// place is where an entry is.
type place struct {
	in     *segment
	offset int64
	size   int
}

// segmentBytes is what a file takes before the next is begun.
const segmentBytes = 64 << 20

var errNotKept = errors.New("the entry is not kept")

func newSpillFile(name func() (string, error)) *spillFile {
	return &spillFile{name: name, entries: map[uint64]place{}}
}

func (f *spillFile) write(id uint64, raw []byte) error {
	s, err := f.last()
	if err != nil {
		return err
	}
	if _, err := s.file.WriteAt(raw, s.size); err != nil {
		f.tidy(s)
		return err
	}
	f.entries[id] = place{s, s.size, len(raw)}
	s.size += int64(len(raw))
	s.live++
	return nil
}

// last is the file to write to.
func (f *spillFile) last() (*segment, error) {
	if n := len(f.files); n > 0 && f.files[n-1].size < segmentBytes {
		return f.files[n-1], nil
	}
	name, err := f.name()
	if err != nil {
		return nil, err
	}
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	s := &segment{file: file}
	f.files = append(f.files, s)
	return s, nil
}

// read gives an entry back and forgets it.
func (f *spillFile) read(id uint64) ([]byte, error) {
	p, ok := f.entries[id]
	if !ok {
		return nil, fmt.Errorf("%w: %d", errNotKept, id)
	}
	raw := make([]byte, p.size)
	_, err := p.in.file.ReadAt(raw, p.offset)
	f.forget(id)
	return raw, err
}

func (f *spillFile) forget(id uint64) {
	p, ok := f.entries[id]
	if !ok {
		return
	}
	delete(f.entries, id)
	p.in.live--
	f.tidy(p.in)
}

// tidy removes a file in which nothing is left.
func (f *spillFile) tidy(s *segment) {
	if s.live > 0 {
		return
	}
	for i := range f.files {
		if f.files[i] == s {
			f.files = append(f.files[:i], f.files[i+1:]...)
			break
		}
	}
	_ = errors.Join(s.file.Close(), os.Remove(s.file.Name())) // the folder goes with the worker
}

// empty forgets everything.
func (f *spillFile) empty() {
	clear(f.entries)
	for _, s := range f.files {
		_ = errors.Join(s.file.Close(), os.Remove(s.file.Name())) // as in tidy
	}
	f.files = nil
}
