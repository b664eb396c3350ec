package console

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/coppice-run/coppice/client"
	"github.com/coppice-run/coppice/httpapi"
	"github.com/coppice-run/coppice/internal/navtext"
	"github.com/coppice-run/coppice/task"
)

func showPStates(q *request) error {
	d, err := q.h.cluster.Describe(q.ctx, q.module)
	if err != nil {
		return err
	}
	return q.show("pstates", frame{Title: "PStates", Lead: "What the module keeps: read it along paths, and watch it change.", Crumbs: q.within(), JSON: "/modules/" + q.module}, d)
}

// pstatePage reads a PState along a path.
type pstatePage struct {
	client.PStateInfo
	Module  string
	Path    string
	Tasks   []task.ID
	TaskArg string
	Limit   int
	Rows    []pstateRow
	Read    bool
	More    bool
	Problem *httpapi.Problem
	Watch   string // address of the events
	JSON    string
	Ways    []link // paths to begin with
	Up      string // the path one step shorter
	HasUp   bool
	Steps   []navtext.StepDoc
	Count   int // tasks of the module
}

// pstateRow is one value, with the path that leads further into it.
type pstateRow struct {
	Task   task.ID
	Commit string
	Value  string
	Into   string
}

// valuesMax bounds how many values a page shows, and valueShown how much of each.
const (
	valuesMax  = 1000
	valueShown = 4000
)

func showPState(q *request) error {
	d, err := q.h.cluster.Describe(q.ctx, q.module)
	if err != nil {
		return err
	}
	name := q.r.PathValue("pstate")
	i := slices.IndexFunc(d.PStates, func(p client.PStateInfo) bool { return p.Name == name })
	if i < 0 {
		return &httpapi.Problem{Status: http.StatusNotFound, Detail: fmt.Sprintf("module %s has no PState %s", q.module, name), Mend: "choose one from the list of PStates"}
	}
	limit, err := q.number("limit", 100)
	if err != nil {
		return err
	}
	page := pstatePage{PStateInfo: d.PStates[i], Module: q.module, Path: strings.TrimSpace(q.value("path")), TaskArg: q.value("task"), Limit: int(min(max(limit, 1), valuesMax)), Steps: navtext.Steps(), Count: d.Tasks}
	if page.TaskArg != "" {
		id, err := q.number("task", 0)
		if err != nil {
			return err
		}
		page.Tasks = []task.ID{task.ID(id)}
	}
	page.Ways = waysInto(&page.Level)
	_, asked := q.r.URL.Query()["path"]
	if !asked && len(page.Ways) > 0 {
		page.Path = page.Ways[0].To
	}
	page.Up, page.HasUp = shorter(page.Path)
	page.addresses()
	if !page.Private && !page.Temporary {
		q.read(&page)
	}
	return q.show("pstate", frame{Title: name, Lead: page.Schema, Section: "pstates", Crumbs: q.within(link{"PStates", at("m", q.module, "pstates")}), JSON: page.JSON}, page)
}

func (p *pstatePage) addresses() {
	v := url.Values{}
	if p.Path != "" {
		v.Set("path", p.Path)
	}
	if p.TaskArg != "" {
		v.Set("task", p.TaskArg)
	}
	base := "/modules/" + url.PathEscape(p.Module) + "/pstates/" + url.PathEscape(p.Name)
	p.Watch = "/v1" + base + "/watch?" + v.Encode()
	p.JSON = base + "/select?" + v.Encode()
}

// read reads the values; what is wrong with the path is shown beside it.
func (q *request) read(page *pstatePage) {
	page.Read = true
	s := client.Selection{Module: q.module, PState: page.Name, Path: page.Path, Tasks: page.Tasks, Limit: page.Limit + 1}
	for part, err := range q.h.cluster.Select(q.ctx, s) {
		if err != nil {
			page.Problem = httpapi.ProblemOf(err)
			return
		}
		for _, v := range part.Values {
			if len(page.Rows) == page.Limit {
				page.More = true
				return
			}
			row := pstateRow{Task: part.Task, Commit: part.Commit, Value: clip(pretty(v), valueShown)}
			if len(v) <= valueShown { // a longer one makes no address
				row.Into = into(page.Path, v)
			}
			page.Rows = append(page.Rows, row)
		}
	}
}

// waysInto are paths to begin with, the one that shows most first.
func waysInto(l *client.Level) []link {
	switch {
	case len(l.Fields) > 0:
		var ways []link
		for _, f := range l.Fields {
			ways = append(ways, link{f.Name, fmt.Sprintf("field(%q)", f.Name)})
		}
		return ways
	case strings.Contains(l.Kind, "map"):
		if l.Within != nil {
			return []link{{"the keys", "keys"}, {"how many", "keys.count"}}
		}
		return []link{{"the entries", "entries"}, {"the keys", "keys"}, {"how many", "keys.count"}}
	case strings.Contains(l.Kind, "list"), strings.Contains(l.Kind, "set"):
		return []link{{"all elements", "all"}, {"how many", "len"}}
	}
	return []link{{"the value", ""}}
}

// into is the path that leads from a key, or an entry, to what is below it; "" if there is none.
func into(path string, value json.RawMessage) string {
	switch {
	case path == "keys":
		return "key(" + string(value) + ")"
	case strings.HasSuffix(path, ".keys"):
		return strings.TrimSuffix(path, "keys") + "key(" + string(value) + ")"
	case path == "entries" || strings.HasSuffix(path, ".entries"):
		var entry struct {
			Key json.RawMessage `json:"key"`
		}
		if json.Unmarshal(value, &entry) == nil && entry.Key != nil {
			return strings.TrimSuffix(path, "entries") + "key(" + string(entry.Key) + ")"
		}
	}
	return ""
}

// shorter takes the last step of a path away. Dots within quotes and brackets end no step.
func shorter(path string) (up string, ok bool) {
	if path == "" {
		return "", false
	}
	depth, quoted, cut := 0, false, 0
	for i := 0; i < len(path); i++ {
		switch c := path[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth--
		case c == '.' && depth == 0:
			cut = i
		}
	}
	return path[:cut], true
}
