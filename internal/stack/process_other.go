//go:build !unix

package stack

import (
	"context"
	"errors"
	"syscall"
)

// Without Unix signals only compose mode works; [checkTools] says so.

const (
	sigContinue = syscall.Signal(0)
	sigKill     = syscall.SIGKILL
	sigStop     = syscall.Signal(0)
)

func detached(bool) *syscall.SysProcAttr { return nil }

func kill(int, syscall.Signal) error { return errors.ErrUnsupported }

func reap(int) {}

func lock(context.Context, string) (unlock func(), err error) { return func() {}, nil }

func tryLock(string) (unlock func() error, held bool, err error) {
	return func() error { return nil }, false, nil
}
