package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// pollEvery is how often a process or a server is asked while we wait for it.
const pollEvery = 20 * time.Millisecond

// askAgainAfter is how long a Redis server has before it is asked to end once more.
const askAgainAfter = 300 * time.Millisecond

// spawn starts a process that outlives us unless it is to end with us, with its output in the server's log
// and the server's data folder as its working folder, and fills in pid and start time.
func (s *Server) spawn(endWithUs bool, command ...string) error {
	for _, folder := range []string{s.Data, filepath.Dir(s.Log)} {
		if err := os.MkdirAll(folder, 0o755); err != nil {
			return fmt.Errorf("stack: %s: %w", s.Name, err)
		}
	}
	log, err := os.OpenFile(s.Log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o644)
	if err != nil {
		return fmt.Errorf("stack: %s: %w", s.Name, err)
	}
	defer log.Close()
	cmd := exec.Command(command[0], command[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = s.Data, log, log
	cmd.SysProcAttr = detached(endWithUs)
	if err := startProcess(cmd, endWithUs); err != nil {
		return fmt.Errorf("stack: start %s: %w", s.Name, err)
	}
	s.Pid = cmd.Process.Pid
	if s.Started, err = startOf(s.Pid); err != nil {
		return errors.Join(fmt.Errorf("stack: start %s: %w", s.Name, err), cmd.Process.Kill())
	}
	if endWithUs {
		return nil
	}
	// Nobody waits for it through os/exec: it may outlive us, and reap collects it where it did not.
	return cmd.Process.Release()
}

// startProcess starts a process. One that is to end with us is started by a thread that
// lasts as long as it: the kernel ends it with the thread that started it, not with the
// process.
func startProcess(cmd *exec.Cmd, endWithUs bool) error {
	if !endWithUs {
		return cmd.Start()
	}
	started := make(chan error)
	go keep(cmd, started)
	return <-started
}

// keep starts a process and lasts until it has ended.
func keep(cmd *exec.Cmd, started chan<- error) {
	runtime.LockOSThread() // for good: the thread ends with this function
	err := cmd.Start()
	started <- err
	if err == nil {
		_ = cmd.Wait() // how it ended is for those who look at it; reap may have been first
	}
}

// Alive says whether the recorded process still runs.
func (s Server) Alive() bool {
	if s.Pid <= 0 {
		return false
	}
	reap(s.Pid)
	started, err := startOf(s.Pid)
	return err == nil && started == s.Started
}

// Signal sends a signal to the recorded process; a process that has ended is
// not an error. Tests use it for SIGKILL, SIGSTOP and SIGCONT.
func (s Server) Signal(signal syscall.Signal) error {
	if !s.Alive() {
		return nil
	}
	if err := kill(s.Pid, signal); err != nil && s.Alive() {
		return fmt.Errorf("stack: send %v to %s (pid %d): %w", signal, s.Name, s.Pid, err)
	}
	return nil
}

// Stop ends the server: SIGTERM, and SIGKILL when it has not ended after
// patience. It returns when the process is gone.
func (s Server) Stop(ctx context.Context, patience time.Duration) error {
	if err := s.Signal(syscall.SIGTERM); err != nil {
		return err
	}
	// A paused process does not see SIGTERM before it is resumed.
	if err := s.Signal(sigContinue); err != nil {
		return err
	}
	gentle, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	asked := time.Now()
	err := poll(gentle, func() bool {
		// A Redis server that has just become a replica refuses, and forgets that it was
		// asked. To a program a second signal may mean that it is to end at once.
		if s.Role != Program && s.Role != Kafka && time.Since(asked) > askAgainAfter {
			asked = time.Now()
			_ = s.Signal(syscall.SIGTERM) // SIGKILL comes behind it
		}
		return !s.Alive()
	})
	if err == nil {
		return nil
	}
	if err := s.Signal(sigKill); err != nil {
		return err
	}
	if err := poll(ctx, func() bool { return !s.Alive() }); err != nil {
		return fmt.Errorf("stack: wait for the end of %s (pid %d): %w", s.Name, s.Pid, err)
	}
	return nil
}

// poll asks until the answer is yes or the context ends.
func poll(ctx context.Context, done func() bool) error {
	ticker := time.NewTicker(pollEvery)
	defer ticker.Stop()
	for !done() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
		}
	}
	return nil
}

// startOf names the start of a process: the boot of the machine and the clock
// ticks since then. It fails for a process that does not exist, or has ended
// and was not collected by its parent.
func startOf(pid int) (string, error) {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return "", fmt.Errorf("process %d: %w", pid, err)
	}
	state, ticks, err := parseStat(string(data))
	if err != nil {
		return "", fmt.Errorf("process %d: %w", pid, err)
	}
	if state == "Z" || state == "X" {
		return "", fmt.Errorf("process %d has ended", pid)
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "", fmt.Errorf("process %d: %w", pid, err)
	}
	return strings.TrimSpace(string(boot)) + "/" + ticks, nil
}

// parseStat takes the state (field 3) and the start time (field 22) from
// /proc/PID/stat. Field 2, the name, is in parentheses and may hold any character.
func parseStat(stat string) (state, ticks string, err error) {
	_, rest, found := cutLast(stat, ")")
	fields := strings.Fields(rest)
	if !found || len(fields) < 20 {
		return "", "", fmt.Errorf("cannot read %q as /proc/PID/stat", stat)
	}
	return fields[0], fields[19], nil
}

func cutLast(text, separator string) (before, after string, found bool) {
	i := strings.LastIndex(text, separator)
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+len(separator):], true
}
