package worker

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
)

// Entries come back as they were, each once, in any order; files go when nothing is left
// in them.
func TestSpillFile(t *testing.T) {
	t.Parallel()
	folder := newSpillFolder(t.TempDir())
	f := newSpillFile(folder.name)
	random := rand.New(rand.NewPCG(1, 2))
	want := map[uint64][]byte{}
	next := uint64(0)
	for range 2000 {
		if random.IntN(5) < 3 {
			next++
			raw := bytes.Repeat([]byte{byte(next)}, random.IntN(300_000))
			if err := f.write(next, raw); err != nil {
				t.Fatal(err)
			}
			want[next] = raw
			continue
		}
		for id, raw := range want {
			if random.IntN(4) == 0 {
				f.forget(id)
			} else if have, err := f.read(id); err != nil || !bytes.Equal(have, raw) {
				t.Fatalf("entry %d: %d bytes, error %v, want %d bytes", id, len(have), err, len(raw))
			}
			delete(want, id)
			if _, err := f.read(id); !errors.Is(err, errNotKept) {
				t.Fatalf("entry %d comes back again: %v", id, err)
			}
			break
		}
	}
	if len(f.files) < 2 {
		t.Errorf("%d files, want several", len(f.files))
	}
	for id := range want {
		f.forget(id)
	}
	if left := files(t, folder.path); len(left) != 1 { // its lock
		t.Errorf("left are %v", left)
	}
	if err := f.write(next+1, []byte("x")); err != nil {
		t.Fatal(err)
	}
	f.empty()
	if err := folder.close(); err != nil {
		t.Error(err)
	}
	if left := files(t, folder.parent); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
}

func files(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// A disk that takes nothing says so, and is used again when it has room.
func TestSpillFileWithoutRoom(t *testing.T) {
	t.Parallel()
	parent := filepath.Join(t.TempDir(), "not there yet")
	folder := newSpillFolder(parent)
	f := newSpillFile(folder.name)
	if err := f.write(1, []byte("x")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("writing into a folder that is not there: %v", err)
	}
	if err := os.Mkdir(parent, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := f.write(2, []byte("y")); err != nil {
		t.Fatal(err)
	}
	if raw, err := f.read(2); err != nil || string(raw) != "y" {
		t.Errorf("read %q, error %v", raw, err)
	}
	if err := folder.close(); err != nil {
		t.Error(err)
	}
}

// What a worker that crashed has left is removed by the next; what a living one keeps is
// not, nor what is not a worker's.
func TestSpillFoldersAreSwept(t *testing.T) {
	t.Parallel()
	parent := t.TempDir()
	living, crashed := newSpillFolder(parent), newSpillFolder(parent)
	for _, f := range []*spillFolder{living, crashed} {
		name, err := f.name()
		if err == nil {
			err = os.WriteFile(name, []byte("events"), 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(parent, "something else"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := crashed.unlock(); err != nil { // as the system does
		t.Fatal(err)
	}
	if err := newSpillFolder(parent).sweep(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(crashed.path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what the crashed worker left: %v", err)
	}
	if left := files(t, living.path); len(left) != 2 {
		t.Errorf("the living worker has %v", left)
	}
	if left := files(t, parent); len(left) != 2 {
		t.Errorf("left are %v", left)
	}
	if err := living.close(); err != nil {
		t.Error(err)
	}
}
