package guide

import (
	"strings"
	"testing"
)

// What a page shows is found in code that has it, whatever its indentation; a word more or less
// is told.
func TestMissing(t *testing.T) {
	t.Parallel()
	code := []string{"\n" + flat("package a\n\nfunc f() {\n\tone()\n\ttwo(1)\n\tthree()\n}\n")}
	for block, want := range map[string]string{
		"one()\ntwo(1)\n":                          "",
		"\tfunc f() {\n\t\tone()\n":                "",
		"func f() {\n\t…\n\tthree()\n}\n":          "",
		"one()\nthree()\n":                         "one()\nthree()\n",
		"two(2)\n":                                 "two(2)\n",
		"func f() {\n…\nfour()\n":                  "four()\n",
		strings.Repeat("three()\n", 2):             "three()\nthree()\n",
		"func f() {\n  one()\n  two(1)\n…\n} //\n": "} //\n",
	} {
		if got := missing(block, code); got != want {
			t.Errorf("of %q it misses %q, want %q", block, got, want)
		}
	}
}

// The blocks of a page are found by their language.
func TestBlocks(t *testing.T) {
	t.Parallel()
	for _, b := range Blocks(t, "README.md", "go") {
		if b.Text == "" || strings.Contains(b.Text, "```") {
			t.Errorf("a block of the README is %q", b.Text)
		}
	}
}
