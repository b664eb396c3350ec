//go:build unix && !linux

package stack

import "syscall"

func detached(bool) *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }
