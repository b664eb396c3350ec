package task

import (
	"strconv"
	"strings"
)

// SlotCount is the number of hash slots of a Redis Cluster.
const SlotCount = 16384

// Tag returns the hash tag of a task: every Redis key of the task carries it in
// braces, so that all of them fall into one hash slot (design invariant).
//
// The tag is "<module>.<task>.<salt>". The salt is the smallest number, counted
// up from 0, for which the tag's slot lies in the middle half of the task's
// share of the slots: with S = 16384/tasks, the slots from id*S + S/4 up to but
// not including id*S + 3*S/4, rounded down. So tasks spread evenly over the
// masters of a cluster however the slots are dealt out. The rule is part of the
// storage format and never changes; golden vectors in the tests hold it.
//
// The search takes about 2*tasks steps; keep the result.
func Tag(module string, id ID, tasks int) string {
	low := (int(id)*4 + 1) * SlotCount / (4 * tasks)
	high := (int(id)*4 + 3) * SlotCount / (4 * tasks)
	buffer := make([]byte, 0, len(module)+16)
	buffer = append(buffer, module...)
	buffer = append(buffer, '.')
	buffer = strconv.AppendInt(buffer, int64(id), 10)
	buffer = append(buffer, '.')
	stem := len(buffer)
	for salt := int64(0); ; salt++ {
		buffer = strconv.AppendInt(buffer[:stem], salt, 10)
		if slot := int(SlotOf(buffer)); slot >= low && slot < high {
			return string(buffer)
		}
	}
}

// OfTag returns the task that a tag is of; None if the text is no tag.
func OfTag(tag string) ID {
	stem, _, _ := cutLast(tag)
	_, id, ok := cutLast(stem)
	n, err := strconv.Atoi(id)
	if !ok || err != nil || n < 0 {
		return None
	}
	return ID(n)
}

func cutLast(text string) (before, after string, ok bool) {
	i := strings.LastIndexByte(text, '.')
	if i < 0 {
		return text, "", false
	}
	return text[:i], text[i+1:], true
}

// SlotOf returns the hash slot of a tag as Redis Cluster computes it:
// CRC16 (XMODEM) modulo 16384.
func SlotOf(tag []byte) uint16 {
	var crc uint16
	for _, b := range tag {
		crc = crc<<8 ^ crc16Table[byte(crc>>8)^b]
	}
	return crc % SlotCount
}

var crc16Table = makeCRC16Table()

func makeCRC16Table() (table [256]uint16) {
	const polynomial = 0x1021
	for i := range table {
		crc := uint16(i) << 8
		for range 8 {
			if crc&0x8000 != 0 {
				crc = crc<<1 ^ polynomial
			} else {
				crc <<= 1
			}
		}
		table[i] = crc
	}
	return table
}
