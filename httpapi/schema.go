package httpapi

import (
	"encoding/json"
	"reflect"
	"strings"
	"time"

	"github.com/coppice-run/coppice/depot"
	"github.com/coppice-run/coppice/eventtree"
	"github.com/coppice-run/coppice/module"
)

// schema is a JSON Schema of the draft that OpenAPI 3.1 takes.
type schema struct {
	Ref        string             `json:"$ref,omitempty"`
	Type       any                `json:"type,omitempty"` // a string, or several
	Format     string             `json:"format,omitempty"`
	Encoding   string             `json:"contentEncoding,omitempty"`
	Items      *schema            `json:"items,omitempty"`
	Properties map[string]*schema `json:"properties,omitempty"`
	Additional *schema            `json:"additionalProperties,omitempty"`
	Required   []string           `json:"required,omitempty"`
}

// schemas are those that have names.
type schemas map[string]*schema

const refPrefix = "#/components/schemas/"

// of returns the schema of a type: structs are named, and referred to.
func (s schemas) of(t reflect.Type) *schema {
	switch t {
	case reflect.TypeFor[json.RawMessage]():
		return &schema{} // any JSON
	case reflect.TypeFor[eventtree.ID]():
		return &schema{Type: "string"} // 16 hexadecimal digits
	case reflect.TypeFor[time.Time]():
		return &schema{Type: "string", Format: "date-time"}
	case reflect.TypeFor[module.Acks]():
		return &schema{Type: "object", Additional: &schema{}}
	case reflect.TypeFor[[]byte]():
		return &schema{Type: []string{"string", "null"}, Encoding: "base64"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return s.of(t.Elem())
	case reflect.Float64:
		return &schema{Type: "number"}
	case reflect.Bool:
		return &schema{Type: "boolean"}
	case reflect.String:
		return &schema{Type: "string"}
	case reflect.Slice:
		return &schema{Type: "array", Items: s.of(t.Elem())}
	case reflect.Map:
		return &schema{Type: "object", Additional: s.of(t.Elem())}
	case reflect.Struct:
		name := nameOf(t)
		if _, ok := s[name]; !ok {
			s[name] = &schema{}
			*s[name] = *s.object(t)
		}
		return &schema{Ref: refPrefix + name}
	}
	return &schema{Type: "integer"}
}

// nameOf is the name of a struct's schema.
func nameOf(t reflect.Type) string {
	name := t.Name()
	return strings.ToUpper(name[:1]) + name[1:]
}

func (s schemas) object(t reflect.Type) *schema {
	out := &schema{Type: "object", Properties: map[string]*schema{}}
	s.fields(t, out)
	return out
}

func (s schemas) fields(t reflect.Type, out *schema) {
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() && !f.Anonymous {
			continue
		}
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.Anonymous && name == "" {
			s.fields(f.Type, out)
			continue
		}
		if name == "" {
			name = f.Name
		}
		inner := s.of(f.Type)
		if f.Type == reflect.TypeFor[[]depot.Header]() || f.Type.Kind() == reflect.Slice && inner.Type == "array" && nullable(t) {
			inner.Type = []string{"array", "null"}
		}
		out.Properties[name] = inner
		if options != "omitempty" && options != "omitzero" {
			out.Required = append(out.Required, name)
		}
	}
}

// nullable are the structs whose lists may be null: those of the client that are printed
// as they come.
func nullable(t reflect.Type) bool { return nameOf(t) == "ModuleInfo" }

// words are a type's JSON on one line.
func (s schemas) words(t reflect.Type) string {
	all := schemas{}
	return all.line(all.of(t), t, 0)
}

func (s schemas) line(of *schema, t reflect.Type, depth int) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch {
	case of.Ref != "":
		name := strings.TrimPrefix(of.Ref, refPrefix)
		if depth > 2 || t.Kind() != reflect.Struct {
			return name
		}
		return s.members(t, depth)
	case of.Items != nil:
		return "[" + s.line(of.Items, t.Elem(), depth) + ", …]"
	case of.Additional != nil:
		return "{…}"
	case of.Type == nil:
		return "JSON"
	}
	if kind, ok := of.Type.(string); ok {
		return kind
	}
	return "base64"
}

func (s schemas) members(t reflect.Type, depth int) string {
	var out []string
	var walk func(reflect.Type)
	walk = func(t reflect.Type) {
		for i := range t.NumField() {
			f := t.Field(i)
			if !f.IsExported() && !f.Anonymous {
				continue
			}
			name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
			if f.Anonymous && name == "" {
				walk(f.Type)
				continue
			}
			if name == "" {
				name = f.Name
			}
			if options == "omitempty" {
				name += "?"
			}
			out = append(out, name+": "+s.line(s.of(f.Type), f.Type, depth+1))
		}
	}
	walk(t)
	return "{" + strings.Join(out, ", ") + "}"
}
