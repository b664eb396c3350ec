package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every link of the documentation leads somewhere, every block is checked by something,
// and each page is in the navigation.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	s, err := read("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, problem := range append(s.resolve(), s.unchecked()...) {
		t.Error(problem)
	}
	count := 0
	for _, pages := range s.placed() {
		count += len(pages)
	}
	if count != len(s.pages) || count < 20 {
		t.Errorf("%d of %d pages are in the navigation", count, len(s.pages))
	}
	out := filepath.Join(t.TempDir(), "site")
	if err := s.write(out); err != nil {
		t.Fatal(err)
	}
	for _, url := range []string{"index.html", "architecture.html", "guides/streams.html", "decisions/index.html", "reference/openapi.json", "style.css"} {
		if raw, err := os.ReadFile(filepath.Join(out, url)); err != nil || len(raw) == 0 {
			t.Errorf("%s: %d bytes, %v", url, len(raw), err)
		}
	}
}

// small is a repository of one page and some files.
func small(t *testing.T, page string) *site {
	t.Helper()
	root := t.TempDir()
	for name, text := range map[string]string{
		"README.md": page, "CHANGELOG.md": "# Changes\n", "CONTRIBUTING.md": "# Contributing\n",
		"docs/guides/a.md": "# A\n\n## Some heading\n", "x/x.go": "package x\n\nfunc f() {\n\tprintln(1)\n\n\tprintln(2)\n}\n", "site/unchecked.txt": "",
	} {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	s, err := read(root)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestWrongPagesAreFound(t *testing.T) {
	t.Parallel()
	const fence = "```"
	for page, want := range map[string]string{
		"[a](docs/guides/a.md#some-heading) [x](x/x.go) [w](https://example.org)": "",
		"[a](docs/guides/b.md)":                                                  "there is no file docs/guides/b.md",
		"[a](docs/guides/a.md#other)":                                            "has no heading #other",
		"[a](#other)":                                                            "has no heading #other",
		"[a](../outside)":                                                        "there is no file",
		"[a](/docs/guides/a.md)":                                                 "is absolute",
		fence + "go\nprintln(1)\nprintln(2)\n" + fence:                           "",
		fence + "go\nfunc f() {\n\t…\n\tprintln(2)\n" + fence:                    "",
		fence + "go\nprintln(2)\nprintln(1)\n" + fence:                           "no Go file has these lines",
		fence + "go\nprint\n" + fence:                                            "no Go file has these lines",
		fence + "json\n{\"a\": 1}\n" + fence:                                     "",
		fence + "json\n{a: 1}\n" + fence:                                         "is no JSON",
		fence + "\nwhat is this\n" + fence:                                       "nothing checks",
		fence + "sh\nmake\n" + fence + "\n\n" + fence + "text\na -> b\n" + fence: "",
	} {
		s := small(t, "# Page\n\n"+page+"\n")
		var told []string
		for _, problem := range append(s.resolve(), s.unchecked()...) {
			told = append(told, problem.Error())
		}
		if all := strings.Join(told, "\n"); want == "" && all != "" || !strings.Contains(all, want) {
			t.Errorf("%q: told %q, want %q", page, all, want)
		}
	}
}

func TestLinksAreOfTheSite(t *testing.T) {
	t.Parallel()
	s := small(t, "# Page\n\n[a](docs/guides/a.md#some-heading) [x](x/x.go)\n")
	if problems := s.resolve(); problems != nil {
		t.Fatal(problems)
	}
	out := filepath.Join(t.TempDir(), "site")
	if err := s.write(out); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(out, "index.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`href="guides/a.html#some-heading"`, `href="` + published + `x/x.go"`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("the page has no %s", want)
		}
	}
}
