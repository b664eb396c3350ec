//go:build !unix

package worker

import (
	"errors"
	"os"
)

// newLock makes a file and keeps it open: that is the lock, where there is no other.
func newLock(name string) (unlock func() error, err error) {
	file, err := os.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	return file.Close, nil
}

// tryLock takes the lock of a file that exists, unless somebody holds it: a file that is
// open cannot be removed.
func tryLock(name string) (unlock func() error, held bool, err error) {
	err = os.Remove(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, false, err
	}
	return func() error { return nil }, err != nil, nil
}
