package main

import (
	"syscall"
	"time"
)

// pause is a time.Sleep that is not rounded up to a millisecond, as that of an idle process is.
func pause(d time.Duration) {
	t := syscall.NsecToTimespec(d.Nanoseconds())
	_ = syscall.Nanosleep(&t, nil) // who is woken early pauses again
}

// precise has the thread's pauses end when they should, not up to 50 µs later, until what it
// returns is called.
func precise() (end func()) {
	const setTimerSlack, byDefault = 29, 0 // PR_SET_TIMERSLACK
	set := func(nanos uintptr) { _, _, _ = syscall.RawSyscall(syscall.SYS_PRCTL, setTimerSlack, nanos, 0) }
	set(1)
	return func() { set(byDefault) }
}
