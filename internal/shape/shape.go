package shape

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Shape is the stored form of values of one Go type.
type Shape struct {
	// Kind is int8 to int64, uint8 to uint64, float32, float64, bool, string, time,
	// bytes, list, map, struct, or pointer; own for what a type or a codec decides
	// itself, and again for a struct within itself.
	Kind   string  `json:"kind"`
	Type   string  `json:"type,omitempty"`   // the Go type, of own, again and struct
	Len    int     `json:"len,omitempty"`    // of arrays
	Fields []Field `json:"fields,omitempty"` // of structs
	Key    *Shape  `json:"key,omitempty"`    // of maps
	Elem   *Shape  `json:"elem,omitempty"`   // of lists, maps and pointers
}

// Field is a field of a struct under its stored name.
type Field struct {
	Name  string `json:"name"`
	Shape *Shape `json:"shape"`
}

var timeType = reflect.TypeFor[time.Time]()

// Own is the shape of a type whose codec alone knows its form.
func Own(t reflect.Type) *Shape { return &Shape{Kind: "own", Type: t.String()} }

// Of returns the shape of a type.
func (r Rules) Of(t reflect.Type) *Shape { return r.of(t, nil) }

func (r Rules) of(t reflect.Type, seen []reflect.Type) *Shape {
	switch {
	case t == timeType:
		return &Shape{Kind: "time"}
	case slices.Contains(seen, t):
		return &Shape{Kind: "again", Type: t.String()}
	case t.Kind() != reflect.Interface && r.Own(t):
		return Own(t)
	}
	seen = append(seen, t)
	switch t.Kind() {
	case reflect.Pointer:
		return &Shape{Kind: "pointer", Elem: r.of(t.Elem(), seen)}
	case reflect.Slice, reflect.Array:
		s := &Shape{Kind: "list", Elem: r.of(t.Elem(), seen)}
		if t.Kind() == reflect.Array {
			s.Len = t.Len()
		} else if t.Elem().Kind() == reflect.Uint8 {
			return &Shape{Kind: "bytes"}
		}
		return s
	case reflect.Map:
		return &Shape{Kind: "map", Key: r.of(t.Key(), seen), Elem: r.of(t.Elem(), seen)}
	case reflect.Struct:
		return &Shape{Kind: "struct", Type: t.String(), Fields: r.fields(t, seen)}
	case reflect.Int:
		return &Shape{Kind: "int64"}
	case reflect.Uint:
		return &Shape{Kind: "uint64"}
	}
	return &Shape{Kind: t.Kind().String()}
}

func (r Rules) fields(t reflect.Type, seen []reflect.Type) (fields []Field) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get(r.Tag), ",")
		if f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct && !r.Own(f.Type) {
			fields = append(fields, r.fields(f.Type, seen)...)
			continue
		}
		if name == "" {
			name = f.Name
		}
		s := r.of(f.Type, seen)
		if slices.Contains(strings.Split(options, ","), "string") {
			s = &Shape{Kind: "own", Type: "text of " + s.String()}
		}
		fields = append(fields, Field{name, s})
	}
	return fields
}

// String prints the shape on one line.
func (s *Shape) String() string {
	switch s.Kind {
	case "own", "again":
		return s.Type
	case "pointer":
		return "*" + s.Elem.String()
	case "list":
		if s.Len > 0 {
			return "[" + strconv.Itoa(s.Len) + "]" + s.Elem.String()
		}
		return "[]" + s.Elem.String()
	case "map":
		return "map[" + s.Key.String() + "]" + s.Elem.String()
	case "struct":
		fields := make([]string, len(s.Fields))
		for i, f := range s.Fields {
			fields[i] = f.Name + " " + f.Shape.String()
		}
		return "{" + strings.Join(fields, ", ") + "}"
	}
	return s.Kind
}
