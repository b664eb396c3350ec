package stack

import (
	"fmt"
	"os"
	"strings"
	"time"
)

// MissingToolError says that a program is not installed.
type MissingToolError struct {
	Tool    string // the program
	Install string // what to do about it
}

func (e *MissingToolError) Error() string {
	return fmt.Sprintf("stack: %s is not installed: %s", e.Tool, e.Install)
}

// OldToolError says that a program is too old, or does not run.
type OldToolError struct {
	Tool    string // the program
	Version string // what it says of itself
	Want    string // the least version
	Install string // what to do about it
}

func (e *OldToolError) Error() string {
	return fmt.Sprintf("stack: %s says %q, want %s or newer: %s", e.Tool, e.Version, e.Want, e.Install)
}

// PortTakenError says that somebody else listens where a server should.
type PortTakenError struct {
	Server   string
	Address  string
	Variable string // the environment variable that chooses another port
	Cause    error
}

func (e *PortTakenError) Error() string {
	return fmt.Sprintf("stack: %s cannot listen on %s: %v; end what listens there (`ss -ltnp` shows it) or choose another port by %s",
		e.Server, e.Address, e.Cause, e.Variable)
}

func (e *PortTakenError) Unwrap() error { return e.Cause }

// UnknownServerError says that a rig has no server or program of that name.
type UnknownServerError struct {
	Server string
	Folder string // the rig's
}

func (e *UnknownServerError) Error() string {
	return fmt.Sprintf("stack: the rig in %s has no %q: it has %s, pair-1, pair-2 and what was launched", e.Folder, e.Server, KafkaName)
}

// StartError says that a server was started and is of no use.
type StartError struct {
	Server  string
	Address string
	After   time.Duration
	Exited  bool   // the process has ended; otherwise it runs and does not answer
	Log     string // the log file
	Tail    string // the last lines of the log
	Cause   error  // the last answer, or the lack of one
}

func (e *StartError) Error() string {
	what := "does not answer"
	if e.Exited {
		what = "ended"
	}
	text := fmt.Sprintf("stack: %s (%s) %s after %.1f s: %v", e.Server, e.Address, what, e.After.Seconds(), e.Cause)
	if e.Tail == "" {
		return text + "; its log " + e.Log + " is empty"
	}
	return text + "; the end of " + e.Log + ":\n" + e.Tail
}

func (e *StartError) Unwrap() error { return e.Cause }

// tail returns the last lines of a file, indented, or "" if it cannot be read.
func tail(file string, lines int) string {
	data, err := os.ReadFile(file)
	if err != nil {
		return ""
	}
	all := strings.Split(strings.TrimRight(string(data), "\n"), "\n")
	if len(all) == 1 && all[0] == "" {
		return ""
	}
	if len(all) > lines {
		all = all[len(all)-lines:]
	}
	return "  " + strings.Join(all, "\n  ")
}
