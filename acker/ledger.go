package acker

// Ref finds a tree at its root's task: the slot in the ledger, and the id that
// tells it from all that had the slot before.
type Ref struct {
	Slot uint32
	ID   uint64
}

// Tree is one event tree with the owner's data on it.
type Tree[T any] struct {
	Ref     Ref
	Xor     uint64 // zero when nothing is under way
	Touched uint64 // tasks that its events went to, a bit per task number modulo 64
	Data    T
	open    bool
}

// Ledger holds the open trees of one root task. Not for concurrent use.
type Ledger[T any] struct {
	key     uint64
	counter uint64
	trees   []*Tree[T]
	free    []uint32
	count   int
}

// NewLedger returns a ledger whose tree ids are told apart from those of other
// ownership periods by a random key.
func NewLedger[T any](key uint64) *Ledger[T] { return &Ledger[T]{key: key} }

// Open starts a tree with one event under way, the root with the given seed.
func (l *Ledger[T]) Open(seed uint64) *Tree[T] {
	l.counter++
	id := mix(l.key + l.counter)
	if id == 0 { // 0 means no tree
		l.counter++
		id = mix(l.key + l.counter)
	}
	var t *Tree[T]
	if n := len(l.free); n > 0 {
		t = l.trees[l.free[n-1]]
		l.free = l.free[:n-1]
	} else {
		t = &Tree[T]{Ref: Ref{Slot: uint32(len(l.trees))}}
		l.trees = append(l.trees, t)
	}
	t.Ref.ID = id
	t.Xor = EventID(id, seed)
	t.Touched = 0
	t.open = true
	l.count++
	return t
}

// Find returns the open tree of a ref, or nil: an ack of an attempt that is
// over touches nothing.
func (l *Ledger[T]) Find(ref Ref) *Tree[T] {
	if int(ref.Slot) >= len(l.trees) {
		return nil
	}
	if t := l.trees[ref.Slot]; t.open && t.Ref.ID == ref.ID {
		return t
	}
	return nil
}

// Close ends a tree; its ref finds nothing any more.
func (l *Ledger[T]) Close(t *Tree[T]) {
	var none T
	t.Data = none
	t.open = false
	l.free = append(l.free, t.Ref.Slot)
	l.count--
}

// Len is the number of open trees.
func (l *Ledger[T]) Len() int { return l.count }

// Each calls f for every open tree, in slot order, until f returns false. f may
// close the tree it is given.
func (l *Ledger[T]) Each(f func(*Tree[T]) bool) {
	for _, t := range l.trees {
		if t.open && !f(t) {
			return
		}
	}
}

// Ack folds the completion of events into the tree: delta is the XOR of the ids
// of the finished events and of those that they sent off, touched the tasks that
// those went to. It reports whether nothing is under way any more.
func (t *Tree[T]) Ack(delta, touched uint64) bool {
	t.Xor ^= delta
	t.Touched |= touched
	return t.Xor == 0
}
