package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// joined is what stands between two texts of Go that are put together.
var joined = regexp.MustCompile("[\"`]\\s*\\+\\s*[\"`]")

// printed is nil where a test compares the outputs of a page.
func (c *checker) printed(page string) error {
	want := `guide.Outputs(t, "` + page + `"`
	if !slices.ContainsFunc(c.code, func(file source) bool {
		return strings.HasSuffix(file.name, "_test.go") && strings.Contains(file.text, want)
	}) {
		return fmt.Errorf("no test compares the outputs of this page: %s, …)", want)
	}
	return nil
}

var twoDigits = regexp.MustCompile(`^(?:[0-9a-f]{2})+$`)

// bytes holds bytes against the files: hexadecimal digits at the beginnings of lines. A line that
// begins with a word and goes on with digits begins other ones; what stands behind is notes.
func (c *checker) bytes(lines []string) error {
	var all []string
	for _, line := range lines {
		words := strings.Fields(line)
		if len(words) > 1 && !strings.HasPrefix(line, " ") && !twoDigits.MatchString(words[0]) && twoDigits.MatchString(words[1]) {
			all, words = append(all, ""), words[1:]
		}
		if all == nil {
			all = append(all, "")
		}
		for _, word := range words {
			if !twoDigits.MatchString(word) {
				break
			}
			all[len(all)-1] += word
		}
	}
	for _, digits := range all {
		if digits == "" || !c.have(digits) {
			return fmt.Errorf("no Go file has the bytes %s", digits)
		}
	}
	return nil
}

var (
	notes    = regexp.MustCompile(`[─│┌┐└┘├┤┬┴┼]`)
	columns  = regexp.MustCompile(` {2,}`)
	leftOut  = regexp.MustCompile(`…|\.\.\.`)
	letterOr = regexp.MustCompile(`[0-9A-Za-z]`)
)

// format holds lines against the files: the longest part of each, between wide spaces and what
// is left out. Lines with strokes are notes.
func (c *checker) format(lines []string) error {
	for _, line := range lines {
		if notes.MatchString(line) || !letterOr.MatchString(line) {
			continue
		}
		longest := slices.MaxFunc(columns.Split(line, -1), func(a, b string) int { return cmp.Compare(len(a), len(b)) })
		part := slices.MaxFunc(leftOut.Split(longest, -1), func(a, b string) int { return cmp.Compare(len(a), len(b)) })
		if !c.have(part) {
			return fmt.Errorf("no Go file has %q", part)
		}
	}
	return nil
}

// have reports whether a Go file has a text, quoted in any way.
func (c *checker) have(text string) bool {
	quoted := strings.ReplaceAll(strings.ReplaceAll(text, `\`, `\\`), `"`, `\"`)
	return slices.ContainsFunc(c.code, func(file source) bool {
		return strings.Contains(file.joined, text) || strings.Contains(file.joined, quoted)
	})
}
