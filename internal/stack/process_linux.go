package stack

import "syscall"

// detached gives a server a session of its own, so that a Ctrl-C in our terminal
// is not its end too. The signal of the caller's end is bound to the thread that
// starts the process; the threads of a Go program stay until it ends.
func detached(endWithUs bool) *syscall.SysProcAttr {
	attributes := &syscall.SysProcAttr{Setsid: true}
	if endWithUs {
		attributes.Pdeathsig = syscall.SIGKILL
	}
	return attributes
}
