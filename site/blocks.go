package main

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// What checks a block of code is told by its language:
//
//	go             its lines stand in this order in a Go file of the repository, which is
//	               compiled; a line of … leaves something out
//	json           it decodes
//	console        a session that a test runs and compares: package internal/cli
//	sh             commands: shell.go; those of coppice by a test of package internal/cli
//	text output    what is printed: a test prints it and compares (guide.Outputs)
//	text bytes     bytes of a format with notes: a Go file, a golden test, has them
//	text format    lines of a format with notes: as bytes
//	text drawing   a picture, and
//	text sketch    an output that is shortened: these two cannot be checked
//
// Anything else is checked by nothing and refused, as is code that is set off by spaces. Pages
// that are written from code are compared with it by the tests that write them.

// A page of these was written by a test, which compares it.
var written = []string{"docs/reference/cli.md", "docs/reference/http.md", "docs/reference/options.md", "docs/reference/examples.md"}

// checker is what blocks are held against.
type checker struct {
	code    []source
	shell   shell
	written func(page string) bool
}

// source is a Go file without indentation and empty lines, and with its texts joined that are
// put together of several.
type source struct {
	name, text, joined string
}

// unchecked returns the blocks that nothing checks.
func (s *site) unchecked() []error {
	code, err := readCode(s.root)
	if err != nil {
		return []error{err}
	}
	commands, err := readShell(s.root, code)
	if err != nil {
		return []error{err}
	}
	c := &checker{code, commands, func(page string) bool { return slices.Contains(written, page) }}
	var problems []error
	for _, p := range s.pages {
		problems = append(problems, p.unchecked(c)...)
	}
	return problems
}

// unchecked are the blocks of a page that nothing checks.
func (p *page) unchecked(c *checker) (found []error) {
	if c.written(p.file) {
		return nil
	}
	_ = ast.Walk(p.tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // nothing in it fails
		if !entering {
			return ast.WalkContinue, nil
		}
		switch b := n.(type) {
		case *ast.FencedCodeBlock:
			info := ""
			if b.Info != nil {
				info = string(b.Info.Value(p.source))
			}
			if err := c.check(p.file, info, p.lines(b)); err != nil {
				found = append(found, fmt.Errorf("%s: %w", p.where(b), err))
			}
		case *ast.CodeBlock:
			found = append(found, fmt.Errorf("%s: a block that is set off by spaces: put it between ``` with what it is", p.where(b)))
		}
		return ast.WalkContinue, nil
	})
	return found
}

// lines are those of a block.
func (p *page) lines(b ast.Node) (lines []string) {
	for i := range b.Lines().Len() {
		line := b.Lines().At(i)
		lines = append(lines, strings.TrimSuffix(string(line.Value(p.source)), "\n"))
	}
	return lines
}

// where names a block by its file and line.
func (p *page) where(b ast.Node) string {
	if b.Lines().Len() == 0 {
		return p.file
	}
	return p.file + ":" + strconv.Itoa(1+strings.Count(string(p.source[:b.Lines().At(0).Start]), "\n"))
}

// check is nil for a block that something checks.
func (c *checker) check(page, info string, lines []string) error {
	switch info {
	case "console", "text drawing", "text sketch":
		return nil
	case "json":
		if !json.Valid([]byte(strings.Join(lines, "\n"))) {
			return fmt.Errorf("the block is no JSON")
		}
		return nil
	case "go":
		return c.goes(lines)
	case "sh":
		return c.shell.check(lines)
	case "text output":
		return c.printed(page)
	case "text bytes":
		return c.bytes(lines)
	case "text format":
		return c.format(lines)
	default:
		return fmt.Errorf("nothing checks a block of %q: say go, json, console, sh, or text with output, bytes, format, drawing or sketch", info)
	}
}

// goes holds a block of Go against the files.
func (c *checker) goes(lines []string) error {
	for _, piece := range pieces(lines) {
		if !slices.ContainsFunc(c.code, func(file source) bool { return strings.Contains(file.text, piece) }) {
			first, _, _ := strings.Cut(strings.TrimPrefix(piece, "\n"), "\n")
			return fmt.Errorf("no Go file has these lines, from %q on", first)
		}
	}
	return nil
}

// pieces are the lines of a block between those that leave something out, flat.
func pieces(lines []string) (pieces []string) {
	var piece strings.Builder
	end := func() {
		if piece.Len() > 0 {
			pieces = append(pieces, "\n"+piece.String())
		}
		piece.Reset()
	}
	for _, line := range lines {
		switch line = flat(line); line {
		case "":
		case "…", "// …", "...":
			end()
		default:
			piece.WriteString(line + "\n")
		}
	}
	end()
	return pieces
}

// flat takes indentation out of a line, and what gofmt lines up.
func flat(line string) string { return strings.Join(strings.Fields(line), " ") }

// readCode reads all Go files.
func readCode(root string) (code []source, err error) {
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() && name != root && strings.HasPrefix(entry.Name(), ".") {
			return fs.SkipDir
		}
		if filepath.Ext(name) != ".go" {
			return nil
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		var file strings.Builder
		file.WriteByte('\n')
		for line := range strings.Lines(string(raw)) {
			if line = flat(line); line != "" {
				file.WriteString(line + "\n")
			}
		}
		code = append(code, source{filepath.ToSlash(name), file.String(), joined.ReplaceAllString(string(raw), "")})
		return nil
	})
	return code, err
}
