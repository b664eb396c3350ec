package worker

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"sync"
)

// spillFolder is where the tasks of a worker keep events that find no room in memory
// (R43). It is made when the first of them does, locked as long as the worker lives, and
// removed at its end; what a worker that crashed has left, the next one on this machine
// removes.
type spillFolder struct {
	parent string

	mu     sync.Mutex
	path   string // "" until it is made
	unlock func() error
	files  int // named in it
}

// spillPrefix begins the names of the folders of all workers.
const spillPrefix = "coppice-spill-"

// lockFile is the file in a worker's folder that it locks.
const lockFile = "owner"

func newSpillFolder(parent string) *spillFolder {
	if parent == "" {
		parent = os.TempDir()
	}
	return &spillFolder{parent: parent}
}

// sweep removes the folders of workers that are gone.
func (f *spillFolder) sweep() error {
	left, err := filepath.Glob(filepath.Join(f.parent, spillPrefix+"*"))
	if err != nil {
		return fmt.Errorf("looking for what workers have left in %s: %w", f.parent, err)
	}
	var problems []error
	for _, folder := range left {
		unlock, held, err := tryLock(filepath.Join(folder, lockFile))
		switch {
		case errors.Is(err, os.ErrNotExist) || held:
			continue // just made, or just removed, or in use
		case err != nil:
			problems = append(problems, err)
		default:
			problems = append(problems, os.RemoveAll(folder), unlock())
		}
	}
	return errors.Join(problems...)
}

// name returns a name for a file in the folder.
func (f *spillFolder) name() (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.path == "" {
		if err := f.open(); err != nil {
			return "", err
		}
	}
	f.files++
	return filepath.Join(f.path, strconv.Itoa(f.files)), nil
}

// open makes the folder; locked.
func (f *spillFolder) open() error {
	path, err := os.MkdirTemp(f.parent, spillPrefix)
	if err != nil {
		return err
	}
	unlock, err := newLock(filepath.Join(path, lockFile))
	if err != nil {
		return errors.Join(err, os.RemoveAll(path))
	}
	f.path, f.unlock = path, unlock
	return nil
}

// close removes the folder.
func (f *spillFolder) close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.path == "" {
		return nil
	}
	err := errors.Join(os.RemoveAll(f.path), f.unlock())
	f.path = ""
	return err
}
