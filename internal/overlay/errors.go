package overlay

import (
	"errors"
	"fmt"

	"github.com/coppice-run/coppice/task"
)

// Errors of reads and writes, wrapped with the PState.
var (
	// ErrNotOwner: a handler wrote to a PState of another topology.
	ErrNotOwner = errors.New("only the topology that declares a PState writes it")
	// ErrPrivate: a client or another topology read a private PState.
	ErrPrivate = errors.New("the PState is private: only the topology that declares it reads it")
	// ErrForeign: a handler used a PState of another module.
	ErrForeign = errors.New("the PState is of another module, and not on this task: read it in a lookup (module.DeclareLookup)")
	// ErrNotHere: a handler used a global PState on a task that does not hold it.
	ErrNotHere = errors.New("the PState is global, its one partition is on task 0")
	// ErrUndeclared: a handle was used before its module's Define filled it.
	ErrUndeclared = errors.New("PState handle is not declared: launch its module, or bind it with Use first")
	// ErrBadKey: a key has no stored form.
	ErrBadKey = errors.New("key has no stored form")
	// ErrIndex: a list has no element there.
	ErrIndex = errors.New("the list has no such element")
	// ErrTooMany: one event would delete more structures than one commit may hold.
	ErrTooMany = errors.New("too many structures to delete in one event")
)

// mayRead checks what every read needs. In an event what it finds fails the event.
func (v *View) mayRead(p *Path) error {
	d := p.Decl
	if d == nil {
		v.Fail(ErrUndeclared)
		return ErrUndeclared
	}
	if d.Private && (v.direct != nil || v.Owner != d.Owner) {
		return v.refuse(d, ErrPrivate)
	}
	if d.Foreign && v.direct == nil {
		return v.refuse(d, ErrForeign)
	}
	return v.mayUse(p)
}

// mayUse checks what reads and writes need.
func (v *View) mayUse(p *Path) error {
	if p.Decl.Global && v.direct == nil && v.task != 0 && v.task != task.None {
		return v.refuse(p.Decl, fmt.Errorf("%w, and this event runs on task %d: send it there with module.At or module.Global", ErrNotHere, v.task))
	}
	if why := p.bad(); why != "" {
		return v.refuse(p.Decl, fmt.Errorf("%w: %s", ErrBadKey, why))
	}
	return nil
}

// refuse fails the event with an error about a PState.
func (v *View) refuse(d *Decl, err error) error {
	err = fmt.Errorf("PState %s: %w", d.Name, err)
	v.Fail(err)
	return err
}

func (v *View) mayWrite(p *Path) bool {
	switch {
	case p.Decl == nil:
		v.Fail(ErrUndeclared)
		return false
	case v.direct != nil:
		_ = v.refuse(p.Decl, errors.New("a client only reads"))
		return false
	case p.Decl.Foreign:
		_ = v.refuse(p.Decl, fmt.Errorf("%w, of module %s alone", ErrNotOwner, p.Decl.Module))
		return false
	case v.Owner != p.Decl.Owner:
		v.Fail(fmt.Errorf("PState %s of topology %q, event of topology %q: %w", p.Decl.Name, p.Decl.Owner, v.Owner, ErrNotOwner))
		return false
	}
	if p.Decl.Partition != nil && v.Tasks > 0 {
		if err := misplaced(*p, v.Tasks); err != nil {
			v.Fail(err)
			return false
		}
	}
	return v.mayUse(p) == nil
}

// misplaced says why a path leads to no task. It has a copy: paths of writes stay on the stack.
func misplaced(p Path, tasks int) error {
	if _, err := p.Task(tasks); err != nil {
		return fmt.Errorf("PState %s: %w", p.Decl.Name, err)
	}
	return nil
}

// undecoded words the error of a stored value that does not decode.
func undecoded(p *Path, field string, err error) error {
	return fmt.Errorf("PState %s, element %q: stored value does not decode: %w", p.Decl.Name, field, err)
}
