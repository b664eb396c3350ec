//go:build unix

package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

const (
	sigContinue = syscall.SIGCONT
	sigKill     = syscall.SIGKILL
	sigStop     = syscall.SIGSTOP
)

func kill(pid int, signal syscall.Signal) error { return syscall.Kill(pid, signal) }

// reap collects the process if it is an ended child of ours. Otherwise it does nothing.
func reap(pid int) {
	var status syscall.WaitStatus
	_, _ = syscall.Wait4(pid, &status, syscall.WNOHANG, nil)
}

// lock makes Up and Down of one folder wait for each other, also across
// processes. The system gives the lock back when its holder ends.
func lock(ctx context.Context, folder string) (unlock func(), err error) {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return nil, fmt.Errorf("stack: state folder: %w", err)
	}
	file, err := os.OpenFile(filepath.Join(folder, "lock"), os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, fmt.Errorf("stack: lock: %w", err)
	}
	err = poll(ctx, func() bool { return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil })
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("stack: wait for another command that holds %s: %w", file.Name(), err)
	}
	return func() { file.Close() }, nil
}

// tryLock takes the lock of a file that it makes if needed, unless somebody holds it.
func tryLock(name string) (unlock func() error, held bool, err error) {
	file, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, false, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		file.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, true, nil
		}
		return nil, false, err
	}
	return file.Close, false, nil
}
