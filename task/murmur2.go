package task

import "encoding/binary"

// Murmur2 is the hash by which Kafka's Java client picks the partition of a
// key (seed 0x9747b28c). A foreign producer with the partitioner
// "murmur2_random" therefore reaches the task that holds the key's PStates.
// (librdkafka's default is CRC32, which does not.)
func Murmur2(data []byte) uint32 {
	const (
		seed = 0x9747b28c
		m    = 0x5bd1e995
		r    = 24
	)
	h := uint32(seed) ^ uint32(len(data))
	for len(data) >= 4 {
		k := binary.LittleEndian.Uint32(data)
		k *= m
		k ^= k >> r
		k *= m
		h *= m
		h ^= k
		data = data[4:]
	}
	switch len(data) {
	case 3:
		h ^= uint32(data[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(data[1]) << 8
		fallthrough
	case 1:
		h ^= uint32(data[0])
		h *= m
	}
	h ^= h >> 13
	h *= m
	h ^= h >> 15
	return h
}

// Of returns the task that owns a key, given its partition bytes (see
// [AppendKey]): the positive part of Murmur2, modulo the number of tasks, as
// Kafka's default partitioner does it.
func Of(partitionBytes []byte, tasks int) ID {
	return ID(int(Murmur2(partitionBytes)&0x7fffffff) % tasks)
}
