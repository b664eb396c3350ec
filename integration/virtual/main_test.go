package virtual

import (
	"context"
	"flag"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"
)

var (
	seedsFlag = flag.Int("seeds", 20, "how many seeds each randomised case runs on")
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
// plan again.
func onSeeds(t *testing.T, test func(t *testing.T, seed uint64)) {
	t.Helper()
	t.Parallel()
	for i := range *seedsFlag {
		seed := *firstFlag + uint64(i)
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { test(t, seed) })
		})
	}
}

// inBubble runs a case that draws nothing.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, test)
}
