package agg

import "reflect"

// Aggregator is what makes an A of many values of type V: a Combiner or an Accumulator.
type Aggregator[V, A any] interface {
	// Accumulator is the aggregator in its general form.
	Accumulator() Accumulator[V, A]
}

// Accumulator takes values of type V into an A, one after another. Zero or Lift has to be
// set, and Add.
//
// Add, Merge and Finish may change a and return it; they keep nothing of b or v that has
// references others could change. They give the same for the same, whenever they run: an
// attempt that failed is tried again.
//
// With Merge, an A can be made in parts: in a batch block on each task that has values, so
// that one A per key and task crosses the network (promise 13.08). Merge is associative, a
// Zero changes nothing in it, and merging the parts gives what taking all values into one
// would. Package aggtest checks that.
type Accumulator[V, A any] struct {
	// Zero gives what no values make; nil: they make nothing. It is new each time.
	Zero func() A
	// Lift gives what a value makes that begins a part; nil: Add(Zero(), v).
	Lift func(v V) A
	// Add takes one more value.
	Add func(a A, v V) A
	// Merge makes one of two parts, a before b; nil: it cannot be made in parts.
	Merge func(a, b A) A
	// Finish makes what a batch block gives out of what was gathered; nil: it is that.
	Finish func(a A) A
	// Void says of which results nothing is left: a PState then removes the element, and a
	// batch block gives out nothing for the key. nil: of none.
	Void func(a A) bool
	// Grows says that results grow with the number of values, as lists do: a batch block
	// then sends a part of a thousand values on its way, and begins another.
	Grows bool
}

// Accumulator returns a itself.
func (a Accumulator[V, A]) Accumulator() Accumulator[V, A] { return a }

// Valid reports whether the accumulator can be used: see the type.
func (a Accumulator[V, A]) Valid() bool { return a.Add != nil && (a.Zero != nil || a.Lift != nil) }

// First is what the first of all values makes.
func (a Accumulator[V, A]) First(v V) A {
	if a.Zero != nil {
		return a.Add(a.Zero(), v)
	}
	return a.Lift(v)
}

// Part is what the first value of a part makes. Result takes in Zero then, once.
func (a Accumulator[V, A]) Part(v V) A {
	if a.lifts() {
		return a.Lift(v)
	}
	return a.First(v)
}

func (a Accumulator[V, A]) lifts() bool { return a.Lift != nil && a.Merge != nil }

// Result is what a batch block gives out for what was gathered in parts; ok is false
// where nothing is left of it.
func (a Accumulator[V, A]) Result(gathered A) (result A, ok bool) {
	if a.lifts() && a.Zero != nil {
		gathered = a.Merge(a.Zero(), gathered)
	}
	if a.Finish != nil {
		gathered = a.Finish(gathered)
	}
	return gathered, !a.IsVoid(gathered)
}

// Nothing is what a batch block gives out where no value came; ok is false where no
// values make nothing.
func (a Accumulator[V, A]) Nothing() (result A, ok bool) {
	if a.Zero == nil {
		return result, false
	}
	if result = a.Zero(); a.Finish != nil {
		result = a.Finish(result)
	}
	return result, true
}

// IsVoid reports whether nothing is left of a result.
func (a Accumulator[V, A]) IsVoid(result A) bool { return a.Void != nil && a.Void(result) }

// VoidIf returns the accumulator with another rule for which results nothing is left of.
func (a Accumulator[V, A]) VoidIf(void func(A) bool) Accumulator[V, A] {
	a.Void = void
	return a
}

// Of takes values out of others: what comes is turned into what the aggregator takes.
func Of[T, V, A any](by Aggregator[V, A], value func(T) V) Accumulator[T, A] {
	a := by.Accumulator()
	out := Accumulator[T, A]{Zero: a.Zero, Merge: a.Merge, Finish: a.Finish, Void: a.Void, Grows: a.Grows}
	out.Add = func(into A, t T) A { return a.Add(into, value(t)) }
	if a.Lift != nil {
		out.Lift = func(t T) A { return a.Lift(value(t)) }
	}
	return out
}

// Combiner makes one value of two: Combine is associative, and may change a. Zero, if set,
// gives what no values make, and is combined with the values once, before the first.
// Without it, no values make nothing, and the first value starts.
type Combiner[T any] struct {
	Zero    func() T
	Combine func(a, b T) T
	// Void and Grows: see Accumulator.
	Void  func(T) bool
	Grows bool
}

// Start returns the combiner with a start value in the place of Zero; it may be any. Of a
// map or a slice each result begins with a copy; what its elements refer to is shared, so
// where Combine changes that, set Zero.
func (c Combiner[T]) Start(first T) Combiner[T] {
	c.Zero = func() T { return copied(first) }
	return c
}

// copied is a value that may be changed: a map or a slice is another one, with the same
// elements.
func copied[T any](t T) T {
	v := reflect.ValueOf(&t).Elem()
	if k := v.Kind(); k != reflect.Map && k != reflect.Slice || v.IsNil() {
		return t
	}
	if v.Kind() == reflect.Slice {
		other := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
		reflect.Copy(other, v)
		v.Set(other)
		return t
	}
	other := reflect.MakeMapWithSize(v.Type(), v.Len())
	for i := v.MapRange(); i.Next(); {
		other.SetMapIndex(i.Key(), i.Value())
	}
	v.Set(other)
	return t
}

// VoidIf returns the combiner with a rule for which results nothing is left of: with
// Sum[int]().VoidIf(func(n int) bool { return n == 0 }) an element whose sum is 0 leaves its PState.
func (c Combiner[T]) VoidIf(void func(T) bool) Combiner[T] {
	c.Void = void
	return c
}

// Accumulator is the combiner as one: values are results, too.
func (c Combiner[T]) Accumulator() Accumulator[T, T] {
	a := Accumulator[T, T]{Zero: c.Zero, Add: c.Combine, Merge: c.Combine, Void: c.Void, Grows: c.Grows}
	if c.Combine != nil {
		a.Lift = func(v T) T { return v }
	}
	return a
}
