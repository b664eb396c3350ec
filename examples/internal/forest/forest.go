// Package forest is what the trials of the components have in common. Three modules keep
// the same forest, each with another kind of topology; the programs that use them, and
// what must never be seen, are the same.
package forest

import (
	"errors"
	"fmt"
	"slices"

	"github.com/coppice-run/coppice/pstate"
)

// Reads are how a solution's forest is read.
type Reads struct {
	// Component returns the parent of a component, "" if it has none, and whether the
	// component exists.
	Component func(r pstate.Reader, id string) (parent string, exists bool, err error)
	// Children are those that a component shows.
	Children func(r pstate.Reader, id string) ([]string, error)
}

// Forest is what a reader sees.
type Forest struct {
	Parent map[string]string   // of each component that exists
	Shown  map[string][]string // children, by the component that shows them
}

// Load reads the whole forest.
func (reads Reads) Load(r pstate.Reader) (*Forest, error) {
	f := &Forest{map[string]string{}, map[string][]string{}}
	for _, id := range IDs() {
		parent, exists, err := reads.Component(r, id)
		if err != nil {
			return nil, err
		}
		if exists {
			f.Parent[id] = parent
		}
		if f.Shown[id], err = reads.Children(r, id); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Excused are what readers may see for a moment. nil excuses nothing.
type Excused struct {
	// Hidden: the child exists, and its parent does not show it (promises 0.33 and 0.34).
	Hidden func(parent, child string) bool
	// Absent: the parent shows the child, which does not exist.
	Absent func(parent, child string) bool
}

// Check returns what points to something that does not exist (promise 0.10), and what is
// its own ancestor, but for what is excused.
func (f *Forest) Check(excused Excused) error {
	var wrong []error
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	for _, id := range IDs() {
		if parent := f.Parent[id]; parent != "" {
			if _, exists := f.Parent[parent]; !exists {
				say("%s has the parent %s, which does not exist", id, parent)
			}
			if !slices.Contains(f.Shown[parent], id) && !excuse(excused.Hidden, parent, id) {
				say("%s has the parent %s, which does not show it", id, parent)
			}
			if f.circular(id) {
				say("%s is its own ancestor", id)
			}
		}
		for _, child := range f.Shown[id] {
			if _, exists := f.Parent[id]; !exists {
				say("%s, which does not exist, shows the child %s", id, child)
			}
			if parent, exists := f.Parent[child]; (!exists || parent != id) && !excuse(excused.Absent, id, child) {
				say("%s shows the child %s, which does not exist, or has the parent %q", id, child, parent)
			}
		}
	}
	return errors.Join(wrong...)
}

func excuse(may func(parent, child string) bool, parent, child string) bool {
	return may != nil && may(parent, child)
}

// circular reports whether the way up from a component does not end.
func (f *Forest) circular(id string) bool {
	at := id
	for range f.Parent {
		if at = f.Parent[at]; at == "" {
			return false
		}
	}
	return true
}
