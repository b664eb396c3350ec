package flow

import (
	"fmt"
	"reflect"

	public "github.com/coppice-run/coppice/codec"
	"github.com/coppice-run/coppice/internal/codec"
)

// Var is a variable of a flow: what an operation gives, for those behind it. It is an
// Expr. On each way through the flow it is set once.
type Var[T any] struct{ v *variable }

// Label names a variable, for the plan. In an exactly-once stream variables of one type
// that travel together need labels: what hops carry outlives an update of the module,
// whose variables are recognised by them.
func (v Var[T]) Label(name string) Var[T] {
	if v.v != nil {
		v.v.label = name
	}
	return v
}

func (v Var[T]) eval(x *run) T { return x.cells[v.v.id].(*box[T]).value }

func (v Var[T]) look(l *look) {
	if v.v == nil {
		l.wrong("uses a variable that no operation has given", "use what an operation returns, or flow.Declare")
		return
	}
	l.variables = append(l.variables, v.v)
}

func (v Var[T]) String() string {
	if v.v == nil {
		return "?"
	}
	return v.v.name()
}

// variable is what the flow knows of a Var.
type variable struct {
	flow  *graph
	id    int
	label string
	typed string // its type
	line  string // where it is given
	fresh func() cell
	carry func([]public.Codec) (coder, error)
}

// name names it for people.
func (v *variable) name() string {
	if v.label != "" {
		return v.label
	}
	return fmt.Sprintf("v%d", v.id)
}

// declared is its declaration in what a hop carries.
func (v *variable) declared() string {
	if v.label != "" {
		return v.label + " " + v.typed
	}
	return v.typed
}

// cell holds a variable's value in a run.
type cell interface {
	clear()
	copied() cell
}

type box[T any] struct{ value T }

func (b *box[T]) clear() {
	var zero T
	b.value = zero
}

func (b *box[T]) copied() cell { return &box[T]{b.value} }

// coder turns a cell's value into bytes and back.
type coder struct {
	name   string // of the codec
	append func(dst []byte, c cell) ([]byte, error)
	decode func(raw []byte, c cell) error
}

// newVariable makes a variable that is not set anywhere yet.
func newVariable[T any](g *graph, line string) Var[T] {
	v := &variable{flow: g, id: len(g.variables), typed: reflect.TypeFor[T]().String(), line: line}
	v.fresh = func() cell { return &box[T]{} }
	v.carry = func(codecs []public.Codec) (coder, error) {
		c, err := codec.Choose[T](codecs)
		return coder{
			name:   c.Name,
			append: func(dst []byte, from cell) ([]byte, error) { return c.Append(dst, &from.(*box[T]).value) },
			decode: func(raw []byte, to cell) error { return c.Decode(raw, &to.(*box[T]).value) },
		}, err
	}
	g.variables = append(g.variables, v)
	return Var[T]{v}
}

// set gives the variable its value.
func (v Var[T]) set(x *run, value T) {
	if c := x.cells[v.v.id]; c != nil {
		c.(*box[T]).value = value
		return
	}
	x.cells[v.v.id] = &box[T]{value}
}

// Declare makes a variable that operations further on set with Assign: where it is to
// have a value behind a condition or a loop, each way there has to assign it.
func Declare[T any](b *Block) Var[T] { return newVariable[T](b.flow, line()) }

// Assign sets a variable that was declared. One way through the flow sets it once.
func Assign[T any](b *Block, v Var[T], value Expr[T]) {
	n := b.put("Assign", v.String()+" = "+text(value), 1, value)
	if v.v == nil {
		n.mistake("assigns to no variable", "declare it with flow.Declare")
		return
	}
	b.gives(n, v.v)
	n.simply(func(x *run) error {
		v.set(x, value.eval(x))
		return nil
	})
}
