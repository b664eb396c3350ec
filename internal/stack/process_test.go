package stack

import (
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"
)

func TestStopEndsAServerThatObeys(t *testing.T) {
	t.Parallel()
	server := spawned(t, "gentle")
	if !server.Alive() {
		t.Fatal("a server that has just started is not alive")
	}
	if err := server.Stop(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if server.Alive() {
		t.Error("the server lives after Stop")
	}
	if err := server.Stop(t.Context(), time.Minute); err != nil {
		t.Errorf("Stop of a server that has ended: %v", err)
	}
}

func TestStopEndsAServerThatDoesNotObey(t *testing.T) {
	t.Parallel()
	server := spawned(t, "stubborn")
	if err := server.Stop(t.Context(), 50*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if server.Alive() {
		t.Error("the server lives after Stop")
	}
}

func TestStopEndsAPausedServer(t *testing.T) {
	t.Parallel()
	server := spawned(t, "gentle")
	if err := server.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	if err := server.Stop(t.Context(), time.Minute); err != nil {
		t.Fatal(err)
	}
	if server.Alive() {
		t.Error("the server lives after Stop")
	}
}

// A pid is given again: a record whose start time is another's must not reach that process.
func TestAnotherProcessOfTheSamePidIsLeftAlone(t *testing.T) {
	t.Parallel()
	server := spawned(t, "gentle")
	stale := server
	stale.Started = "an earlier boot/1"
	if stale.Alive() {
		t.Error("a record with another start time counts as alive")
	}
	if err := stale.Stop(t.Context(), time.Minute); err != nil {
		t.Error(err)
	}
	if !server.Alive() {
		t.Error("Stop of a stale record has ended another process")
	}
}

func TestSpawnSaysWhatItCannotStart(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	server := Server{Name: "nothing", Data: folder, Log: folder + "/log"}
	if err := server.spawn(false, folder+"/no-such-program"); err == nil {
		t.Error("a program that does not exist has started")
	}
	if server.Alive() {
		t.Error("a server that never started is alive")
	}
}

func TestParseStat(t *testing.T) {
	t.Parallel()
	const tail = " 1 1 1 0 -1 4194304 0 0 0 0 0 0 0 0 20 0 1 0 4711 9 9"
	for _, name := range []string{"redis-server", "a b", "a) R (b", ""} {
		state, ticks, err := parseStat("17 (" + name + ") S" + tail)
		if err != nil || state != "S" || ticks != "4711" {
			t.Errorf("name %q: state %q, start %q, error %v; want S and 4711", name, state, ticks, err)
		}
	}
	for _, text := range []string{"", "17 (x", "17 (x) S 1 2"} {
		if _, _, err := parseStat(text); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func TestStartOfThisProcess(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("no /proc here")
	}
	first, err := startOf(os.Getpid())
	if err != nil {
		t.Fatal(err)
	}
	if second, err := startOf(os.Getpid()); err != nil || second != first {
		t.Errorf("the start of one process is %q and %q (%v)", first, second, err)
	}
	if parents, err := startOf(os.Getppid()); err == nil && parents == first {
		t.Errorf("process %s has the start time of its parent: %q", strconv.Itoa(os.Getpid()), first)
	}
}

// A test that is killed cannot end its servers: they end with it where it said so.
func TestServersEndWithTheirCaller(t *testing.T) {
	t.Parallel()
	if runtime.GOOS != "linux" {
		t.Skip("only Linux tells a process of its parent's end")
	}
	caller := spawned(t, "caller")
	text, err := os.ReadFile(filepath.Join(caller.Data, "child"))
	if err != nil {
		t.Fatal(err)
	}
	child, err := strconv.Atoi(string(text))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := startOf(child); err != nil {
		t.Fatalf("the child has not started: %v", err)
	}
	if err := caller.Signal(sigKill); err != nil {
		t.Fatal(err)
	}
	if err := poll(t.Context(), func() bool { _, err := startOf(child); return err != nil }); err != nil {
		t.Errorf("process %d lives after its caller: %v", child, err)
	}
}
