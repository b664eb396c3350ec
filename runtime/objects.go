package runtime

import (
	"fmt"

	"github.com/coppice-run/coppice/module"
)

// The objects of a task are opened by its driver, when the slot is taken and where to begin
// is known, before the first commit of the ownership period: so an owner that cannot open
// them has not run anything. They stay open over breaks of the connection; the driver closes
// them when the task has stopped or halted, or it ends itself.

// ObjectsOpened answers Effects.OpenObjects, in the order of the plan.
type ObjectsOpened struct {
	Objects []any
	Err     error
}

func (*ObjectsOpened) input() {}

// objects is how far the opening of a task's objects is.
type objects uint8

const (
	objectsClosed objects = iota
	objectsOpening
	objectsOpen
)

// openObjects goes on with the objects, and behind them with the first commit.
func (t *Task) openObjects() {
	switch {
	case len(t.plan.Objects) == 0 || t.objects == objectsOpen:
		t.openSlot()
		return
	case t.objects == objectsClosed:
		t.objects = objectsOpening
		t.effects.OpenObjects = true
	}
	t.phase = preparing
}

func (t *Task) onObjectsOpened(in *ObjectsOpened) {
	if t.objects != objectsOpening {
		return
	}
	if in.Err != nil {
		t.objects = objectsClosed
		t.halt(&ObjectError{in.Err})
		return
	}
	t.objects, t.host.Objects = objectsOpen, in.Objects
	if t.phase == preparing {
		t.openSlot()
	}
}

// ObjectError: a task's object could not be opened.
type ObjectError struct{ Err error }

func (e *ObjectError) Error() string { return e.Err.Error() }
func (e *ObjectError) Unwrap() error { return e.Err }

// OpenObject opens one object of a task; a panic becomes an error. For drivers.
func OpenObject(open func() (any, error), plan *module.ObjectPlan) (object any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("object %s: opening it panicked: %v", plan.Name, p)
		}
	}()
	if object, err = open(); err != nil {
		return nil, fmt.Errorf("object %s does not open: %w", plan.Name, err)
	}
	return object, nil
}

// CloseObject closes one object of a task; a panic becomes an error. For drivers.
func CloseObject(object any, plan *module.ObjectPlan) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("object %s: closing it panicked: %v", plan.Name, p)
		}
	}()
	if err = plan.Close(object); err != nil {
		return fmt.Errorf("object %s: closing it: %w", plan.Name, err)
	}
	return nil
}
