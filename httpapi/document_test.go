package httpapi

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// The document holds together: every reference leads somewhere, every part of a path is a
// parameter, ids are unique, every code that an operation names is one, and all schemas
// compile.
func TestDocument(t *testing.T) {
	t.Parallel()
	d := OpenAPI()
	raw, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	compiler := documentSchemas(t)
	for name := range d.Components.Schemas {
		if _, err := compiler.Compile("openapi.json#/components/schemas/" + name); err != nil {
			t.Error(err)
		}
	}
	for _, found := range regexp.MustCompile(`"\$ref":"([^"]*)"`).FindAllSubmatch(raw, -1) {
		ref := string(found[1])
		_, isSchema := d.Components.Schemas[strings.TrimPrefix(ref, refPrefix)]
		_, isReply := d.Components.Responses[strings.TrimPrefix(ref, "#/components/responses/")]
		if !isSchema && !isReply {
			t.Errorf("%s leads nowhere", ref)
		}
	}
	ids := map[string]bool{}
	for path, methods := range d.Paths {
		for method, op := range methods {
			if ids[op.ID] || op.ID == "" || op.Summary == "" {
				t.Errorf("%s %s: id %q, summary %q", method, path, op.ID, op.Summary)
			}
			ids[op.ID] = true
			for _, part := range inPath.FindAllStringSubmatch(path, -1) {
				if !slices.ContainsFunc(op.Parameters, func(p oasParameter) bool { return p.Name == part[1] && p.In == "path" && p.Required }) {
					t.Errorf("%s %s: %s is no parameter", method, path, part[1])
				}
			}
			for status, reply := range op.Responses {
				if reply.Ref == "" && (reply.Description == "" || len(reply.Content) == 0) {
					t.Errorf("%s %s: the reply %s says nothing", method, path, status)
				}
			}
		}
	}
	if len(ids) != len(operations) {
		t.Errorf("%d operations in the document, %d are served", len(ids), len(operations))
	}
	for i := range operations {
		for _, name := range operations[i].codes {
			known := slices.ContainsFunc(codes, func(c code) bool { return c.code == name }) || slices.ContainsFunc(otherCodes, func(c [3]string) bool { return c[0] == name })
			if !known {
				t.Errorf("%s: there is no code %q", operations[i].id, name)
			}
		}
	}
}

// The page is written from the code, and is current.
func TestReferenceIsCurrent(t *testing.T) {
	t.Parallel()
	document, err := json.MarshalIndent(OpenAPI(), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"http.md": Reference(), "openapi.json": string(document) + "\n"} {
		file := filepath.Join("..", "docs", "reference", name)
		if os.Getenv("COPPICE_UPDATE") != "" {
			if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		have, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if string(have) != want {
			t.Errorf("docs/reference/%s is not what the code says: COPPICE_UPDATE=1 go test ./httpapi", name)
		}
	}
}
