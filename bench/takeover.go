package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The figures of cmd/takeover.
const (
	takeOver       = "take-over"
	takeOverBeyond = "take-over-beyond"
	handOver99     = "hand-over-p99"
)

// takeOverSizes are the sizes that the goals name, in MB that each worker keeps: take-overs are to
// cost the same with all of them.
var takeOverSizes = []int{10, 1_000, 5_000}

// takeOverAims are the goals of take-overs with so much state. Each size is held against the
// smallest one that the goals name.
func takeOverAims(sizes []int) (all []*aim) {
	smallest := takeOverSizes[0]
	add := func(a *aim) { a.of, a.report, all = "take-over", "takeover", append(all, a) }
	for _, size := range sizes {
		if size != smallest {
			add(&aim{what: fmt.Sprintf("time until a killed worker's tasks go on, with %s of state / with %s, medians", megabytes(size), megabytes(smallest)), from: takeOverGrows(size), bound: flat, than: atMost})
		}
	}
	for _, size := range sizes {
		add(&aim{what: fmt.Sprintf("that time beyond the session timeout, with %s, the longest", megabytes(size)), from: most(takeOverBeyond, size), than: told, unit: "ms"})
	}
	for _, size := range sizes {
		add(&aim{what: fmt.Sprintf("p99 of a task's pause when it is handed over, with %s", megabytes(size)), from: most(handOver99, size), bound: 200, than: atMost, unit: "ms"})
	}
	return all
}

// otherSizes are those that were measured and that the goals do not name.
func otherSizes(r *report) (sizes []int) {
	if r == nil {
		return nil
	}
	f := r.find(takeOver)
	if f == nil {
		return nil
	}
	for _, s := range f.Subjects {
		size, err := strconv.Atoi(strings.TrimSuffix(s.Subject, " MB"))
		if err == nil && !slices.Contains(takeOverSizes, size) {
			sizes = append(sizes, size)
		}
	}
	return sizes
}

// megabytes writes a size for people.
func megabytes(size int) string {
	if size >= 1_000 && size%1_000 == 0 {
		return fmt.Sprintf("%d GB", size/1_000)
	}
	return fmt.Sprintf("%d MB", size)
}

// sized are the values of a size of cmd/takeover.
func sized(r *report, workload string, size int) []float64 {
	f := r.find(workload)
	if f == nil {
		return nil
	}
	return f.of(strconv.Itoa(size) + " MB")
}

// takeOverGrows is what a take-over costs with a size, of what it costs with the smallest.
func takeOverGrows(size int) func(*report) []float64 {
	return func(r *report) []float64 {
		small, large := sized(r, takeOver, takeOverSizes[0]), sized(r, takeOver, size)
		if len(small) == 0 || len(large) == 0 {
			return nil
		}
		return []float64{median(large) / median(small)}
	}
}

// most is the largest value of a size of cmd/takeover.
func most(workload string, size int) func(*report) []float64 {
	return func(r *report) []float64 {
		values := sized(r, workload, size)
		if len(values) == 0 {
			return nil
		}
		return []float64{slices.Max(values)}
	}
}
