package module_test

import (
	"testing"

	"github.com/coppice-run/coppice/module"
)

// counted counts how often it is defined.
type counted struct{ times int }

func (m *counted) Define(*module.Builder) { m.times++ }

func TestForget(t *testing.T) {
	t.Parallel()
	m := &counted{}
	for range 2 {
		_, _ = module.Compile(m)
	}
	if m.times != 1 {
		t.Fatalf("defined %d times, want once per value", m.times)
	}
	module.Forget(m)
	_, _ = module.Compile(m)
	if m.times != 2 {
		t.Errorf("defined %d times, want anew after it was forgotten", m.times)
	}
}
