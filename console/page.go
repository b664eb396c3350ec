package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"net/http"
	"path"
	"strings"

	"github.com/coppice-run/coppice/overview"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed assets
var assetFiles embed.FS

// pages are the parsed templates, by name.
type pages struct{ byName map[string]*template.Template }

// parsePages parses each page with the layout and the parts that pages share.
func parsePages() (*pages, error) {
	base, err := template.New("layout").Funcs(functions).ParseFS(templateFiles, "templates/layout.html", "templates/parts.html")
	if err != nil {
		return nil, err
	}
	entries, err := templateFiles.ReadDir("templates")
	if err != nil {
		return nil, err
	}
	all := &pages{byName: map[string]*template.Template{}}
	for _, e := range entries {
		name := strings.TrimSuffix(e.Name(), ".html")
		if name == "layout" || name == "parts" {
			continue
		}
		one, err := base.Clone()
		if err != nil {
			return nil, err
		}
		if all.byName[name], err = one.ParseFS(templateFiles, path.Join("templates", e.Name())); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// frame is what is around the content of a page.
type frame struct {
	Title  string
	Lead   string
	Crumbs []link // of pages above
	// JSON is the address of what says the same, without /v1.
	JSON string

	Module  string
	Section string // of the module's pages
	Theme   string
	Said    *said
	Nav     []navItem
	// Spoken is what a reader of the screen hears when it changes.
	Spoken string
}

// Themes are what may be chosen, with "" for what the machine says.
func (frame) Themes() map[string]string {
	return map[string]string{"": "Auto", "light": "Light", "dark": "Dark"}
}

// link leads to a page.
type link struct{ Text, To string }

// navItem is a page of a module in the side.
type navItem struct {
	link
	Current bool
	Count   int
	Level   string // of the count: warn, bad
}

// sections are the pages of a module.
var sections = []struct{ key, text string }{
	{"", "Overview"}, {"plan", "Plan"}, {"topologies", "Topologies"}, {"trees", "Event trees"}, {"parked", "Parked records"},
	{"pstates", "PStates"}, {"depots", "Depots"}, {"tasks", "Workers and tasks"}, {"options", "Options"}, {"audit", "Audit log"},
}

// content is what a template gets.
type content[T any] struct {
	frame
	Data T
}

// show shows a page.
func (q *request) show(name string, f frame, data any) error {
	return q.status(http.StatusOK, name, q.module, name, f, data)
}

// status renders a page. data is what its template takes: html/template checks it at run
// time, and the tests render every page.
func (q *request) status(status int, name, module, section string, f frame, data any) error {
	f.Theme, f.Said, f.Module = q.theme(), q.heard(), module
	if f.Section == "" {
		f.Section = section
	}
	if module != "" {
		f.Nav, f.Spoken = q.beside(module, f.Section)
	}
	var out bytes.Buffer
	if err := q.h.pages.byName[name].ExecuteTemplate(&out, "layout", content[any]{f, data}); err != nil {
		http.Error(q.w, fmt.Sprintf("the page cannot be shown: %v", err), http.StatusInternalServerError)
		return errServed
	}
	q.w.Header().Set("Content-Type", "text/html; charset=utf-8")
	q.w.WriteHeader(status)
	_, _ = q.w.Write(out.Bytes()) // who asked has gone
	return nil
}

// beside is what stands beside the pages of a module: how many findings and parked records there
// are, for who may know.
func (q *request) beside(module, section string) (nav []navItem, words string) {
	if q.may("tellOverview") != nil {
		return navOf(&overview.Module{Name: module}, section), ""
	}
	m, err := q.seen, error(nil)
	if m == nil {
		m, err = q.h.look.Recent(q.ctx, module)
	}
	if err != nil {
		return nil, ""
	}
	return navOf(m, section), spoken(m)
}

func navOf(m *overview.Module, section string) (all []navItem) {
	for _, s := range sections {
		item := navItem{link: link{s.text, at("m", m.Name, s.key)}, Current: s.key == section || s.key == "" && section == "module"}
		switch s.key {
		case "":
			item.To = at("m", m.Name)
			item.Count, item.Level = len(m.Findings), levelOf(m.Findings)
		case "parked":
			item.Count, item.Level = m.Parked, "warn"
		}
		all = append(all, item)
	}
	return all
}

// levelOf is how bad the worst finding is.
func levelOf(all []overview.Finding) string {
	level := ""
	for i := range all {
		switch all[i].Severity {
		case overview.Broken:
			return "bad"
		case overview.Stuck:
			level = "warn"
		}
	}
	return level
}

func spoken(m *overview.Module) string {
	if len(m.Findings) == 0 {
		return "Nothing stands still."
	}
	return m.Findings[0].What
}

// assetTags name the files' contents, so that browsers may keep them.
var assetTags = func() map[string]string {
	tags := map[string]string{}
	entries, err := assetFiles.ReadDir("assets")
	if err != nil {
		panic(err) // they are embedded
	}
	for _, e := range entries {
		raw, err := assetFiles.ReadFile(path.Join("assets", e.Name()))
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(raw)
		tags[e.Name()] = hex.EncodeToString(sum[:6])
	}
	return tags
}()

// asset is the address of a file.
func asset(name string) string { return "/assets/" + name + "?v=" + assetTags[name] }

func serveAsset(w http.ResponseWriter, r *http.Request) {
	name := r.PathValue("file")
	if r.URL.Query().Get("v") == assetTags[name] {
		w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	http.ServeFileFS(w, r, assetFiles, path.Join("assets", path.Base(name)))
}
