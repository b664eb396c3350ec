package module

import (
	"fmt"
	"reflect"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
)

// Module is a set of depots and topologies that live on the same tasks. A
// pointer to a struct of handles implements it; Define declares them.
type Module interface {
	Define(*Builder)
}

// Named is implemented by modules whose name is not that of their type.
type Named interface {
	ModuleName() string
}

// NameOf returns a module's name: ModuleName if it has one, else the name of its
// type.
func NameOf(m Module) string {
	if named, ok := m.(Named); ok {
		return named.ModuleName()
	}
	t := reflect.TypeOf(m)
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}

var namePattern = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$`)

// nameRule words namePattern for people.
const nameRule = "1 to 80 letters, digits, '-' or '_', the first a letter or digit"

// Mistake is one thing wrong with a declaration.
type Mistake struct {
	Thing string // what it is about: depot "clicks", step "count"
	Text  string // what is wrong
	Mend  string // what to do
}

func (m Mistake) String() string {
	if m.Mend == "" {
		return m.Thing + ": " + m.Text
	}
	return m.Thing + ": " + m.Text + "; " + m.Mend
}

// DefinitionError lists all mistakes of a module's Define.
type DefinitionError struct {
	Module   string
	Mistakes []Mistake
}

func (e *DefinitionError) Error() string {
	text := fmt.Sprintf("module %s: %d mistake", e.Module, len(e.Mistakes))
	if len(e.Mistakes) != 1 {
		text += "s"
	}
	for _, m := range e.Mistakes {
		text += "\n  " + m.String()
	}
	return text
}

// compiled keeps the plan of each module value: Define runs once per value, so
// that its handles, which workers and clients share, never change after it.
var compiled sync.Map // Module -> *compilation

type compilation struct {
	once sync.Once
	plan *Plan
	err  error
}

// Compile runs a module's Define, once per value, and returns its checked plan,
// or a *DefinitionError with every mistake in it.
func Compile(m Module) (*Plan, error) {
	if v := reflect.ValueOf(m); v.Kind() != reflect.Pointer || v.IsNil() {
		return nil, &DefinitionError{Module: fmt.Sprintf("%T", m), Mistakes: []Mistake{{
			Thing: "module", Text: fmt.Sprintf("%T is no pointer to a struct", m), Mend: "Define fills the value's handles: pass &YourModule{}",
		}}}
	}
	entry, _ := compiled.LoadOrStore(m, &compilation{})
	c := entry.(*compilation)
	c.once.Do(func() { c.plan, c.err = compile(m) })
	return c.plan, c.err
}

// Forget drops what Compile keeps of a module value, which else stays with all that its
// handlers refer to for as long as the program runs. It is for programs that make many
// values, as simulations do; the value and its handles must not be used any more.
func Forget(m Module) { compiled.Delete(m) }

func compile(m Module) (*Plan, error) {
	b := &Builder{plan: &Plan{Module: NameOf(m)}, pointers: map[any]string{}, names: map[string]bool{}}
	if !namePattern.MatchString(b.plan.Module) {
		b.mistake("module", fmt.Sprintf("the name %q is not allowed", b.plan.Module), "a name has "+nameRule+"; implement ModuleName to choose one")
	}
	define(m, b)
	b.finish()
	if len(b.mistakes) > 0 {
		return nil, &DefinitionError{Module: b.plan.Module, Mistakes: b.mistakes}
	}
	return b.plan, nil
}

// define runs Define; its panic becomes a mistake like others.
func define(m Module, b *Builder) {
	defer func() {
		if p := recover(); p != nil {
			b.mistake("module", fmt.Sprintf("Define panicked%s: %v", panickedAt(), p), "what is declared after it is not checked")
		}
	}()
	m.Define(b)
}

// panickedAt is where the module's code was when it panicked, for the deferred function that
// recovers it: the nearest place outside of the language's packages.
func panickedAt() string {
	pcs := make([]uintptr, 32)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)])
	for {
		f, more := frames.Next()
		if f.File != "" && !strings.HasPrefix(f.Function, "runtime.") && !slices.ContainsFunc(ownPackages, func(own string) bool { return strings.HasPrefix(f.Function, own) }) {
			return fmt.Sprintf(" at %s:%d", f.File, f.Line)
		}
		if !more {
			return ""
		}
	}
}

// ownPackages are what the functions of the language begin with.
var ownPackages = func() []string {
	own := reflect.TypeFor[Builder]().PkgPath()
	project := strings.TrimSuffix(own, "module")
	return []string{own + ".", own + "/flow.", own + "/nav.", own + "/agg.", project + "pstate.", project + "codec.", project + "internal/"}
}()
