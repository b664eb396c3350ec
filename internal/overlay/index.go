package overlay

import (
	"hash/maphash"
	"slices"
	"strings"
)

// index finds the entries of a column by their fields. It is a hash table whose slots hold
// the hash with the entry, and short fields lie behind their entries: looking an element up
// waits twice for memory that is not in the processor's caches, for the slot and for the entry
// with its field, where a map of strings waits for the control bytes, the slot and the field
// before it says which entry it is. It grows leaf by leaf, so that no event waits for a large
// table to be copied.
type index[T any] struct {
	leaves []*leaf[T] // by the first bits of the hash; a leaf stands once for each value of those that it leaves out
	bits   uint       // how many those are
}

// leaf is the entries whose hashes have their first bits in common. It has an empty slot
// always, behind the entries that are looked for from a place on.
type leaf[T any] struct {
	slots []slot[T] // 2^n of them; an entry is at the place that the last bits of its hash say, or behind
	used  int
	bits  uint
}

type slot[T any] struct {
	hash  uint64
	entry *Entry[T]
}

// Sizes of a leaf, in slots: at first, and when it is split in two instead of growing.
const (
	slotsMin = 8
	slotsMax = 512
)

// leafBitsMax bounds the list of leaves: one whose entries have more bits in common grows.
const leafBitsMax = 16

// hashSeed differs between processes, as that of maps: nobody can choose keys that meet.
var hashSeed = maphash.MakeSeed()

func hashOf(field string) uint64 { return marked(maphash.String(hashSeed, field), field) }

// marked is a hash that says whether its field is short: so entries with one hash either
// have their fields behind them or have not. Neither the leaf nor the place hangs on that bit.
func marked(hash uint64, field string) uint64 {
	if len(field) <= shortMax {
		return hash | shortBit
	}
	return hash &^ shortBit
}

const shortBit = 1 << 32

func (x *index[T]) leaf(hash uint64) *leaf[T] { return x.leaves[hash>>(64-x.bits)] }

// find returns the entry of a field with this hash; nil if there is none.
func (x *index[T]) find(hash uint64, field string) *Entry[T] {
	if len(x.leaves) == 0 {
		return nil
	}
	slots := x.leaf(hash).slots
	mask := uint64(len(slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := &slots[i]
		if s.entry == nil {
			return nil
		}
		if s.hash == hash && s.entry.named(field) {
			return s.entry
		}
	}
}

// get is find for those who have no hash.
func (x *index[T]) get(field string) *Entry[T] { return x.find(hashOf(field), field) }

// add puts an entry in, whose field has none yet.
func (x *index[T]) add(hash uint64, e *Entry[T]) {
	if len(x.leaves) == 0 {
		x.leaves = []*leaf[T]{{slots: make([]slot[T], slotsMin)}}
	}
	l := x.leaf(hash)
	for l.full() {
		if len(l.slots) < slotsMax || l.bits == leafBitsMax {
			l.grow()
		} else {
			x.split(l, hash)
			l = x.leaf(hash)
		}
	}
	l.put(slot[T]{hash, e})
}

// remove takes the entry of a field with this hash out, if there is one.
func (x *index[T]) remove(hash uint64, field string) {
	if e := x.find(hash, field); e != nil {
		x.leaf(hash).remove(hash, e)
	}
}

// sorted lists the entries in the order of their fields.
func (x *index[T]) sorted() (all []*Entry[T]) {
	for i := 0; i < len(x.leaves); {
		l := x.leaves[i]
		for _, s := range l.slots {
			if s.entry != nil {
				all = append(all, s.entry)
			}
		}
		i += 1 << (x.bits - l.bits)
	}
	slices.SortFunc(all, func(a, b *Entry[T]) int { return strings.Compare(a.n.field, b.n.field) })
	return all
}

// split puts two leaves in the place of one that is full.
func (x *index[T]) split(l *leaf[T], hash uint64) {
	if l.bits == x.bits {
		double := make([]*leaf[T], 0, 2*len(x.leaves))
		for _, other := range x.leaves {
			double = append(double, other, other)
		}
		x.leaves = double
		x.bits++
	}
	var halves [2]*leaf[T]
	for i := range halves {
		halves[i] = &leaf[T]{slots: make([]slot[T], len(l.slots)), bits: l.bits + 1}
	}
	for _, s := range l.slots {
		if s.entry != nil {
			halves[s.hash>>(63-l.bits)&1].put(s)
		}
	}
	places := 1 << (x.bits - l.bits) // of the leaf
	first := int(hash>>(64-x.bits)) &^ (places - 1)
	for i := range places {
		x.leaves[first+i] = halves[2*i/places]
	}
}

// full reports whether three quarters of the slots are taken.
func (l *leaf[T]) full() bool { return 4*l.used >= 3*len(l.slots) }

func (l *leaf[T]) grow() {
	old := l.slots
	l.slots, l.used = make([]slot[T], 2*len(old)), 0
	for _, s := range old {
		if s.entry != nil {
			l.put(s)
		}
	}
}

func (l *leaf[T]) put(s slot[T]) {
	mask := uint64(len(l.slots) - 1)
	i := s.hash & mask
	for l.slots[i].entry != nil {
		i = (i + 1) & mask
	}
	l.slots[i] = s
	l.used++
}

// remove takes an entry out that is there, and moves up those behind it that would not be
// found beyond the gap.
func (l *leaf[T]) remove(hash uint64, e *Entry[T]) {
	mask := uint64(len(l.slots) - 1)
	gap := hash & mask
	for l.slots[gap].entry != e {
		gap = (gap + 1) & mask
	}
	for i := (gap + 1) & mask; l.slots[i].entry != nil; i = (i + 1) & mask {
		if home := l.slots[i].hash & mask; (i-home)&mask >= (i-gap)&mask {
			l.slots[gap] = l.slots[i]
			gap = i
		}
	}
	l.slots[gap] = slot[T]{}
	l.used--
}
