package acker

// mix is a bijection on 64-bit numbers that scatters its input (the finisher of
// SplitMix64).
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	x ^= x >> 31
	return x
}

// unmix is its inverse.
func unmix(x uint64) uint64 {
	x ^= x>>31 ^ x>>62
	x *= 0x319642b2d24d8ec3
	x ^= x>>27 ^ x>>54
	x *= 0x96de1b173f119089
	x ^= x>>30 ^ x>>60
	return x
}

const (
	step        = 0x9e3779b97f4a7c15
	stepInverse = 0xf1de83e19937733d // step times it is 1
)

// Seed is the seed of a root event. It depends only on what is handed in, so it
// is the same on each attempt: ids and random numbers drawn from it repeat.
func Seed(topology, source string, partition int32, offset int64) uint64 {
	return Root(Stem(topology, source, partition), offset)
}

// Stem is what the seeds of all root events of one partition grow from.
func Stem(topology, source string, partition int32) uint64 {
	h := uint64(14695981039346656037)
	for _, text := range [2]string{topology, source} {
		for i := 0; i < len(text); i++ {
			h = (h ^ uint64(text[i])) * 1099511628211
		}
		h = (h ^ 0xff) * 1099511628211
	}
	return mix(h + uint64(uint32(partition))*step)
}

// Root is the seed of the root event of one record of a partition.
func Root(stem uint64, offset int64) uint64 { return mix(stem + uint64(offset)*step) }

// Child is the seed of the i-th event that an event sends off, counted from 0.
func Child(seed uint64, i uint32) uint64 { return mix(seed + (uint64(i)+1)*step) }

// Ordinal is the inverse of Child: which of the events that an event sends off has this
// seed. It reports false where none has it.
func Ordinal(parent, seed uint64) (i uint32, ok bool) {
	n := (unmix(seed)-parent)*stepInverse - 1
	return uint32(n), n <= 1<<32-1
}

// Parent is the seed of the event whose i-th child has this seed.
func Parent(seed uint64, i uint32) uint64 { return unmix(seed) - (uint64(i)+1)*step }

// EventID is an event's id in the tree of one attempt. Another attempt has
// another tree id, so late acks of an earlier one cancel nothing.
func EventID(tree, seed uint64) uint64 {
	id := mix(tree + mix(seed))
	if id == 0 {
		return 1
	}
	return id
}
