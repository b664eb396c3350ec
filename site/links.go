package main

import (
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// published is where the files are that are no pages.
const published = "https://github.com/coppice-run/coppice/blob/main/"

// resolve turns the links of all pages into those of the site, and returns what leads
// nowhere.
func (s *site) resolve() (problems []error) {
	for _, p := range s.pages {
		_ = ast.Walk(p.tree, func(n ast.Node, entering bool) (ast.WalkStatus, error) { // nothing in it fails
			if !entering {
				return ast.WalkContinue, nil
			}
			var to *[]byte
			switch n := n.(type) {
			case *ast.Link:
				to = &n.Destination
			case *ast.Image:
				to = &n.Destination
			default:
				return ast.WalkContinue, nil
			}
			found, err := s.target(p, string(*to))
			if err != nil {
				problems = append(problems, fmt.Errorf("%s: link to %s: %w", p.file, *to, err))
			}
			*to = []byte(found)
			return ast.WalkContinue, nil
		})
	}
	return problems
}

// target is what a link becomes.
func (s *site) target(from *page, link string) (string, error) {
	u, err := url.Parse(link)
	if err != nil {
		return link, err
	}
	if u.Scheme != "" {
		return link, nil // of the world outside, which changes without us
	}
	if path.IsAbs(u.Path) {
		return link, fmt.Errorf("is absolute: it would lead out of the repository")
	}
	file := from.file
	if u.Path != "" {
		file = path.Join(path.Dir(from.file), u.Path)
	}
	to := s.byFile[file]
	if to == nil {
		to = s.byFile[path.Join(file, "README.md")]
	}
	if to == nil {
		if _, err := os.Stat(filepath.Join(s.root, filepath.FromSlash(file))); err != nil || strings.HasPrefix(file, "..") {
			return link, fmt.Errorf("there is no file %s", file)
		}
		if inside, ours := strings.CutPrefix(file, "docs/"); ours && slices.Contains(beside, path.Ext(file)) {
			return relative(from.url, inside), nil
		}
		return published + file + fragment(u), nil
	}
	if u.Fragment != "" && !slices.ContainsFunc(to.headings, func(h heading) bool { return h.id == u.Fragment }) {
		return link, fmt.Errorf("%s has no heading #%s: it has %s", to.file, u.Fragment, strings.Join(to.ids(), ", "))
	}
	return relative(from.url, to.url) + fragment(u), nil
}

func (p *page) ids() (ids []string) {
	for _, h := range p.headings {
		ids = append(ids, "#"+h.id)
	}
	return ids
}

func fragment(u *url.URL) string {
	if u.Fragment == "" {
		return ""
	}
	return "#" + u.Fragment
}

// relative leads from one page of the site to another, wherever the site is.
func relative(from, to string) string {
	return strings.Repeat("../", strings.Count(from, "/")) + to
}
