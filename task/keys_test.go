package task_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"

	"github.com/coppice-run/coppice/task"
)

type pair struct {
	Name string
	Day  int8
}

// some takes the first keys of each task and checks where they belong.
func some[K comparable](t *testing.T, tasks int) {
	t.Helper()
	for id := range task.ID(tasks) {
		keys, err := task.Keys[K](id, tasks)
		if err != nil {
			t.Fatal(err)
		}
		var first []K
		for key := range keys {
			if first = append(first, key); len(first) == 3 {
				break
			}
		}
		if len(first) < 3 {
			t.Errorf("task %d has the keys %v of type %T", id, first, *new(K))
		}
		again := 0
		for key := range keys {
			bytes, err := task.AppendKey(nil, key)
			if err != nil || task.Of(bytes, tasks) != id || key != first[again] || slices.Contains(first[:again], key) {
				t.Errorf("task %d: key %d is %v, error %v; first it was %v", id, again, key, err, first)
			}
			if again++; again == len(first) {
				break
			}
		}
	}
}

// promise 0.07: keys of any kind that belong to a task of choice, the same each time.
func TestKeysOfATask(t *testing.T) {
	t.Parallel()
	type named string
	some[string](t, 4)
	some[named](t, 7)
	some[int](t, 64)
	some[uint8](t, 3)
	some[int64](t, 5)
	some[[2]string](t, 4)
	some[uuid.UUID](t, 4)
	some[pair](t, 4)
}

func TestKeysThatThereAreNot(t *testing.T) {
	t.Parallel()
	if _, err := task.Keys[string](4, 4); err == nil {
		t.Error("keys of a task that there is not")
	}
	if _, err := task.Keys[struct{ hidden int }](0, 4); err == nil {
		t.Error("keys of a type with hidden parts")
	}
	if _, err := task.Keys[*int](0, 4); err == nil {
		t.Error("keys of a pointer type")
	}
	keys, err := task.Keys[bool](0, 1)
	if n := len(slices.Collect(keys)); n != 2 || err != nil {
		t.Errorf("%d keys of type bool, error %v", n, err)
	}
}
