package virtual

import (
	"context"
	"flag"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
)

var (
	// make integration runs 20 more, behind those of make test.
	seedsFlag = flag.Int("seeds", 10, "how many seeds each randomised case runs on")
	firstFlag = flag.Uint64("first", 1, "the first seed")
)

func TestMain(m *testing.M) {
	flag.Parse()
	redis.SetLogger(silent{}) // lines break on purpose here
	goleak.VerifyTestMain(m)
}

type silent struct{}

func (silent) Printf(context.Context, string, ...any) {}

// onSeeds runs a case in a bubble of its own for each seed. The seed is in the
// test's name, so a failure prints it, and -run 'TestX/seed=7$' draws the same
// plan again. What the runs are to have met, they note; a case that never met it on
// any seed has shown nothing and fails.
func onSeeds(t *testing.T, test func(t *testing.T, seed uint64, seen *met)) {
	t.Helper()
	t.Parallel()
	seen := &met{times: map[string]int{}}
	t.Cleanup(func() { seen.check(t) })
	for i := range *seedsFlag {
		seed := *firstFlag + uint64(i)
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, seed, seen) })
		})
	}
}

// met counts, over all seeds of a case, what it is there to meet.
type met struct {
	mu    sync.Mutex
	runs  int
	times map[string]int
}

// note adds how often something happened in one run.
func (m *met) note(what string, times int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.times[what] += times
	m.runs++
}

// enough is how many notes make it sure that what can happen has happened.
const enough = 10

func (m *met) check(t *testing.T) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for what, times := range m.times {
		if times == 0 && m.runs >= enough {
			t.Errorf("%s: not once in all runs, which show nothing of it", what)
		}
	}
	t.Log(m.times)
}

// inBubble runs a case that draws nothing.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}
