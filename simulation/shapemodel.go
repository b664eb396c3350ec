package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// shapeModel is what the workload shapes computes under one key, on plain maps.
type shapeModel struct {
	plain  map[int]string
	sorted map[int]int
	deep   map[int]map[int]bool // a key is there from its first write until it is deleted
}

func newShapeModel() *shapeModel {
	return &shapeModel{plain: map[int]string{}, sorted: map[int]int{}, deep: map[int]map[int]bool{}}
}

// do does a deed and returns what its record must have seen.
func (m *shapeModel) do(d deed) string {
	switch d.Op {
	case 0:
		m.plain[d.A] = fmt.Sprint("v", d.B)
	case 1:
		delete(m.plain, d.A)
	case 2:
		v, ok := m.plain[d.A]
		return fmt.Sprint(v, ok)
	case 3:
		return fmt.Sprint(len(m.plain))
	case 4, 5:
		m.sorted[d.A] += d.B
		return fmt.Sprint(m.sorted[d.A])
	case 6:
		delete(m.sorted, d.A)
	case 7, 8:
		v, ok := m.sorted[d.B]
		return fmt.Sprint(m.seenSorted(d), v, ok)
	case 9:
		return fmt.Sprint(len(m.sorted))
	case 10:
		if m.deep[d.A] == nil {
			m.deep[d.A] = map[int]bool{}
		}
		added := !m.deep[d.A][d.B]
		m.deep[d.A][d.B] = true
		return fmt.Sprint(added)
	case 11:
		removed := m.deep[d.A][d.B]
		delete(m.deep[d.A], d.B)
		return fmt.Sprint(removed)
	case 12:
		delete(m.deep, d.A)
	case 13:
		return m.seenDeep()
	case 14:
		m.sorted = map[int]int{d.A: d.B}
	}
	return ""
}

// all is the whole sorted map.
func (m *shapeModel) all() string { return m.seenSorted(deed{Op: 7}) }

// seenSorted ranges over the sorted map as the deed's span does.
func (m *shapeModel) seenSorted(d deed) string {
	keys := slices.Sorted(maps.Keys(m.sorted))
	if d.Op == 8 {
		slices.Reverse(keys)
	}
	limit := d.B % 4
	var out strings.Builder
	n := 0
	for _, k := range keys {
		if !inShapeSpan(d, k) || limit > 0 && n == limit {
			continue
		}
		n++
		fmt.Fprintf(&out, "%d=%d ", k, m.sorted[k])
	}
	return out.String()
}

func inShapeSpan(d deed, k int) bool {
	switch d.A % 4 {
	case 1:
		return k >= d.B
	case 2:
		return k < d.B
	case 3:
		return k >= d.B && k < d.B+6
	}
	return true
}

func (m *shapeModel) seenDeep() string {
	var out strings.Builder
	for _, key := range slices.Sorted(maps.Keys(m.deep)) {
		fmt.Fprintf(&out, "%d:", key)
		for _, n := range slices.Sorted(maps.Keys(m.deep[key])) {
			fmt.Fprintf(&out, " %d", n)
		}
		out.WriteString("; ")
	}
	return out.String()
}
