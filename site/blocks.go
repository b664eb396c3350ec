package main

import (
	"bufio"
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
//	sh             commands for a shell, to be typed: nothing runs them
//	text           a drawing, a format or an output: nothing runs it
//
// Another language, or none, is checked by nothing and refused, but for the numbers of
// blocks in unchecked.txt, which are to become smaller: who checks more writes them anew
// (go run . -tally).

// unchecked returns the blocks that nothing checks.
func (s *site) unchecked() []error {
	allowed, err := readAllowed(filepath.Join(s.root, "site", "unchecked.txt"))
	if err != nil {
		return []error{err}
	}
	code, err := readCode(s.root)
	if err != nil {
		return []error{err}
	}
	var problems []error
	for _, p := range s.pages {
		found := p.unchecked(code)
		if most := allowed[p.file]; len(found) > most {
			problems = append(problems, found...)
			problems = append(problems, fmt.Errorf("%s has %d blocks that nothing checks, unchecked.txt allows %d", p.file, len(found), most))
		}
	}
	return problems
}

// unchecked are the blocks of a page that nothing checks.
func (p *page) unchecked(code []string) (found []error) {
	_ = ast.Walk(p.tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // nothing in it fails
		if b, ok := n.(*ast.FencedCodeBlock); ok && entering {
			if err := p.check(b, code); err != nil {
				found = append(found, err)
			}
		}
		return ast.WalkContinue, nil
	})
	return found
}

// allowedHead begins unchecked.txt.
const allowedHead = `# Blocks of code that nothing checks yet, by file: see blocks.go. The numbers are to become smaller;
# go run . -tally writes them.
`

// tally writes the numbers as they are, and tells what they count.
func (s *site) tally() error {
	code, err := readCode(s.root)
	if err != nil {
		return err
	}
	text := allowedHead
	for _, p := range s.pages {
		found := p.unchecked(code)
		for _, problem := range found {
			fmt.Println(problem)
		}
		if len(found) > 0 {
			text += fmt.Sprintf("%d %s\n", len(found), p.file)
		}
	}
	return os.WriteFile(filepath.Join(s.root, "site", "unchecked.txt"), []byte(text), 0o644)
}

// check is nil for a block that something checks.
func (p *page) check(b *ast.FencedCodeBlock, code []string) error {
	var lines []string
	for i := range b.Lines().Len() {
		line := b.Lines().At(i)
		lines = append(lines, string(line.Value(p.source)))
	}
	where := p.file
	if b.Lines().Len() > 0 {
		where += ":" + strconv.Itoa(1+strings.Count(string(p.source[:b.Lines().At(0).Start]), "\n"))
	}
	switch language := string(b.Language(p.source)); language {
	case "sh", "console", "text":
		return nil
	case "json":
		if !json.Valid([]byte(strings.Join(lines, ""))) {
			return fmt.Errorf("%s: the block is no JSON", where)
		}
		return nil
	case "go":
		for _, piece := range pieces(lines) {
			if !slices.ContainsFunc(code, func(file string) bool { return strings.Contains(file, piece) }) {
				first, _, _ := strings.Cut(strings.TrimPrefix(piece, "\n"), "\n")
				return fmt.Errorf("%s: no Go file has these lines, from %q on", where, first)
			}
		}
		return nil
	default:
		return fmt.Errorf("%s: nothing checks a block of language %q: say go, json, console, sh or text", where, language)
	}
}

// pieces are the lines of a block between those that leave something out, without
// indentation and empty lines.
func pieces(lines []string) (pieces []string) {
	var piece strings.Builder
	end := func() {
		if piece.Len() > 0 {
			pieces = append(pieces, "\n"+piece.String())
		}
		piece.Reset()
	}
	for _, line := range lines {
		switch line = strings.TrimSpace(line); line {
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

// readCode reads all Go files, without indentation and empty lines.
func readCode(root string) (code []string, err error) {
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
		lines := strings.Split(string(raw), "\n")
		var file strings.Builder
		file.WriteByte('\n')
		for _, line := range lines {
			if line = strings.TrimSpace(line); line != "" {
				file.WriteString(line + "\n")
			}
		}
		code = append(code, file.String())
		return nil
	})
	return code, err
}

// readAllowed reads lines of a number and a file.
func readAllowed(name string) (map[string]int, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("site: %w", err)
	}
	defer file.Close()
	allowed := map[string]int{}
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		text := strings.TrimSpace(lines.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		number, page, _ := strings.Cut(text, " ")
		if allowed[page], err = strconv.Atoi(number); err != nil {
			return nil, fmt.Errorf("site: %s: %q: want a number and a file", name, text)
		}
	}
	return allowed, lines.Err()
}
