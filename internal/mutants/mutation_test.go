package mutants

import "testing"

// Every mutation still fits the code, and has a name of its own.
func TestEveryMutationApplies(t *testing.T) {
	t.Parallel()
	names, blind := map[string]bool{}, 0
	for _, m := range All() {
		if names[m.Name] {
			t.Errorf("two mutations are named %s", m.Name)
		}
		names[m.Name] = true
		if m.Blind {
			blind++
		}
		if _, err := m.Apply("../.."); err != nil {
			t.Error(err)
		}
	}
	if len(names) < 25 {
		t.Errorf("%d mutations, want 25 or more", len(names))
	}
}

// A mutation that the compiler refuses would end a campaign before its time.
func TestEveryMutationCompiles(t *testing.T) {
	t.Parallel()
	if err := Check(t.Context(), "../..", All()); err != nil {
		t.Error(err)
	}
}
