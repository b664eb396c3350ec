//go:build unix

package worker

import (
	"errors"
	"os"
	"syscall"
)

// newLock makes a file that this process has the lock of: it has its name when it is
// locked, and not before. The system gives the lock back when its holder ends.
func newLock(name string) (unlock func() error, err error) {
	file, err := os.OpenFile(name+".new", os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err == nil {
		err = os.Rename(name+".new", name)
	}
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return file.Close, nil
}

// tryLock takes the lock of a file that exists, unless somebody holds it.
func tryLock(name string) (unlock func() error, held bool, err error) {
	file, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, false, err
	}
	err = syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	switch {
	case errors.Is(err, syscall.EWOULDBLOCK):
		return nil, true, file.Close()
	case err != nil:
		return nil, false, errors.Join(err, file.Close())
	}
	return file.Close, false, nil
}
