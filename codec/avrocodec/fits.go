package avrocodec

import (
	"encoding"
	"fmt"
	"reflect"
	"strings"

	"github.com/twmb/avro"
)

// fits looks whether the fields of a type are those of a schema: what a schema lacks would be
// lost. Whether a value has a form under a schema that fits is found out when it is stored.
func fits(schema *avro.Schema, t reflect.Type) error {
	f := &fitting{named: map[string]*avro.SchemaNode{}, seen: map[fitted]bool{}}
	return f.node(schema.Root(), t, t.String())
}

type fitting struct {
	named map[string]*avro.SchemaNode
	seen  map[fitted]bool
}

type fitted struct {
	node *avro.SchemaNode
	t    reflect.Type
}

var textMarshaler = reflect.TypeFor[encoding.TextMarshaler]()

func (f *fitting) node(n *avro.SchemaNode, t reflect.Type, at string) error {
	if named := f.named[n.Type]; named != nil {
		n = named
	}
	if n.Name != "" {
		f.named[n.Name] = n
		if n.Namespace != "" {
			f.named[n.Namespace+"."+n.Name] = n
		}
	}
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if f.seen[fitted{n, t}] || t.Kind() == reflect.Interface {
		return nil
	}
	f.seen[fitted{n, t}] = true
	switch n.Type {
	case "record", "error":
		return f.record(n, t, at)
	case "array":
		if t.Kind() != reflect.Slice && t.Kind() != reflect.Array {
			return fmt.Errorf("%s is a %v, and the schema has an array", at, t)
		}
		return f.node(n.Items, t.Elem(), at+"[]")
	case "map":
		if t.Kind() != reflect.Map {
			return fmt.Errorf("%s is a %v, and the schema has a map", at, t)
		}
		return f.node(n.Values, t.Elem(), at+"[]")
	case "union":
		return f.union(n, t, at)
	}
	switch t.Kind() {
	case reflect.Func, reflect.Chan, reflect.Complex64, reflect.Complex128, reflect.UnsafePointer:
		return fmt.Errorf("%s is a %v, which Avro has not", at, t)
	}
	return nil
}

// union wants one branch that fits, besides null.
func (f *fitting) union(n *avro.SchemaNode, t reflect.Type, at string) (err error) {
	for i := range n.Branches {
		if n.Branches[i].Type == "null" {
			continue
		}
		if err = f.node(&n.Branches[i], t, at); err == nil {
			return nil
		}
	}
	return err
}

func (f *fitting) record(n *avro.SchemaNode, t reflect.Type, at string) error {
	if t.Kind() != reflect.Struct || t.Implements(textMarshaler) {
		return fmt.Errorf("%s is a %v, and the schema has the record %s: declare a struct", at, t, n.Name)
	}
	has := map[string]reflect.Type{}
	if err := fieldsOf(t, at, has); err != nil {
		return err
	}
	for i := range n.Fields {
		field := &n.Fields[i]
		of, ok := has[field.Name]
		if !ok {
			if !field.HasDefault {
				return fmt.Errorf("%s has no field for %s of the schema's record %s, which has no default", at, field.Name, n.Name)
			}
			continue
		}
		delete(has, field.Name)
		if err := f.node(&field.Type, of, at+"."+field.Name); err != nil {
			return err
		}
	}
	for name := range has {
		return fmt.Errorf("%s: the schema's record %s has no field %s: it would be lost", at, n.Name, name)
	}
	return nil
}

// fieldsOf collects the fields of a struct under their names in Avro.
func fieldsOf(t reflect.Type, at string, into map[string]reflect.Type) error {
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("avro"), ",")
		inline := field.Anonymous && name == "" || strings.Contains(","+options+",", ",inline,")
		switch {
		case name == "-":
		case inline && elem(field.Type).Kind() == reflect.Struct:
			if err := fieldsOf(elem(field.Type), at, into); err != nil {
				return err
			}
		case !field.IsExported():
			return fmt.Errorf("%s: field %s is not exported: it would be lost", at, field.Name)
		case name == "":
			into[field.Name] = field.Type
		default:
			into[name] = field.Type
		}
	}
	return nil
}

func elem(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}
