package examples_test

import (
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/coppice-run/coppice/examples/basic"
	"github.com/coppice-run/coppice/examples/internal/exampletest"
	"github.com/coppice-run/coppice/localcluster"
	"github.com/coppice-run/coppice/localcluster/clustertest"
)

// promise 3.07, promise 3.08, promise 3.09, promise 3.10, promise 3.11, promise 3.19,
// promise 3.21: keys and pairs of keys are counted in both directions, in maps and
// maps within maps, also where the hop is within a condition (promise 3.12,
// promise 3.13), and however the tasks are spread (promise 3.15).
func TestBasic(t *testing.T) {
	t.Parallel()
	const want = "a count: 2\nb count: 2\nc count: 1\nb subcounts: [[\"a\" 1] [\"c\" 1]]\n"
	for _, launch := range []localcluster.LaunchConfig{{}, {Tasks: 1}, {Tasks: 7, Workers: 3}} {
		if got := exampletest.Output(t, basic.Demo, launch); got != want {
			t.Errorf("%d tasks, %d workers: the demo printed\n%swant\n%s", launch.Tasks, launch.Workers, got, want)
		}
	}
}

// promise 3.20 promise 3.02 promise 3.14: a second source of the same stream
// prints its records with their task.
func TestSecondSource(t *testing.T) {
	t.Parallel()
	c, err := localcluster.Start(t.Context(), localcluster.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	var out lines
	m := &basic.Module{Out: &out}
	if err := c.Launch(t.Context(), m, localcluster.LaunchConfig{}); err != nil {
		t.Fatal(err)
	}
	for _, w := range []string{"X", "Y"} {
		if _, err := m.Words.Append(t.Context(), c.Client(), w); err != nil {
			t.Fatal(err)
		}
	}
	if got := out.String(); !regexp.MustCompile(`^From words: [0-3] X\nFrom words: [0-3] Y\n$`).MatchString(got) {
		t.Errorf("printed %q", got)
	}
}

// lines is a writer for handlers, which run on several tasks.
type lines struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// promise 3.09, promise 3.10, promise 3.11, promise 3.12, promise 3.13, promise 3.14: as
// dataflow it does the same, event for event.
func TestBasicAsDataflow(t *testing.T) {
	t.Parallel()
	flow := &basic.Flow{}
	exampletest.SameEvents(t, &basic.Module{}, flow, &flow.Module, func(m *basic.Module, kit *clustertest.Kit) error {
		var out lines
		m.Out = &out
		for _, p := range []basic.Pair{{First: "a", Second: "b"}, {First: "b", Second: "c"}, {First: "a", Second: "a"}} {
			if _, err := m.Pairs.Append(t.Context(), kit, p); err != nil {
				return err
			}
		}
		_, err := m.Words.Append(t.Context(), kit, "X")
		if !regexp.MustCompile(`^From words: [0-3] X\n$`).MatchString(out.String()) {
			t.Errorf("printed %q", out.String())
		}
		if n, err := m.Beside.Key("b").Key("c").Get(kit); n != 1 || err != nil {
			t.Errorf("b was %d times beside c, error %v", n, err)
		}
		return err
	}, "words")
}
