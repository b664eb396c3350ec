package pstate

import (
	"errors"
	"fmt"
	"reflect"

	"github.com/coppice-run/coppice/internal/overlay"
	"github.com/coppice-run/coppice/task"
)

// Declare binds a handle to its declaration and returns the mistakes in its
// type and options. For package module.
func Declare(h Schema, d *overlay.Decl, options ...Option) []error {
	var o settings
	for _, option := range options {
		if option.apply != nil {
			option.apply(&o)
		}
	}
	s := &shaper{codecs: o.codecs, partition: o.partition, mistakes: o.mistakes, migrations: o.migrations}
	root := h.shape(s)
	s.mistakes = append(s.mistakes, s.unused()...)
	if d.Temporary && len(o.migrations) > 0 {
		s.mistake("is temporary and has a migration: it is never stored, and has nothing to migrate")
	}
	if fixed, ok := h.(interface{ of() reflect.Type }); ok && reflect.TypeOf(h).Elem() != fixed.of() {
		s.mistake("%v embeds Fixed[%v]; it has to embed Fixed of itself", reflect.TypeOf(h).Elem(), fixed.of())
	}
	if o.partition != nil && !s.placed {
		s.mistake("has a partitioner and no key: each task has a part of its own")
	}
	if o.partition != nil && o.global {
		s.mistake("is global and has a partitioner: its one partition is on task 0")
	}
	if o.initial != nil {
		raw, err := o.initial(root)
		if err != nil {
			s.mistake("%w", err)
		}
		d.Initial = &raw
	}
	if len(s.mistakes) > 0 {
		return s.mistakes
	}
	settle(root, nil, 0, nil, false)
	d.Schema, d.Global, d.Private, d.Partition = root, o.global, o.private, o.partition
	h.bind(overlay.Root(d))
	return nil
}

// DeclOf returns the declaration of a handle, nil before it is declared. For
// package module.
func DeclOf[K any](h Keyed[K]) *overlay.Decl { return h.path().Decl }

// DeclOfLocated is DeclOf of any structure. For front ends of package module.
func DeclOfLocated(h Located) *overlay.Decl { return h.path().Decl }

// Places reports whether the handle's keys choose the task: whether it is the
// outermost level with keys. For package module.
func Places[K any](h Keyed[K]) bool {
	s := h.path().Schema
	return s != nil && (s.Keyed == s)
}

// Placer returns what finds the task that holds a key of a declared handle: by the
// PState's own partitioner or by hash. For package module.
func Placer[K any](h Keyed[K]) func(key K, tasks int, scratch []byte) (task.ID, []byte, error) {
	d := h.path().Decl
	if d.Global {
		return func(_ K, _ int, scratch []byte) (task.ID, []byte, error) { return 0, scratch, nil }
	}
	own, _ := d.Partition.(func(K, int) int)
	return func(key K, tasks int, scratch []byte) (task.ID, []byte, error) {
		id, scratch, err := taskOf(key, own, tasks, scratch)
		if err != nil {
			err = fmt.Errorf("PState %s: %w", d.Name, err)
		}
		return id, scratch, err
	}
}

// taskOf finds the task of a key.
func taskOf[K any](key K, own func(K, int) int, tasks int, scratch []byte) (task.ID, []byte, error) {
	if own != nil {
		id := own(key, tasks)
		if id < 0 || id >= tasks {
			return task.None, scratch, fmt.Errorf("its partitioner chose task %d; there are 0 to %d", id, tasks-1)
		}
		return task.ID(id), scratch, nil
	}
	bytes, err := task.AppendKey(scratch[:0], key)
	if err != nil {
		return task.None, scratch, errors.Join(ErrBadKey, err)
	}
	return task.Of(bytes, tasks), bytes, nil
}
