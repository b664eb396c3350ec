package settings

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/coppice-run/coppice/module"
	"github.com/coppice-run/coppice/runtime"
)

// Errors of a setting, wrapped with what is wrong and what there is.
var (
	ErrUnknownOption = errors.New("unknown option")
	ErrUnknownPlace  = errors.New("the module has nothing of that name")
	ErrWrongPlace    = errors.New("the option cannot be set there")
	ErrWrongValue    = errors.New("no value of the option")
)

// Scope says what a setting is for: the module (both empty), one topology or one
// depot.
type Scope struct {
	Topology string `json:",omitempty"`
	Depot    string `json:",omitempty"`
}

func (s Scope) String() string {
	switch {
	case s.Topology != "":
		return "topology " + s.Topology
	case s.Depot != "":
		return "depot " + s.Depot
	}
	return "module"
}

// Setting is the value of an option at a scope.
type Setting struct {
	Scope
	Name  string
	Value string
}

// keyPrefix begins the keys of settings in the meta topic:
// option/<name>, option/<name>/topology/<topology>, option/<name>/depot/<depot>.
const keyPrefix = "option/"

// Key is where the setting stands in the module's meta topic.
func (s *Setting) Key() string {
	switch {
	case s.Topology != "":
		return keyPrefix + s.Name + "/topology/" + s.Topology
	case s.Depot != "":
		return keyPrefix + s.Name + "/depot/" + s.Depot
	}
	return keyPrefix + s.Name
}

// stored is the stored form of a setting.
type stored struct {
	Version int // 1
	Value   string
}

// Stored is the value that is kept under Key.
func (s *Setting) Stored() ([]byte, error) { return json.Marshal(stored{1, s.Value}) }

// Parse reads a fact of the meta topic; not ok if it is another kind of fact.
func Parse(key string, value []byte) (s Setting, ok bool, err error) {
	rest, ok := strings.CutPrefix(key, keyPrefix)
	if !ok {
		return s, false, nil
	}
	parts := strings.Split(rest, "/")
	s.Name = parts[0]
	switch {
	case len(parts) == 3 && parts[1] == "topology":
		s.Topology = parts[2]
	case len(parts) == 3 && parts[1] == "depot":
		s.Depot = parts[2]
	case len(parts) != 1:
		return s, false, nil
	}
	if value == nil {
		return s, true, nil
	}
	var v stored
	if err := json.Unmarshal(value, &v); err != nil {
		return s, false, fmt.Errorf("setting %s: %w", key, err)
	}
	if v.Version != 1 {
		return s, false, fmt.Errorf("setting %s: format version %d, this program reads 1", key, v.Version)
	}
	s.Value = v.Value
	return s, true, nil
}

// Check reports what is wrong with a setting for a module. An empty value, which
// takes the setting back, is never wrong.
func Check(plan *module.Plan, s *Setting) error {
	o, ok := Find(s.Name)
	if !ok {
		return Unknown(s.Name)
	}
	if err := CheckScope(plan, s.Scope); err != nil {
		return fmt.Errorf("option %s: %w", s.Name, err)
	}
	if s.Topology != "" && o.Place != ForTopology || s.Depot != "" && o.Place != ForDepot {
		return fmt.Errorf("option %s: %w: it is set for %s", s.Name, ErrWrongPlace, o.Places())
	}
	if s.Value == "" {
		return nil
	}
	if err := o.Check(s.Value); err != nil {
		return fmt.Errorf("%w: %w", ErrWrongValue, err)
	}
	return nil
}

// Unknown is the error of a name that no option has, with those that may be meant.
func Unknown(name string) error {
	return fmt.Errorf("option %q: %w; %s", name, ErrUnknownOption, near(name))
}

