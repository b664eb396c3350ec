package shape

import (
	"fmt"
	"strconv"
	"strings"
)

// Changes returns why values that were stored with one shape are not all read back
// with another; nothing if they are. A new version may add fields, which are zero in
// what is stored, widen numbers, and make a value a pointer; names of types do not
// count.
func Changes(stored, now *Shape) []string { return changes(stored, now, "") }

func changes(stored, now *Shape, where string) []string {
	if stored == nil || now == nil {
		if stored != now {
			return []string{where + "its values have come or gone"}
		}
		return nil
	}
	if now.Kind == "pointer" && stored.Kind != "pointer" {
		return changes(stored, now.Elem, where)
	}
	switch {
	case stored.Kind != now.Kind && !widens(stored.Kind, now.Kind),
		stored.Kind == "own" && stored.Type != now.Type,
		stored.Len != now.Len:
		return []string{fmt.Sprintf("%swas %v, is %v", where, stored, now)}
	case stored.Kind == "struct":
		return fieldChanges(stored, now, where)
	case stored.Kind == "map":
		return append(changes(stored.Key, now.Key, where+"key "), changes(stored.Elem, now.Elem, where+"element ")...)
	case stored.Elem != nil:
		return changes(stored.Elem, now.Elem, where+"element ")
	}
	return nil
}

func fieldChanges(stored, now *Shape, where string) (found []string) {
	for _, f := range stored.Fields {
		other := now.field(f.Name)
		if other == nil {
			found = append(found, fmt.Sprintf("%sfield %s is gone, and would be lost with the next write", where, f.Name))
			continue
		}
		found = append(found, changes(f.Shape, other, where+"field "+f.Name+" ")...)
	}
	return found
}

func (s *Shape) field(name string) *Shape {
	for _, f := range s.Fields {
		if f.Name == name {
			return f.Shape
		}
	}
	return nil
}

// widens reports whether every number of one kind is one of the other.
func widens(from, to string) bool {
	for _, family := range []string{"int", "uint", "float"} {
		a, ok := strings.CutPrefix(from, family)
		b, both := strings.CutPrefix(to, family)
		if !ok || !both {
			continue
		}
		m, err := strconv.Atoi(a)
		n, errTo := strconv.Atoi(b)
		if err == nil && errTo == nil {
			return m <= n
		}
	}
	return false
}
