package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/text"
)

// page is a Markdown file.
type page struct {
	file     string // in the repository, with slashes
	url      string // in the site
	title    string
	source   []byte
	tree     ast.Node
	headings []heading
}

// heading is one that links can lead to.
type heading struct {
	id, text string
	level    int
}

// site is all pages.
type site struct {
	root     string
	pages    []*page
	byFile   map[string]*page
	markdown goldmark.Markdown
}

// single are the files outside of docs.
var single = []string{"README.md", "CHANGELOG.md", "CONTRIBUTING.md"}

// read reads and parses all pages.
func read(root string) (*site, error) {
	s := &site{root: root, byFile: map[string]*page{}, markdown: goldmark.New(
		goldmark.WithExtensions(extension.Table, extension.Strikethrough, extension.Linkify),
		goldmark.WithParserOptions(parser.WithAutoHeadingID()),
		goldmark.WithRendererOptions(html.WithUnsafe()), // the text is ours; its comments mark promises
	)}
	files := slices.Clone(single)
	err := filepath.WalkDir(filepath.Join(root, "docs"), func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(name) != ".md" {
			return err
		}
		inside, err := filepath.Rel(root, name)
		files = append(files, filepath.ToSlash(inside))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("site: %w", err)
	}
	for _, file := range files {
		source, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(file)))
		if err != nil {
			return nil, fmt.Errorf("site: %w", err)
		}
		p := s.parse(file, source)
		for _, other := range s.pages {
			if other.url == p.url {
				return nil, fmt.Errorf("site: %s and %s would both be %s: give one another name", other.file, p.file, p.url)
			}
		}
		s.pages = append(s.pages, p)
		s.byFile[file] = p
	}
	return s, nil
}

// parse makes a page.
func (s *site) parse(file string, source []byte) *page {
	p := &page{file: file, url: urlOf(file), source: source, tree: s.markdown.Parser().Parse(text.NewReader(source))}
	for n := p.tree.FirstChild(); n != nil; n = n.NextSibling() {
		h, ok := n.(*ast.Heading)
		if !ok {
			continue
		}
		id, _ := h.AttributeString("id")
		raw, _ := id.([]byte)
		p.headings = append(p.headings, heading{string(raw), plain(h, source), h.Level})
		if p.title == "" {
			p.title = plain(h, source)
		}
	}
	if p.title == "" {
		p.title = file
	}
	return p
}

// urlOf is where a file is in the site. The README is its first page; the index of the
// documents has another place than that.
func urlOf(file string) string {
	if file == "docs/README.md" {
		return "documentation.html"
	}
	inside := strings.TrimPrefix(file, "docs/")
	folder, name := path.Split(strings.TrimSuffix(inside, ".md"))
	if name == "README" {
		name = "index"
	}
	return folder + strings.ToLower(name) + ".html"
}

// plain is the text of a node without its marks.
func plain(n ast.Node, source []byte) string {
	var out bytes.Buffer
	_ = ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // nothing in it fails
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			out.Write(n.Segment.Value(source))
			if n.SoftLineBreak() {
				out.WriteByte(' ')
			}
		case *ast.String:
			out.Write(n.Value)
		}
		return ast.WalkContinue, nil
	})
	return out.String()
}
