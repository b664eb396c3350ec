package flow

import (
	"cmp"
	"fmt"
	"reflect"
	"runtime"
	"strings"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/module"
)

// Expr is a value that is computed of variables where an operation needs it: a [Var], a
// [Const], a function of other expressions. It is not kept; [Each] keeps it in a variable.
type Expr[T any] interface {
	eval(x *run) T
	look(l *look)
	String() string
}

// look gathers what a declaration has to know of an expression.
type look struct {
	variables []*variable
	mistakes  [][2]string
	decl      func() *overlay.Decl // of the PState that it leads into
	event     bool                 // it is computed of the event
}

func (l *look) wrong(text, mend string) { l.mistakes = append(l.mistakes, [2]string{text, mend}) }

// looker is an Expr of any type.
type looker interface {
	look(l *look)
	String() string
}

// expr is an expression that is no variable.
type expr[T any] struct {
	compute func(x *run) T
	parts   []looker
	text    string
	missing string               // what a function was to be
	decl    func() *overlay.Decl // of the PState that it leads into
	event   bool                 // it is computed of the event
}

func (e *expr[T]) eval(x *run) T  { return e.compute(x) }
func (e *expr[T]) String() string { return e.text }

func (e *expr[T]) look(l *look) {
	if e.missing != "" {
		l.wrong("has no function", "pass "+e.missing)
	}
	for _, p := range e.parts {
		lookAt(l, p)
	}
	if e.decl != nil {
		l.decl = e.decl
	}
	l.event = l.event || e.event
}

func lookAt(l *look, p looker) {
	if p == nil {
		l.wrong("has a nil expression", "pass a variable, flow.Const or flow.F1 of one")
		return
	}
	p.look(l)
}

// Const is a value that is always the same. What shares memory, as slices do, is shared
// by all that use it.
func Const[T any](value T) Expr[T] {
	return &expr[T]{compute: func(*run) T { return value }, text: constText(value)}
}

// constText words a value, in short.
func constText(value any) string {
	format := "%v"
	if reflect.ValueOf(value).Kind() == reflect.String {
		format = "%q"
	}
	text := []rune(fmt.Sprintf(format, value))
	if len(text) > 24 {
		text = append(text[:23], '…')
	}
	return string(text)
}

// F0 is computed of the event alone: its time, its task, a random number.
//
//	flow.F0((*module.Event).Now)
func F0[T any](f func(*module.Event) T) Expr[T] {
	return &expr[T]{compute: func(x *run) T { return f(x.ev) }, text: callText(f), missing: need[T](f == nil, "func(*module.Event) "), event: true}
}

// F1 is a function of one expression.
func F1[A, T any](f func(A) T, a Expr[A]) Expr[T] {
	return &expr[T]{
		compute: func(x *run) T { return f(a.eval(x)) }, parts: []looker{a},
		text: callText(f, a), missing: need[T](f == nil, "func("+typeName[A]()+") "),
	}
}

// F2 is a function of two expressions.
func F2[A, B, T any](f func(A, B) T, a Expr[A], b Expr[B]) Expr[T] {
	return &expr[T]{
		compute: func(x *run) T { return f(a.eval(x), b.eval(x)) }, parts: []looker{a, b},
		text: callText(f, a, b), missing: need[T](f == nil, "func("+typeName[A]()+", "+typeName[B]()+") "),
	}
}

// F3 is a function of three expressions.
func F3[A, B, C, T any](f func(A, B, C) T, a Expr[A], b Expr[B], c Expr[C]) Expr[T] {
	return &expr[T]{
		compute: func(x *run) T { return f(a.eval(x), b.eval(x), c.eval(x)) }, parts: []looker{a, b, c},
		text: callText(f, a, b, c), missing: need[T](f == nil, "func("+typeName[A]()+", "+typeName[B]()+", "+typeName[C]()+") "),
	}
}

// F4 is a function of four expressions. What needs more takes a struct, which F4 makes.
func F4[A, B, C, D, T any](f func(A, B, C, D) T, a Expr[A], b Expr[B], c Expr[C], d Expr[D]) Expr[T] {
	return &expr[T]{
		compute: func(x *run) T { return f(a.eval(x), b.eval(x), c.eval(x), d.eval(x)) }, parts: []looker{a, b, c, d},
		text: callText(f, a, b, c, d), missing: need[T](f == nil, "func("+typeName[A]()+", "+typeName[B]()+", "+typeName[C]()+", "+typeName[D]()+") "),
	}
}

// infix is a function of two expressions that is written between them.
func infix[A, B, T any](sign string, f func(A, B) T, a Expr[A], b Expr[B]) Expr[T] {
	e := F2(f, a, b).(*expr[T])
	e.text = text(a) + " " + sign + " " + text(b)
	return e
}

// Equal holds if two values are equal.
func Equal[T comparable](a, b Expr[T]) Expr[bool] {
	return infix("==", func(a, b T) bool { return a == b }, a, b)
}

// NotEqual holds if two values are not equal.
func NotEqual[T comparable](a, b Expr[T]) Expr[bool] {
	return infix("!=", func(a, b T) bool { return a != b }, a, b)
}

// Less holds if a is less than b.
func Less[T cmp.Ordered](a, b Expr[T]) Expr[bool] {
	return infix("<", func(a, b T) bool { return a < b }, a, b)
}

// And holds if both do; b is not computed where a does not hold.
func And(a, b Expr[bool]) Expr[bool] {
	return &expr[bool]{
		compute: func(x *run) bool { return a.eval(x) && b.eval(x) }, parts: []looker{a, b},
		text: "(" + text(a) + " and " + text(b) + ")",
	}
}

// Or holds if one of them does; b is not computed where a holds.
func Or(a, b Expr[bool]) Expr[bool] {
	return &expr[bool]{
		compute: func(x *run) bool { return a.eval(x) || b.eval(x) }, parts: []looker{a, b},
		text: "(" + text(a) + " or " + text(b) + ")",
	}
}

// Not holds if a does not.
func Not(a Expr[bool]) Expr[bool] {
	return &expr[bool]{compute: func(x *run) bool { return !a.eval(x) }, parts: []looker{a}, text: "not (" + text(a) + ")"}
}

func typeName[T any]() string { return reflect.TypeFor[T]().String() }

// need says what a function was to be, if it is missing.
func need[T any](missing bool, signature string) string {
	if !missing {
		return ""
	}
	return "a " + signature + typeName[T]()
}

// text words an expression.
func text(e looker) string {
	if e == nil {
		return "?"
	}
	return e.String()
}

// callText words a call. Functions without a name are f.
func callText(f any, parts ...looker) string {
	words := make([]string, len(parts))
	for i, p := range parts {
		words[i] = text(p)
	}
	return funcName(f) + "(" + strings.Join(words, ", ") + ")"
}

func funcName(f any) string {
	v := reflect.ValueOf(f)
	if v.IsNil() {
		return "?"
	}
	name := runtime.FuncForPC(v.Pointer()).Name()
	name = strings.TrimSuffix(name[strings.LastIndexByte(name, '/')+1:], "-fm")
	if i := strings.IndexByte(name, '['); i >= 0 {
		name = name[:i]
	}
	if strings.Contains(name, ".func") {
		return "f"
	}
	if i := strings.LastIndexByte(name, ')'); i >= 0 { // a method
		return strings.TrimPrefix(name[i+1:], ".")
	}
	return name
}
