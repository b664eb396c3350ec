package model

// journal is what the open batch did to the model, so that it can be taken back, and
// seen without.
type journal struct {
	steps []step
	past  bool // the model is as it was at the last commit
}

type step struct{ redo, undo func() }

// do changes the model.
func (j *journal) do(redo, undo func()) {
	redo()
	j.steps = append(j.steps, step{redo, undo})
}

// back takes back what was done since a length of the journal.
func (j *journal) back(to int) {
	for i := len(j.steps) - 1; i >= to; i-- {
		j.steps[i].undo()
	}
	clear(j.steps[to:])
	j.steps = j.steps[:to]
}

// committed calls look while the model is as it was at the last commit.
func (j *journal) committed(look func()) {
	j.rewind(true)
	look()
	j.rewind(false)
}

// present calls do while the model is as it is now, whatever committed is about.
func (j *journal) present(do func()) {
	past := j.past
	j.rewind(false)
	do()
	j.rewind(past)
}

func (j *journal) rewind(past bool) {
	switch {
	case past && !j.past:
		for i := len(j.steps) - 1; i >= 0; i-- {
			j.steps[i].undo()
		}
	case !past && j.past:
		for i := range j.steps {
			j.steps[i].redo()
		}
	}
	j.past = past
}

// put sets a variable of the model.
func put[T any](j *journal, at *T, value T) {
	before := *at
	j.do(func() { *at = value }, func() { *at = before })
}

// putKey sets an element of a map of the model; a nil value removes it.
func putKey[K comparable, V any](j *journal, m map[K]V, key K, value *V) {
	before, had := m[key]
	j.do(func() {
		if value == nil {
			delete(m, key)
		} else {
			m[key] = *value
		}
	}, func() {
		if had {
			m[key] = before
		} else {
			delete(m, key)
		}
	})
}
