package simulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// thingModel is what the workload structures computes under one key, on Go's own
// slices and maps.
type thingModel struct {
	count int
	queue []int
	seen  map[int]bool
	rows  []int // lengths of the maps
	marks map[float64]int
}

func newThingModel() *thingModel {
	return &thingModel{seen: map[int]bool{}, marks: map[float64]int{}}
}

// do does a deed and returns what its record must have seen.
func (m *thingModel) do(d deed) string {
	switch d.Op {
	case 0:
		m.count += d.A
		return fmt.Sprint(m.count)
	case 1, 2:
		m.queue = append(m.queue, d.A)
	case 3:
		m.queue = slices.Insert(m.queue, 0, d.A)
	case 4, 5:
		return m.pop(d.Op == 5)
	case 6:
		return m.part(d)
	case 7:
		if d.A < 0 || d.A >= len(m.queue) {
			return fmt.Sprint(0, false)
		}
		return fmt.Sprint(m.queue[d.A], true)
	case 8:
		had := m.seen[d.A]
		m.seen[d.A] = true
		return fmt.Sprint(!had)
	case 9:
		had := m.seen[d.A]
		delete(m.seen, d.A)
		return fmt.Sprint(had)
	case 10:
		return fmt.Sprint(len(m.seen))
	case 11:
		m.rows = append(m.rows, 1)
	case 12:
		n := len(m.rows)
		m.rows = m.rows[:max(n-1, 0)]
		return fmt.Sprint(n > 0)
	case 13:
		return m.allRows()
	case 14:
		m.marks[float64(d.A)/4] = d.B
		return m.allMarks()
	case 15:
		if d.A == 0 {
			*m = *newThingModel()
		}
	}
	return ""
}

func (m *thingModel) pop(front bool) string {
	n := len(m.queue)
	if n == 0 {
		return fmt.Sprint(0, false)
	}
	v := m.queue[n-1]
	if front {
		v, m.queue = m.queue[0], m.queue[1:]
	} else {
		m.queue = m.queue[:n-1]
	}
	return fmt.Sprint(v, true)
}

// part is the part of the queue that the deed's span cuts out.
func (m *thingModel) part(d deed) string {
	var entries []string
	for i, v := range m.queue {
		if i >= d.A {
			entries = append(entries, fmt.Sprintf("%d=%d ", i, v))
		}
	}
	if d.B%2 == 0 {
		slices.Reverse(entries)
	}
	if limit := max(d.B, 0); limit > 0 && len(entries) > limit {
		entries = entries[:limit]
	}
	return strings.Join(entries, "")
}

func (m *thingModel) allRows() string {
	var out strings.Builder
	for _, n := range m.rows {
		fmt.Fprintf(&out, "%d ", n)
	}
	return out.String()
}

func (m *thingModel) allMarks() string {
	var out strings.Builder
	for _, k := range slices.Sorted(maps.Keys(m.marks)) {
		fmt.Fprintf(&out, "%v=%d ", k, m.marks[k])
	}
	return out.String()
}

// all is everything under the key.
func (m *thingModel) all() string {
	queue := m.part(deed{A: -100, B: -1})
	return fmt.Sprint(queue, "|", m.allRows(), "|", m.allMarks(), "|", len(m.seen), "|", m.count)
}
