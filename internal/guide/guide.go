// Package guide holds the pages of docs against the code that they show. It is for tests, which
// run in the folder of their package.
package guide

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// Block is a piece of a page that is fenced off.
type Block struct {
	Language string // "go", "console", "text output"; "" where none is named
	Text     string
}

var fenced = regexp.MustCompile("(?ms)^```([a-z ]*)\n(.*?)^```$")

// Page returns a page, named by its path from the root of the project.
func Page(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root(t), filepath.FromSlash(name)))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Blocks returns the blocks of a page in a language. One that has none of them, or an open one,
// fails the test: then it was not read as it is meant.
func Blocks(t testing.TB, name, language string) (all []Block) {
	t.Helper()
	page := Page(t, name)
	if strings.Count("\n"+page, "\n```")%2 == 1 {
		t.Fatalf("%s: a block is not closed", name)
	}
	for _, match := range fenced.FindAllStringSubmatch(page, -1) {
		if match[1] == language {
			all = append(all, Block{match[1], match[2]})
		}
	}
	if all == nil {
		t.Fatalf("%s has no block of %s", name, language)
	}
	return all
}

// Shows fails the test unless each block of Go of a page is in one of the files, but for
// indentation: those whose names match a pattern, in the test's folder. A line … of a block
// stands for any lines.
func Shows(t testing.TB, name string, patterns ...string) {
	t.Helper()
	for _, block := range Blocks(t, name, "go") {
		block.In(t, patterns...)
	}
}

// In fails the test unless the block is in one of the files, as in Shows.
func (b Block) In(t testing.TB, patterns ...string) {
	t.Helper()
	if part := missing(b.Text, files(t, patterns)); part != "" {
		t.Errorf("no file of %v has this code:\n%s", patterns, part)
	}
}

// missing returns the first part of a block that no code has, or "".
func missing(block string, codes []string) string {
	for _, part := range parts(block) {
		found := false
		for _, code := range codes {
			found = found || strings.Contains(code, part)
		}
		if !found {
			return part
		}
	}
	return ""
}

// parts cuts a block at its lines of … into parts without indentation.
func parts(block string) (all []string) {
	var part strings.Builder
	for line := range strings.Lines(flat(block)) {
		if line == "…\n" {
			all = append(all, part.String())
			part.Reset()
			continue
		}
		part.WriteString(line)
	}
	return append(all, part.String())
}

func files(t testing.TB, patterns []string) (codes []string) {
	t.Helper()
	for _, pattern := range patterns {
		names, err := filepath.Glob(pattern)
		if err != nil || names == nil {
			t.Fatalf("no file is named %s, error %v", pattern, err)
		}
		for _, name := range names {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, "\n"+flat(string(text)))
		}
	}
	return codes
}

// Outputs fails the test unless each output that a page shows (a block of "text output") is in
// one of the texts, which the test has printed. … stands for anything on its line.
func Outputs(t testing.TB, name string, printed ...string) {
	t.Helper()
	for _, block := range Blocks(t, name, "text output") {
		shown := regexp.MustCompile(`(?m)^ *` + strings.ReplaceAll(regexp.QuoteMeta(block.Text), "…", ".*"))
		found := false
		for _, text := range printed {
			found = found || shown.MatchString(text)
		}
		if !found {
			t.Errorf("%s shows what is not printed:\n%s\nprinted is\n%s", name, block.Text, strings.Join(printed, "\n"))
		}
	}
}

var spaces = regexp.MustCompile(`[ \t]+`)

// flat takes the indentation out of a text, and what gofmt lines up.
func flat(text string) string {
	var out strings.Builder
	for line := range strings.Lines(text) {
		out.WriteString(strings.TrimSpace(spaces.ReplaceAllString(line, " ")))
		out.WriteByte('\n')
	}
	return out.String()
}

// Current fails the test unless a page holds a text that is made from code. With
// COPPICE_UPDATE set, it writes the page instead: as a whole, or, where marked is not "",
// what lies between the lines <!-- marked --> and <!-- end -->.
func Current(t testing.TB, name, marked, want string) {
	t.Helper()
	file := filepath.Join(root(t), filepath.FromSlash(name))
	have, err := os.ReadFile(file)
	if err != nil && (marked != "" || !os.IsNotExist(err)) {
		t.Fatal(err)
	}
	if marked != "" {
		before, rest, found := strings.Cut(string(have), "<!-- "+marked+" -->\n")
		_, after, closed := strings.Cut(rest, "<!-- end -->")
		if !found || !closed {
			t.Fatalf("%s has no lines <!-- %s --> and <!-- end -->", name, marked)
		}
		want = before + "<!-- " + marked + " -->\n" + want + "<!-- end -->" + after
	}
	if string(have) == want {
		return
	}
	if os.Getenv("COPPICE_UPDATE") == "" {
		t.Errorf("%s is not what the code says: run the test with COPPICE_UPDATE=1", name)
		return
	}
	if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// root is the folder of go.mod, at or above the test's.
func root(t testing.TB) string {
	t.Helper()
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		if filepath.Dir(folder) == folder {
			t.Fatal("there is no go.mod above the test")
		}
		folder = filepath.Dir(folder)
	}
}
