package main

import (
	"io/fs"
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
	written := 0
	err = filepath.WalkDir(out, func(name string, _ fs.DirEntry, err error) error {
		if filepath.Ext(name) == ".html" {
			written++
		}
		return err
	})
	if err != nil || written != len(s.pages) {
		t.Errorf("%d of %d pages are there, %v: some have the same place", written, len(s.pages), err)
	}
	if first, err := os.ReadFile(filepath.Join(out, "index.html")); err != nil || !strings.Contains(string(first), "What it guarantees") {
		t.Errorf("the first page is not the README: %v", err)
	}
	for _, url := range []string{"index.html", "documentation.html", "console/stuck-light.png", "performance/visible-p50.svg", "architecture.html", "guides/streams.html", "decisions/index.html", "reference/openapi.json", "style.css"} {
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
		"docs/README.md": "# Documents\n", "docs/guides/a.png": "a picture", "docs/guides/a.md": "# A\n\n## Some heading\n", "x/x.go": "package x\n\nfunc f() {\n\tprintln(1)\n\n\tprintln(2)\n}\n\nconst sample = \"0a\" + \"ff01\" + \"02\" // COPPICE_KAFKA\n",
		"x/x_test.go": "package x\n\nfunc TestIt(t T) {\n\tguide.Outputs(t, \"CHANGELOG.md\", f())\n}\n", "Makefile": "test: ## test\n\tgo test\n",
		"docker-compose.yml": "services:\n  a:\n    profiles: [core, observe]\n",
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
		fence + "text\nwhat is this\n" + fence:                                   "nothing checks",
		"so:\n\n    what is this\n":                                              "set off by spaces",
		fence + "text drawing\na -> b\n" + fence:                                 "",
		fence + "text output\nso\n" + fence:                                      "no test compares the outputs of this page",
		fence + "text bytes\n0a ff01   note\n  02\n" + fence:                     "",
		fence + "text bytes\nanswer 0aff\n       note\nquestion ff01\n" + fence:  "",
		fence + "text bytes\n0a ff02\n" + fence:                                  "no Go file has the bytes 0aff02",
		fence + "text format\nff…const sample =\n│ note\n" + fence:               "",
		fence + "text format\nother  const example\n" + fence:                    "no Go file has \"const example\"",
		fence + "sh\nmake test # all\nCOPPICE_KAFKA=a \\\n  coppice x\n" + fence: "",
		fence + "sh\nmake tests\n" + fence:                                       "no target tests",
		fence + "sh\nexport COPPICE_CAFCA=a\n" + fence:                           "nothing knows the variable COPPICE_CAFCA",
		fence + "sh\ngo run ./x && go run ./y\n" + fence:                         "there is no ./y",
		fence + "sh\ndocker compose --profile core --profile look up\n" + fence:  "no such profile",
		fence + "sh\nrm -r x\n" + fence:                                          "nothing checks the command rm",
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
	s := small(t, "# Page\n\n[a](docs/guides/a.md#some-heading) [x](x/x.go) ![p](docs/guides/a.png) [d](docs/README.md)\n")
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
	for _, want := range []string{`href="guides/a.html#some-heading"`, `href="` + published + `x/x.go"`, `src="guides/a.png"`, `href="documentation.html"`} {
		if !strings.Contains(string(raw), want) {
			t.Errorf("the page has no %s", want)
		}
	}
}

// Two pages never take each other's place.
func TestPagesHavePlacesOfTheirOwn(t *testing.T) {
	t.Parallel()
	s := small(t, "# Page\n")
	if err := os.WriteFile(filepath.Join(s.root, "docs", "changelog.md"), []byte("# Another\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := read(s.root); err == nil || !strings.Contains(err.Error(), "CHANGELOG.md and docs/changelog.md would both be changelog.html") {
		t.Errorf("two pages at one place: %v", err)
	}
}
