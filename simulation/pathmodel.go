package simulation

import (
	"fmt"
	"maps"
	"slices"
)

// pathModel is what the workload paths computes under one key, on Go's own slices and
// maps.
type pathModel struct {
	rows  map[int]int
	marks map[int]bool
	queue []int
}

func oddNumber(n int) bool { return n%2 != 0 }

func (m *pathModel) do(d deed) {
	switch d.Op {
	case 0, 1, 2:
		m.rows[d.A] = d.B
		m.marks[d.A] = true
		m.queue = append(m.queue, d.B)
	case 3:
		for k := range m.rows {
			if k >= d.A && k < d.A+6 {
				m.rows[k] += d.B
			}
		}
	case 4:
		for _, k := range lastOf(below(slices.Sorted(maps.Keys(m.rows)), d.A), 2) {
			delete(m.rows, k)
		}
	case 5:
		some := firstOf(from(slices.Sorted(maps.Keys(m.marks)), d.A), 3)
		for _, k := range some {
			delete(m.marks, k)
		}
		for _, k := range some {
			m.marks[k+d.B] = true
		}
	case 6:
		cut := max(len(m.queue)-4, 0)
		m.queue = append(m.queue[:cut:cut], slices.DeleteFunc(slices.Clone(m.queue[cut:]), oddNumber)...)
	case 7:
		m.reverseOdd()
	case 8:
		m.queue = m.queue[min(1, len(m.queue)):]
		for _, k := range lastOf(slices.Sorted(maps.Keys(m.marks)), 1) {
			delete(m.marks, k)
		}
		if _, ok := m.rows[d.B]; ok {
			m.rows[d.B] += d.B
		}
	}
}

func (m *pathModel) reverseOdd() {
	var odd []int
	for _, n := range m.queue {
		if oddNumber(n) {
			odd = append(odd, n)
		}
	}
	for i, n := range m.queue {
		if oddNumber(n) {
			m.queue[i], odd = odd[len(odd)-1], odd[:len(odd)-1]
		}
	}
}

// see is what a record sees under the key.
func (m *pathModel) see(d deed) string {
	if d.A%2 == 0 {
		keys := slices.Sorted(maps.Keys(m.rows))
		var values []int
		for _, k := range lastOf(keys, 3) {
			values = append(values, m.rows[k])
		}
		return fmt.Sprint(firstOf(from(keys, d.A), 4), values)
	}
	var ends []int
	if len(m.queue) > 0 {
		ends = []int{m.queue[0], m.queue[len(m.queue)-1]}
	}
	ends = append(ends, below(m.queue, d.A)...)
	return fmt.Sprint(lastOf(below(slices.Sorted(maps.Keys(m.marks)), d.B), 3), ends)
}

func from(all []int, low int) []int {
	return slices.DeleteFunc(slices.Clone(all), func(n int) bool { return n < low })
}

func below(all []int, high int) []int {
	return slices.DeleteFunc(slices.Clone(all), func(n int) bool { return n >= high })
}

func firstOf(all []int, n int) []int { return all[:min(n, len(all))] }
func lastOf(all []int, n int) []int  { return all[max(len(all)-n, 0):] }