// CheckScope reports what a scope names that the module does not have.
func CheckScope(plan *module.Plan, s Scope) error {
	if s.Topology != "" && s.Depot != "" {
		return fmt.Errorf("%w: name a topology or a depot, not both", ErrWrongPlace)
	}
	if s.Topology != "" {
		var names []string
		for _, t := range plan.Streams {
			if names = append(names, t.Name); t.Name == s.Topology {
				return nil
			}
		}
		return fmt.Errorf("topology %q: %w; it has %s", s.Topology, ErrUnknownPlace, strings.Join(names, ", "))
	}
	if s.Depot != "" {
		var names []string
		for _, d := range plan.Depots {
			if names = append(names, d.Name); d.Name == s.Depot {
				return nil
			}
		}
		return fmt.Errorf("depot %q: %w; it has %s", s.Depot, ErrUnknownPlace, strings.Join(names, ", "))
	}
	return nil
}

// Places words what the option may be set for.
func (o *Option) Places() string {
	if o.Place == ForModule {
		return "the module"
	}
	return "the module or a " + o.Place.String()
}

// near names options that a mistyped name may have meant.
func near(name string) string {
	var close []string
	words := strings.Split(name, ".")
	for i := range all {
		for _, w := range words[max(0, len(words)-2):] {
			if len(w) > 3 && strings.Contains(all[i].Name, w) {
				close = append(close, all[i].Name)
				break
			}
		}
	}
	if len(close) == 0 {
		return "'coppice options list' names them all"
	}
	return "did you mean " + strings.Join(close, " or ") + "?"
}

// Set is what is set for one module.
type Set struct {
	base   runtime.Options
	values map[Scope]map[string]string
}

// NewSet begins with what the worker was started with.
func NewSet(base runtime.Options) *Set {
	return &Set{base: base, values: map[Scope]map[string]string{}}
}

// Put takes a setting in, or takes it back if its value is empty.
func (s *Set) Put(v Setting) {
	if v.Value == "" {
		delete(s.values[v.Scope], v.Name)
		return
	}
	if s.values[v.Scope] == nil {
		s.values[v.Scope] = map[string]string{}
	}
	s.values[v.Scope][v.Name] = v.Value
}

// List returns the settings, sorted by name and scope.
func (s *Set) List() []Setting {
	var list []Setting
	for scope, values := range s.values {
		for name, value := range values {
			list = append(list, Setting{scope, name, value})
		}
	}
	slices.SortFunc(list, func(a, b Setting) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Scope.String(), b.Scope.String()))
	})
	return list
}

// Changed resolves the settings for the engine. Values of unknown options, or
// that this version does not take, are left out and named in the errors.
func (s *Set) Changed() (*runtime.OptionsChanged, []error) {
	in := &runtime.OptionsChanged{Module: s.base, Topologies: map[string]runtime.Options{}, Depots: map[string]runtime.Options{}}
	errs := apply(&in.Module, s.values[Scope{}])
	for _, scope := range slices.SortedFunc(maps.Keys(s.values), func(a, b Scope) int { return cmp.Compare(a.String(), b.String()) }) {
		o := in.Module
		switch {
		case scope.Topology != "":
			errs = append(errs, apply(&o, s.values[scope])...)
			in.Topologies[scope.Topology] = o
		case scope.Depot != "":
			errs = append(errs, apply(&o, s.values[scope])...)
			in.Depots[scope.Depot] = o
		}
	}
	return in, errs
}

func apply(o *runtime.Options, values map[string]string) (errs []error) {
	for _, name := range slices.Sorted(maps.Keys(values)) {
		option, ok := Find(name)
		if !ok {
			errs = append(errs, fmt.Errorf("option %q: %w", name, ErrUnknownOption))
			continue
		}
		if err := option.field.set(o, values[name]); err != nil {
			errs = append(errs, fmt.Errorf("option %s: %q: %w", name, values[name], err))
		}
	}
	return errs
}

// Value is the value that holds for an option at a scope, and where it was set.
func (s *Set) Value(o *Option, scope Scope) (value string, from string) {
	if v, ok := s.values[scope][o.Name]; ok {
		return v, scope.String()
	}
	if v, ok := s.values[Scope{}][o.Name]; ok {
		return v, "module"
	}
	base := s.base.WithDefaults()
	return o.field.get(&base), "default"
}
