package httpapi

import (
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Document is an OpenAPI 3.1 document. The types below are the part of it that this API
// needs.
type Document struct {
	OpenAPI    string                     `json:"openapi"`
	Info       documentInfo               `json:"info"`
	Paths      map[string]map[string]*oas `json:"paths"` // by path, by method
	Components components                 `json:"components"`
}

type documentInfo struct {
	Title       string `json:"title"`
	Version     string `json:"version"`
	Description string `json:"description"`
}

type components struct {
	Schemas   map[string]*schema `json:"schemas"`
	Responses map[string]reply   `json:"responses"`
}

// oas is an operation.
type oas struct {
	ID         string           `json:"operationId"`
	Summary    string           `json:"summary"`
	Parameters []oasParameter   `json:"parameters,omitempty"`
	Body       *oasBody         `json:"requestBody,omitempty"`
	Responses  map[string]reply `json:"responses"` // by status
}

type oasParameter struct {
	Name        string  `json:"name"`
	In          string  `json:"in"`
	Required    bool    `json:"required"`
	Description string  `json:"description,omitempty"`
	Schema      *schema `json:"schema"`
}

type oasBody struct {
	Required bool             `json:"required"`
	Content  map[string]media `json:"content"`
}

type reply struct {
	Ref         string           `json:"$ref,omitempty"`
	Description string           `json:"description,omitempty"`
	Content     map[string]media `json:"content,omitempty"`
}

type media struct {
	Schema *schema `json:"schema"`
}

// OpenAPI is this API as an OpenAPI 3.1 document, made of the table of operations.
func OpenAPI() *Document {
	s := schemas{}
	problem := s.of(reflect.TypeFor[Problem]())
	d := &Document{
		OpenAPI: "3.1.0",
		Info: documentInfo{
			Title: "Coppice", Version: "1",
			Description: "Running modules over HTTP and JSON. Errors are problem details (RFC 9457) with a code. " +
				"Watches are server-sent events: change with the values, problem as the last one.",
		},
		Paths: map[string]map[string]*oas{},
		Components: components{Schemas: s, Responses: map[string]reply{
			"Problem": {Description: "What went wrong, with a code and what to do", Content: map[string]media{"application/problem+json": {problem}}},
		}},
	}
	for i := range operations {
		op := &operations[i]
		if d.Paths[op.pattern] == nil {
			d.Paths[op.pattern] = map[string]*oas{}
		}
		d.Paths[op.pattern][strings.ToLower(op.method)] = op.document(s)
	}
	return d
}

var inPath = regexp.MustCompile(`\{(\w+)\}`)

func (op *operation) document(s schemas) *oas {
	out := &oas{ID: op.id, Summary: op.summary, Responses: map[string]reply{"default": {Ref: "#/components/responses/Problem"}}}
	for _, found := range inPath.FindAllStringSubmatch(op.pattern, -1) {
		out.Parameters = append(out.Parameters, oasParameter{Name: found[1], In: "path", Required: true, Schema: &schema{Type: "string"}})
	}
	for _, p := range op.query {
		kind := &schema{Type: p.kind}
		if p.many {
			kind = &schema{Type: "array", Items: kind}
		}
		out.Parameters = append(out.Parameters, oasParameter{Name: p.name, In: "query", Description: p.doc, Schema: kind})
	}
	if op.body != nil {
		out.Body = &oasBody{Required: true, Content: map[string]media{"application/json": {s.of(op.body)}}}
	}
	ok := reply{Description: "Done", Content: map[string]media{}}
	switch {
	case op.events != nil:
		ok.Content["text/event-stream"] = media{s.of(op.events)}
	case op.result != nil:
		ok.Content["application/json"] = media{s.of(op.result)}
	default:
		ok.Content["application/json"] = media{&schema{Type: "object"}}
	}
	if op.lines != nil {
		ok.Content[linesKind] = media{s.of(op.lines)}
	}
	out.Responses["200"] = ok
	for status, words := range op.problems() {
		out.Responses[strconv.Itoa(status)] = reply{Description: words, Content: map[string]media{"application/problem+json": {s.of(reflect.TypeFor[Problem]())}}}
	}
	return out
}

// problems words the codes of an operation, by status.
func (op *operation) problems() map[int]string {
	all := map[int][]string{}
	for _, name := range op.codes {
		status := http.StatusServiceUnavailable // of codes that no error of the client has
		if i := slices.IndexFunc(codes, func(c code) bool { return c.code == name }); i >= 0 {
			status = codes[i].status
		}
		all[status] = append(all[status], name)
	}
	if op.body != nil {
		all[http.StatusBadRequest] = append(all[http.StatusBadRequest], "wrong_body")
		all[http.StatusRequestEntityTooLarge] = []string{"body_too_large"}
	}
	if len(op.query) > 0 {
		all[http.StatusBadRequest] = append(all[http.StatusBadRequest], "wrong_parameter")
	}
	out := map[int]string{}
	for status, names := range all {
		out[status] = "code " + strings.Join(names, ", ")
	}
	return out
}

// Reference describes the API in Markdown: docs/reference/http.md.
func Reference() string {
	var out strings.Builder
	out.WriteString("# HTTP API\n\nWritten from the code by `COPPICE_UPDATE=1 go test ./httpapi`; do not edit it. [openapi.json](openapi.json), which\n" +
		"`GET /v1/openapi.json` gives, is the same as an OpenAPI 3.1 document. [The guide](../guides/clients.md) has examples.\n\n| Operation | Request |\n|---|---|\n")
	for i := range operations {
		op := &operations[i]
		out.WriteString("| [" + op.id + "](#" + strings.ToLower(op.id) + ") | `" + op.method + " " + op.pattern + "` |\n")
	}
	for i := range operations {
		operations[i].reference(&out)
	}
	out.WriteString("\n## Problems\n\nAn answer that is no success is problem details: `status`, `code`, `detail` (what is wrong), `where` (in the\n" +
		"request), `mend` (what to do), and of an append `appended` (`yes`, `no`, `unknown`) and `place`.\n\n| Code | Status | What to do |\n|---|---|---|\n")
	seen := map[string]bool{}
	for _, c := range codes { // one of several causes has what to do about each
		row := "| `" + c.code + "` | " + strconv.Itoa(c.status) + " | " + c.mend + leadOn(c.see) + " |\n"
		if !seen[row] {
			seen[row] = true
			out.WriteString(row)
		}
	}
	for _, other := range otherCodes {
		out.WriteString("| `" + other[0] + "` | " + other[1] + " | " + other[2] + " |\n")
	}
	return out.String()
}

// otherCodes are those of the handler itself.
var otherCodes = [][3]string{
	{"unknown_route", "404", "GET /v1/openapi.json says what there is"},
	{"wrong_method", "405", "use the method that the header Allow names"},
	{"wrong_parameter", "400", "give the parameter as the operation has it"},
	{"wrong_body", "400", "send the JSON that the operation takes"},
	{"body_too_large", "413", "send less at a time"},
	{"too_many_watches", "503", "ask again later"},
	{"cross_origin", "403", "ask from the page's own server, not from a browser's page of another"},
	{"forbidden", "403", "ask who runs the server"},
	{"not_noted", "503", "do not do it again: it is done; look whether the log can be reached"},
	{"internal", "500", "ask again; if it stays so, ask who runs the server"},
}

func (op *operation) reference(out *strings.Builder) {
	out.WriteString("\n## " + op.id + "\n\n" + op.summary + ".\n\n`" + op.method + " " + op.pattern + "`\n")
	for i, p := range op.query {
		if i == 0 {
			out.WriteString("\n| Parameter | | |\n|---|---|---|\n")
		}
		many := ""
		if p.many {
			many = ", any number"
		}
		out.WriteString("| `" + p.name + "` | " + p.kind + many + " | " + p.doc + " |\n")
	}
	s := schemas{}
	if op.body != nil {
		out.WriteString("\nBody: `" + s.words(op.body) + "`\n")
	}
	switch {
	case op.events != nil:
		out.WriteString("\nEvents `change`: `" + s.words(op.events) + "`\n")
	case op.result != nil:
		out.WriteString("\nAnswer: `" + s.words(op.result) + "`\n")
	}
	if op.lines != nil {
		out.WriteString("\nWith `Accept: " + linesKind + "` each line is `" + s.words(op.lines) + "`, without a limit of their number.\n")
	}
	if len(op.codes) > 0 {
		out.WriteString("\nCodes: `" + strings.Join(op.codes, "`, `") + "`\n")
	}
}
