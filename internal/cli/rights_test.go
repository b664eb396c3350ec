package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coppice-run/coppice/depot"
)

// answers is a log that answers everybody who asks for a topic alike.
type answers struct {
	depot.Log
	err error
}

func (a answers) Bounds(context.Context, string, int32) (start, end int64, err error) {
	return 0, 0, a.err
}

// Who sees no topics is held to see all there are only if asking for one is not denied.
func TestWhoSeesNothingMayHaveNoRight(t *testing.T) {
	t.Parallel()
	denied := fmt.Errorf("topic x: %w: allow the user to Describe", depot.ErrDenied)
	for _, c := range []struct {
		topics int
		says   error // of Kafka
		denied bool
	}{{0, denied, true}, {1, denied, false}, {0, errors.New("no such topic"), false}, {0, nil, false}} {
		if err := mayLook(t.Context(), answers{err: c.says}, c.topics); errors.Is(err, depot.ErrDenied) != c.denied {
			t.Errorf("%d topics, and Kafka says %v: %v", c.topics, c.says, err)
		}
	}
}

// On a Kafka with rights: who has none is told so, and not that nothing is there.
func TestSecureWhoSeesNothingIsToldSo(t *testing.T) {
	t.Parallel()
	secrets := os.Getenv("COPPICE_TEST_SECURE")
	if secrets == "" {
		t.Skip("COPPICE_TEST_SECURE names no secure servers; make secure-test starts them")
	}
	nobody := []string{"--kafka-user", "nobody", "--kafka-password-file", filepath.Join(secrets, "nobody.password")}
	for _, command := range []string{"modules", "doctor"} {
		code, out, errs := coppice(t.Context(), append([]string{command}, nobody...)...)
		if said := out + errs; code != exitError || !strings.Contains(said, "allow the user to") || strings.Contains(said, "no module has run") {
			t.Errorf("%s: exit code %d, %s", command, code, said)
		}
	}
}
