package stack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// playAs makes the test binary play a server: "gentle" ends on SIGTERM, "stubborn" does not,
// and "caller" starts one itself, which is to end with it.
const playAs = "COPPICE_STACK_TEST_PLAY"

func TestMain(m *testing.M) {
	switch os.Getenv(playAs) {
	case "gentle":
		play()
	case "caller":
		call()
		play()
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
		play()
	}
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/coppice-run/coppice/internal/stack.last"))
}

// call starts a server and leaves its pid in the file "child".
func call() {
	child := Server{Name: "child", Data: ".", Log: "child.log"}
	err := child.spawn(true, "/usr/bin/env", playAs+"=gentle", os.Args[0])
	if err == nil {
		err = os.WriteFile("child", []byte(strconv.Itoa(child.Pid)), 0o644)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

// play says that it is ready, after which signals mean what the role says, and stays.
func play() {
	fmt.Println("ready")
	wait := make(chan os.Signal, 1)
	signal.Notify(wait, os.Interrupt)
	<-wait
	os.Exit(0)
}

// spawned starts the test binary in a role and waits until it plays.
func spawned(t *testing.T, role string) Server {
	t.Helper()
	folder := t.TempDir()
	server := Server{Name: role, Role: Redis, Data: filepath.Join(folder, "data"), Log: filepath.Join(folder, "log")}
	if err := server.spawn(true, "/usr/bin/env", playAs+"="+role, os.Args[0]); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Signal(sigKill); err != nil {
			t.Error(err)
		}
		reapAll(t, server)
	})
	err := poll(t.Context(), func() bool {
		said, _ := os.ReadFile(server.Log)
		return strings.Contains(string(said), "ready")
	})
	if err != nil {
		t.Fatal(err)
	}
	return server
}

// reapAll waits for the end of servers that are our children.
func reapAll(t *testing.T, servers ...Server) {
	t.Helper()
	for _, server := range servers {
		// The context of a test is over when its cleanups run.
		if err := poll(context.Background(), func() bool { return !server.Alive() }); err != nil {
			t.Error(err)
		}
	}
}

// fakeRun answers programs, and keeps what was run.
type fakeRun struct {
	fail  string // commands that contain this fail
	print map[string]string
	ran   []string
	added []string // the variables of the last command
}

func (f *fakeRun) run(_ context.Context, environment []string, command ...string) (string, error) {
	line := strings.Join(command, " ")
	f.ran, f.added = append(f.ran, line), environment
	if f.fail != "" && strings.Contains(line, f.fail) {
		return "it is broken", errors.New("exit status 1")
	}
	for part, output := range f.print {
		if strings.Contains(line, part) {
			return output, nil
		}
	}
	return "", nil
}

func needs(t *testing.T, program string) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed", program)
	}
}
