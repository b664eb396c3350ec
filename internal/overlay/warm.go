package overlay

import "slices"

// warming is fields of any type, whose entries can be brought near.
type warming interface {
	warm(keys [][]byte, hashes []uint64) int
}

// Expected is the key that an event came with, and where it has looked an element up under it.
type Expected struct {
	key string
	in  keyed
}

// keyed is warming where elements can be asked for, too.
type keyed interface {
	warming
	foresee(v *View, field string) bool
}

// Expect says which key the event that runs next came with, "" if it has none. It has to stay
// as it is while the event runs.
func (v *View) Expect(key []byte) { v.expected = Expected{key: textOf(key)} }

// Expected is what Expect said, and what came of it. ExpectAgain goes back to that, after
// other events have run ahead.
func (v *View) Expected() Expected      { return v.expected }
func (v *View) ExpectAgain(as Expected) { v.expected = as }

// Expects reports whether an event since Warm has looked up an element under its key.
func (v *View) Expects() bool { return v.keyed != nil }

// Warm looks up the elements that events with these keys will look up, if they do what those
// before them did: an event waits twice for memory that is not in the processor's caches, one
// after the other, and the waits of several lookups that do not hang on each other pass
// together. It changes nothing, and costs some nanoseconds where the guess is wrong.
func (v *View) Warm(keys [][]byte) {
	if v.keyed == nil {
		return
	}
	v.hashes = slices.Grow(v.hashes[:0], len(keys))[:len(keys)]
	v.warmed += v.keyed.warm(keys, v.hashes)
	v.keyed = nil
}

// meets notes that an event looks up an element under its own key.
func (v *View) meets(f keyed, field string) {
	if field == v.expected.key && v.expected.in == nil && field != "" {
		v.expected.in, v.keyed = f, f
	}
}

// warm looks the keys up, in steps: the loads of one step do not hang on each other, and its
// loop is so short that the processor begins many of them at once. It returns something that
// hangs on all of them: else they would be left out.
func (f *fields[T]) warm(keys [][]byte, hashes []uint64) (sum int) {
	x := &f.entries
	if len(x.leaves) == 0 {
		return 0
	}
	for i, key := range keys {
		hashes[i] = hashOf(textOf(key))
	}
	for _, hash := range hashes {
		slots := x.leaf(hash).slots
		if slots[hash&uint64(len(slots)-1)].hash == hash {
			sum++
		}
	}
	for _, hash := range hashes {
		slots := x.leaf(hash).slots
		mask := uint64(len(slots) - 1)
		at := hash & mask
		for slots[at].hash != hash && slots[at].entry != nil {
			at = (at + 1) & mask
		}
		if e := slots[at].entry; e != nil {
			sum += int(e.n.saved) + e.last(hash)
		}
	}
	return sum
}
