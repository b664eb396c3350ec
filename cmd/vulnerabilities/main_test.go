package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Only a tool that has looked and found nothing gives a clean bill; what stands in for it ends
// as govulncheck does: 0, 3 where it has found something, else 1.
func TestOnlyWhatWasLookedAtIsClean(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		exit int
		db   string
		says string // in the error; "": there is none
	}{
		{0, "", ""},
		{0, "file:///copy", ""},
		{3, "", "known vulnerabilities"},
		{1, "", "VULNDB=golang.org/x/vulndb@latest"},
		{2, "file:///copy", "NOT looked up"},
	} {
		program := filepath.Join(t.TempDir(), "tool")
		script := fmt.Sprintf("#!/bin/sh\necho \"asked: $*\"\nexit %d\n", c.exit)
		if err := os.WriteFile(program, []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		var out bytes.Buffer
		err := (&checker{program: program, db: c.db, out: &out}).all(t.Context(), []string{".", "site"})
		if (err == nil) != (c.says == "") || err != nil && strings.Count(err.Error(), c.says) != 2 {
			t.Errorf("exit code %d of both folders: %v, want %q of each", c.exit, err, c.says)
		}
		for _, folder := range []string{".", "site"} {
			want := "asked: -C " + folder + " ./...\n"
			if c.db != "" {
				want = "asked: -C " + folder + " -db " + c.db + " ./...\n"
			}
			if !strings.Contains(out.String(), want) {
				t.Errorf("the tool was not %q:\n%s", want, &out)
			}
		}
	}
}

func TestNothingToLookAtIsNotClean(t *testing.T) {
	t.Parallel()
	if err := run(t.Context(), "", "", []string{"."}); err == nil {
		t.Error("no tool gives a clean bill")
	}
	if err := run(t.Context(), "x", "", nil); err == nil {
		t.Error("no folders give a clean bill")
	}
}

// A copy that knows nothing finds nothing.
func TestAnEmptyCopyIsNotClean(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		db, modules string
		says        string // in the error; "": there is none
	}{
		{`{"modified":"2026-01-02T00:00:00Z"}`, `[{"path":"example.org/x","vulns":[]}]`, ""},
		{`{"modified":"2026-01-02T00:00:00Z"}`, `[]`, "knows no module"},
		{`{}`, `[{"path":"example.org/x"}]`, "knows no module"},
		{`{"modified":"2026-01-02T00:00:00Z"}`, "", "is no copy of the database"},
		{"", `[]`, "is no copy of the database"},
	} {
		folder := t.TempDir()
		if err := os.Mkdir(filepath.Join(folder, "index"), 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"db.json": c.db, "modules.json": c.modules} {
			if err := os.WriteFile(filepath.Join(folder, "index", name), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		about, err := copied(folder)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) || err == nil && !strings.Contains(about, "2026-01-02") {
			t.Errorf("%s and %s: %q, %v, want %q", c.db, c.modules, about, err, c.says)
		}
	}
	if _, err := copied(t.TempDir()); err == nil {
		t.Error("an empty folder gives a clean bill")
	}
}
