package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Every module of the repository is built by one Go, whose standard library is looked up: one of
// them that named another, or none, would be built with what the others have mended.
func TestModulesNameOneToolchain(t *testing.T) {
	t.Parallel()
	read := func(name string) string {
		raw, err := os.ReadFile(filepath.Join("..", "..", filepath.FromSlash(name)))
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	beside := regexp.MustCompile(`(?m)^MODULES_BESIDE = (.*)$`).FindStringSubmatch(read("Makefile"))
	if beside == nil {
		t.Fatal("the Makefile has no MODULES_BESIDE")
	}
	named := regexp.MustCompile(`(?m)^toolchain (go\S+)$`)
	want := named.FindString(read("go.mod"))
	if want == "" {
		t.Fatal("go.mod names no toolchain")
	}
	for _, folder := range strings.Fields(beside[1]) {
		if got := named.FindString(read(folder + "/go.mod")); got != want {
			t.Errorf("%s/go.mod: %q, want %q", folder, got, want)
		}
	}
}
