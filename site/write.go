package main

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// section is a part of the navigation.
type section struct {
	title  string
	files  []string // in this order, those that exist
	folder string   // and all others of this folder
}

// sections say where each page belongs.
var sections = []section{
	{title: "Start", files: []string{"README.md", "docs/README.md"}},
	{title: "Architecture", files: []string{"docs/architecture.md", "docs/protocol.md", "docs/performance.md", "docs/performance-history.md", "docs/scaling.md"}},
	{title: "Guarantees", files: []string{"docs/promises.md", "docs/acid.md", "docs/reliability.md", "docs/compatibility.md"}},
	{title: "Guides", folder: "docs/guides/"},
	{title: "Running it", files: []string{"docs/runbook.md", "docs/deployment.md", "docs/security.md", "docs/updating.md"}},
	{title: "References", folder: "docs/reference/"},
	{title: "Formats", folder: "docs/formats/"},
	{title: "Decisions", folder: "docs/decisions/"},
	{title: "Project", files: []string{"CHANGELOG.md", "CONTRIBUTING.md"}, folder: "docs/"},
}

// has reports whether a page belongs to the section, apart from those that an earlier one has.
func (s *section) has(file string) bool {
	return s.folder != "" && strings.HasPrefix(file, s.folder)
}

// placed are the pages of each section; each page is in one.
func (s *site) placed() [][]*page {
	out := make([][]*page, len(sections))
	seen := map[*page]bool{}
	for i := range sections {
		for _, file := range sections[i].files {
			if p := s.byFile[file]; p != nil {
				out[i], seen[p] = append(out[i], p), true
			}
		}
	}
	for _, p := range s.pages {
		for i := range sections {
			if !seen[p] && sections[i].has(p.file) {
				out[i], seen[p] = append(out[i], p), true
			}
		}
	}
	return out
}

//go:embed page.html
var layout string

//go:embed style.css
var style []byte

// write writes the site into a folder, which it makes anew.
func (s *site) write(out string) error {
	made, err := template.New("page").Parse(layout)
	if err != nil {
		return fmt.Errorf("site: %w", err)
	}
	if err := os.RemoveAll(out); err != nil {
		return fmt.Errorf("site: %w", err)
	}
	placed := s.placed()
	for _, p := range s.pages {
		var body, whole bytes.Buffer
		if err := s.markdown.Renderer().Render(&body, p.source, p.tree); err != nil {
			return fmt.Errorf("site: %s: %w", p.file, err)
		}
		if err := made.Execute(&whole, s.view(p, placed, body.String())); err != nil {
			return fmt.Errorf("site: %s: %w", p.file, err)
		}
		if err := put(out, p.url, whole.Bytes()); err != nil {
			return err
		}
	}
	if err := s.copyBeside(out); err != nil {
		return err
	}
	return put(out, "style.css", style)
}

// beside are the files that pages show or link to, and that lie beside them.
var beside = []string{".json", ".png", ".svg"}

// copyBeside has them in the site.
func (s *site) copyBeside(out string) error {
	docs := filepath.Join(s.root, "docs")
	return filepath.WalkDir(docs, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !slices.Contains(beside, filepath.Ext(name)) {
			return err
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		inside, err := filepath.Rel(docs, name)
		if err != nil {
			return err
		}
		return put(out, filepath.ToSlash(inside), raw)
	})
}

func put(out, url string, data []byte) error {
	name := filepath.Join(out, filepath.FromSlash(url))
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return fmt.Errorf("site: %w", err)
	}
	if err := os.WriteFile(name, data, 0o644); err != nil {
		return fmt.Errorf("site: %w", err)
	}
	return nil
}

// view is what the layout shows of a page.
type view struct {
	Title, Style string
	Sections     []viewSection
	Body         template.HTML
	Headings     []viewLink
}

type viewSection struct {
	Title string
	Links []viewLink
}

type viewLink struct {
	Title, URL string
	Here       bool
}

func (s *site) view(p *page, placed [][]*page, body string) view {
	v := view{Title: p.title, Style: relative(p.url, "style.css"), Body: template.HTML(body)}
	for i, pages := range placed {
		if len(pages) == 0 {
			continue
		}
		part := viewSection{Title: sections[i].title}
		for _, other := range pages {
			part.Links = append(part.Links, viewLink{other.title, relative(p.url, other.url), other == p})
		}
		v.Sections = append(v.Sections, part)
	}
	for _, h := range p.headings {
		if h.level == 2 {
			v.Headings = append(v.Headings, viewLink{Title: h.text, URL: "#" + h.id})
		}
	}
	return v
}
