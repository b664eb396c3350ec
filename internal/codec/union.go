package codec

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"

	"github.com/coppice-run/coppice/internal/shape"
)

// Variant is one concrete type of a union, under its wire name.
type Variant[U any] struct {
	Name   string
	Type   reflect.Type
	decode func(raw []byte) (U, error)
	check  error
}

// VariantOf makes the variant for V of the union U.
func VariantOf[V, U any](name string) Variant[U] {
	t := reflect.TypeFor[V]()
	variant := Variant[U]{Name: name, Type: t}
	if union := reflect.TypeFor[U](); union.Kind() != reflect.Interface {
		variant.check = fmt.Errorf("a union is over an interface type, %v is none", union)
	} else if !t.Implements(union) {
		variant.check = fmt.Errorf("variant %q: %v does not implement %v", name, t, union)
	} else if err := shape.JSON.Losses(t); err != nil {
		variant.check = fmt.Errorf("variant %q: %w", name, err)
	}
	variant.decode = func(raw []byte) (U, error) {
		var value V
		if err := json.Unmarshal(raw, &value); err != nil {
			var none U
			return none, err
		}
		return any(value).(U), nil
	}
	return variant
}

// Union returns the codec of an interface type with named variants. The stored
// form is an object with one key: {"follow":{…}}.
func Union[U any](variants ...Variant[U]) (Codec[U], error) {
	var mistakes []error
	byName := map[string]Variant[U]{}
	byType := map[reflect.Type]string{}
	names := make([]string, 0, len(variants))
	for _, variant := range variants {
		if variant.check != nil {
			mistakes = append(mistakes, variant.check)
		}
		if _, twice := byName[variant.Name]; twice {
			mistakes = append(mistakes, fmt.Errorf("two variants are named %q", variant.Name))
		}
		if other, twice := byType[variant.Type]; twice {
			mistakes = append(mistakes, fmt.Errorf("%v is the variant %q already", variant.Type, other))
		}
		byName[variant.Name], byType[variant.Type] = variant, variant.Name
		names = append(names, variant.Name)
	}
	if len(variants) == 0 {
		mistakes = append(mistakes, errors.New("a union needs at least one variant"))
	}
	codec := Codec[U]{
		Name: "union",
		Append: func(dst []byte, value *U) ([]byte, error) {
			name, ok := byType[reflect.TypeOf(*value)]
			if !ok {
				return dst, fmt.Errorf("%T is no variant of this depot; its variants are %q", *value, names)
			}
			body, err := shape.MarshalJSON(*value)
			if err != nil {
				return dst, err
			}
			key, err := json.Marshal(name)
			if err != nil {
				return dst, err
			}
			dst = append(dst, '{')
			dst = append(dst, key...)
			dst = append(dst, ':')
			dst = append(dst, body...)
			return append(dst, '}'), nil
		},
		Decode: func(raw []byte, value *U) error {
			var object map[string]json.RawMessage
			if err := json.Unmarshal(raw, &object); err != nil {
				return err
			}
			if len(object) != 1 {
				return fmt.Errorf("an object with one key, the variant's name, is wanted; this one has %d", len(object))
			}
			for name, body := range object {
				variant, ok := byName[name]
				if !ok {
					return fmt.Errorf("unknown variant %q; this depot has %q", name, names)
				}
				decoded, err := variant.decode(body)
				if err != nil {
					return fmt.Errorf("variant %q: %w", name, err)
				}
				*value = decoded
			}
			return nil
		},
	}
	return codec, errors.Join(mistakes...)
}
